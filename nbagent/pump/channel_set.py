"""The channels of one run."""

import threading
import time
from collections.abc import Callable, Iterable
from functools import partial

from nbagent.protocol.ops import Op
from nbagent.pump.channel import Channel, Renderer
from nbagent.pump.remote_channel import RemoteChannel, View
from nbagent.transcript import Transcript


class ChannelSet:
    """The channels of one run: each gets the whole transcript when it is opened, then every change.

    Args:
        transcript: the run's.
        lock: guards the transcript and the channels together.
    """

    def __init__(self, transcript: Transcript, lock: threading.RLock) -> None:
        self._transcript = transcript
        self._lock = lock
        self._channels: list[Channel] = []
        self._unfinished: set[Channel] = set()
        self._ended = False

    def __bool__(self) -> bool:
        return bool(self._channels)

    def open(self, channel: Channel) -> None:
        """Add a channel."""
        with self._lock:
            channel.feed(self._transcript.opening())
            self._channels.append(channel)
            ended = self._ended
        if ended:
            channel.finish(lambda: None, time.monotonic())

    def close(self, target: Renderer | View) -> None:
        """Remove the channels of a renderer or view, if it has any."""
        with self._lock:
            closed = [channel for channel in self._channels if channel.target is target]
            self._channels = [channel for channel in self._channels if channel.target is not target]
        for channel in closed:
            channel.close()

    def close_views(self) -> None:
        """Remove every view in a browser."""
        for channel in tuple(self._channels):
            if isinstance(channel, RemoteChannel):
                self.close(channel.target)

    def send(self, ops: Iterable[Op]) -> None:
        """Queue ops in every channel.

        Hold the lock from the change of the transcript on, so that no snapshot comes between.
        """
        for channel in self._channels:
            channel.feed(ops)

    def expect(self) -> None:
        """Have every channel ask for text at its next batch. Called with the lock held."""
        for channel in self._channels:
            channel.expect()

    def finish(self, then: Callable[[], object]) -> None:
        """Call `then` once when every channel has sent its last batch; at once if there are no
        channels.
        """
        with self._lock:
            self._ended = True
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
