"""The way of a transcript's ops to its faces: joined, cut into batches, paced, and for a reader far away repaired.

transcript ──ops──▶ Channel (a face in this process) or Link (a view in a browser), each with an Outbox
▲
Pump: the one thread that flushes them all
"""

from nbagent.pump.audience import Audience
from nbagent.pump.channel import GAP, INTERVAL, Channel, Face
from nbagent.pump.link import Link, View
from nbagent.pump.outbox import BATCH, Outbox
from nbagent.pump.parts import Parts
from nbagent.pump.thread import Pump, pump

__all__ = ["BATCH", "GAP", "INTERVAL", "Audience", "Channel", "Face", "Link", "Outbox", "Parts", "Pump", "View", "pump"]
