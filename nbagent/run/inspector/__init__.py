"""Inspector of a run: its events, its timeline, its text to copy, and its past.

Inspector ──▶ Search (which events match), brief (an event on one line), Timeline (when things
happened),
              Past (the transcript as it was)
RequestPages (what the model was sent)
"""

from nbagent.run.inspector.inspector import Inspector
from nbagent.run.inspector.past import Past
from nbagent.run.inspector.requests import RequestPages

__all__ = ["Inspector", "Past", "RequestPages"]
