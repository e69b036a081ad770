"""Inspector of a run: its events, its timeline and its text to copy.

Inspector ──▶ Search (which events match), brief (an event on one line), Timeline (when things happened)
"""

from nbagent.inspector.inspector import Inspector

__all__ = ["Inspector"]
