"""Recordings: the events of runs as JSON lines, to write, to read, and to play again at their own
pace.
"""

from nbagent.sources.recording.file import body_items, items, load, save
from nbagent.sources.recording.recorder import Recorder, record, recorders
from nbagent.sources.recording.replay import RecordedTimes, Replay, replay

__all__ = [
    "RecordedTimes",
    "Recorder",
    "Replay",
    "body_items",
    "items",
    "load",
    "record",
    "recorders",
    "replay",
    "save",
]
