"""Tools that need no code: a search in files, a call of another agent, a file writer, a shell.

    from nbagent.agent.builtin import search, write_file
    agent = nbagent.Agent("gpt-5-mini", tools=[search("docs"), write_file("build")])

A configuration file has them by their names.
"""

from nbagent.agent.builtin.agent_call import agent_call
from nbagent.agent.builtin.execute_command import execute_command
from nbagent.agent.builtin.search import search
from nbagent.agent.builtin.write_file import write_file

__all__ = ["agent_call", "execute_command", "search", "write_file"]
