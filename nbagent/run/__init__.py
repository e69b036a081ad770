"""The run of one stream: its controller, its results, and the code that waits for them."""

from nbagent.run.run import Run

__all__ = ["Run"]
