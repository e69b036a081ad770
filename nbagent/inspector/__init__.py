"""Inspector of a run: its events, its timeline and its text to copy.

Inspector ──▶ Search (which events match), brief (an event on one line), Timeline (when things happened)
RequestPages (what the model was sent)
"""

from nbagent.inspector.inspector import Inspector
from nbagent.inspector.requests import RequestPages

__all__ = ["Inspector", "RequestPages"]
