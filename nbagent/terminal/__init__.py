"""A run in a terminal: drawn as it comes, its questions asked at the prompt."""

from nbagent.terminal.terminal import Terminal, ask_beside, draw

__all__ = ["Terminal", "ask_beside", "draw"]
