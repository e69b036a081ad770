"""The command line: shows, replays and converts streams in a terminal, and asks and serves agents.

nbagent show URL|FILE     print a stream as it comes
nbagent decode FILE       print the events of a recording, one a line, as JSON
nbagent replay FILE       play a recording again, at its own pace
nbagent call PROMPT       ask an agent
nbagent chat              talk with an agent
nbagent map CONFIG DATA   ask an agent about each row of a file
nbagent serve FILE        serve the agents of a configuration
"""

from nbagent.cli.main import main

__all__ = ["main"]
