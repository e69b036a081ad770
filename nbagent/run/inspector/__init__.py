"""Inspector of a run: its events, its timeline, its text to copy, and its past.

Inspector ──▶ Search (which events match), brief (an event on one line), Timeline (when things
happened),
              TimeTravel (the transcript as it was)
RequestPages (what the model was sent)
"""

from nbagent.run.inspector.inspector import Inspector
from nbagent.run.inspector.requests import RequestPages
from nbagent.run.inspector.time_travel import TimeTravel

__all__ = ["Inspector", "RequestPages", "TimeTravel"]
