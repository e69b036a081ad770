"""A run in a terminal: drawn as it comes, its questions asked at the prompt."""

from nbagent.terminal.terminal import Terminal, draw, refuse

__all__ = ["Terminal", "draw", "refuse"]
