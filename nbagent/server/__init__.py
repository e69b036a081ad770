"""Agents served to other programs, over the protocols that these already speak."""

from nbagent.server.app import asgi
from nbagent.server.limits import Limits
from nbagent.server.server import Server, serve

__all__ = ["Limits", "Server", "asgi", "serve"]
