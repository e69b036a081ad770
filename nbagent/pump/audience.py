"""All who draw one run, in this process and in browsers."""

import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from nbagent.pump.channel import Channel, Face
from nbagent.pump.link import Link, View
from nbagent.transcript import Transcript


class Audience:
    """The channels of one run: each gets what has come so far when it is opened, then everything as it comes.

    Args:
        transcript: of the run.
        lock: guards the transcript and the channels together.
    """

    def __init__(self, transcript: Transcript, lock: threading.RLock) -> None:
        self._transcript = transcript
        self._lock = lock
        self._channels: list[Channel] = []
        self._unfinished: set[Channel] = set()
        self._over = False

    def open(self, channel: Channel) -> None:
        """Add a channel."""
        with self._lock:
            channel.feed(self._transcript.opening())
            self._channels.append(channel)
            over = self._over
        if over:
            channel.finish(lambda: None, time.monotonic())

    def close(self, face: Face | View) -> None:
        """Take away what draws on a face or view; one that was never there is no error."""
        with self._lock:
            gone = [channel for channel in self._channels if channel.face is face]
            self._channels = [channel for channel in self._channels if channel.face is not face]
        for channel in gone:
            channel.close()

    def close_views(self) -> None:
        """Take away every view in a browser."""
        for channel in tuple(self._channels):
            if isinstance(channel, Link):
                self.close(channel.face)

    def send(self, ops: Iterable[Any]) -> None:
        """Hand on ops, once for each channel; called with the lock held."""
        for channel in self._channels:
            channel.feed(ops)

    def finish(self, then: Callable[[], object]) -> None:
        """Nothing more will come: call `then` once when the last batch of each is out, here and now if there are none."""
        with self._lock:
            self._over = True
            channels = tuple(self._channels)
            self._unfinished = set(channels)
        for channel in channels:
            channel.finish(partial(self._on_finished, channel, then), time.monotonic())
        if not channels:
            then()

    def _on_finished(self, channel: Channel, then: Callable[[], object]) -> None:
        with self._lock:
            self._unfinished.discard(channel)
            if self._unfinished:
                return
        then()
