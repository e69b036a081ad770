"""The embedded model: `model="demo"` on a real loopback HTTP server, scripted, with no language
model and no network.
"""

from nbagent.demo.server import DemoServer, demo_server

__all__ = ["DemoServer", "demo_server"]
