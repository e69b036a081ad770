"""One stream watched: the controller, its results, and everything that waits for them."""

from nbagent.run.run import Run

__all__ = ["Run"]
