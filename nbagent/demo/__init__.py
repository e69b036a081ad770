"""The embedded model: `model="demo"`, scripted, with no language model and no network.

Agents reach it in this process; other clients at its loopback HTTP server.
"""

from nbagent.demo.server import DemoServer, demo_server
from nbagent.demo.transport import demo_model

__all__ = ["DemoServer", "demo_model", "demo_server"]
