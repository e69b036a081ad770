"""What a reader may ask of a run beside its transcript.

Inspector ──▶ Search (which events), brief (an event on one line), Timeline (when what happened)
"""

from nbagent.inspector.inspector import Inspector

__all__ = ["Inspector"]
