"""Runs of agents as tests, without a key or a network: what `run.to_test` writes its tests with,
and the pytest fixture.
"""

from nbagent.testing.player import calls_of, play, stand_in, stub
from nbagent.testing.replies import Call, Digest, Reply
from nbagent.testing.server import ModelServer

__all__ = ["Call", "Digest", "ModelServer", "Reply", "calls_of", "play", "stand_in", "stub"]
