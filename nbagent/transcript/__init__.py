"""The reducer: events in, a tree of blocks and a short list of ops out."""

from nbagent.protocol.ops import ROOT, Op
from nbagent.transcript.block import Block
from nbagent.transcript.stream_name import NameOrigin, StreamName
from nbagent.transcript.transcript import Transcript

__all__ = ["ROOT", "Block", "NameOrigin", "Op", "StreamName", "Transcript"]
