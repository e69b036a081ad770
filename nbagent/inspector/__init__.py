"""Answers the questions about a run that its transcript does not.

Inspector ──▶ Search (which events match), brief (an event on one line), Timeline (when things happened)
"""

from nbagent.inspector.inspector import Inspector

__all__ = ["Inspector"]
