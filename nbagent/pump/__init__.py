"""Delivers a transcript's ops to everything that draws it: joined, cut into batches, paced, and
repaired after a loss.

transcript ──ops──▶ LocalChannel (a renderer in this process) or RemoteChannel (a view in a
browser), each with an Outbox ▲ Pump: the one thread that flushes them all
"""

from nbagent.pump.channel import BATCH_INTERVAL_S, MIN_GAP_S, Channel, LocalChannel, Renderer
from nbagent.pump.channel_set import ChannelSet
from nbagent.pump.large_values import LargeValues
from nbagent.pump.outbox import BATCH_BYTES, Outbox
from nbagent.pump.remote_channel import RemoteChannel, View
from nbagent.pump.thread import Pump, pump

__all__ = [
    "BATCH_BYTES",
    "BATCH_INTERVAL_S",
    "MIN_GAP_S",
    "Channel",
    "ChannelSet",
    "LargeValues",
    "LocalChannel",
    "Outbox",
    "Pump",
    "RemoteChannel",
    "Renderer",
    "View",
    "pump",
]
