"""Inspector of a run: its events, its timeline, its text to copy, and its past.

Inspector ──▶ Search (which events match), brief (an event on one line), Timeline (when things happened),
              Past (the transcript as it was)
"""

from nbagent.inspector.inspector import Inspector
from nbagent.inspector.past import Past

__all__ = ["Inspector", "Past"]
