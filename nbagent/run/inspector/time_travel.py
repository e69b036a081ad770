"""The transcript as it was: what each event of a run did to it, for a view that shows an earlier
moment.

A second `Transcript` reduces the events again, a stretch of the log at a time, and the view keeps
the ops. So the run is read once for all its moments, and none of them is kept by itself. The state
before the first event that the log still has is one more transcript: it takes each event that the
log drops.
"""

import copy
import itertools
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.events.log import EventLog
from nbagent.protocol.inspection import PastAnswer
from nbagent.protocol.ops import Op, WireOp
from nbagent.pump import LargeValues
from nbagent.transcript import Transcript

STRETCH_EVENTS = 4000
"""Events of one answer at most. Of short deltas they fill one message."""
STRETCH_BYTES = 256 * 1024
"""Bytes of JSON after which an answer ends."""
MAX_REPLAYS = 2
"""Transcripts that are kept so that the next stretch, or another view's, does not start from the
beginning.
"""


class TimeTravel:
    """Replays the events of one run; called under the run's lock.

    Args:
        log: the events, as they passed the gate.
        begin: makes the run's transcript before its first event.
        large_values: makes the markers of values that are too large to travel, and reads their
            pages.
    """

    def __init__(
        self, log: EventLog, begin: Callable[[], Transcript], large_values: LargeValues
    ) -> None:
        self._log = log
        self._begin = begin
        self._large_values = large_values
        self._base: Transcript | None = None
        self._replays: OrderedDict[int, _Replay] = OrderedDict()
        self._values: tuple[int, LargeValues] | None = (
            None  # of the event whose values were asked for last
        )

    def drop(self, event: e.Event) -> None:
        """Take an event that the log drops: the oldest moment that can be shown is the one after
        it.
        """
        if self._base is None:
            self._base = self._begin()
        self._base.feed(event)

    def stretch(self, after: int, to: int) -> str:
        """Return a `PastAnswer` as JSON: what the events from number `after` + 1 to `to` did, or
        the first of them.

        It starts anew behind the dropped events if those come later than `after`.
        """
        replay, opening = self._replay(after)
        first = replay.position + 1
        answer = PastAnswer(
            count=self._log.count,
            first=first,
            opening=opening,
            tags=[],
            types=[],
            times=[],
            steps=[],
        )
        tags: dict[str, int] = {}
        before = size = 0
        for event in itertools.islice(
            self._log.since(first), max(0, min(STRETCH_EVENTS, to - replay.position))
        ):
            answer.types.append(tags.setdefault(e.type_of(event), len(tags)))
            now = round(1000 * event.ts)
            answer.times.append(now - before)
            before = now
            step = msgspec.json.encode(replay.feed(event, self._large_values))
            answer.steps.append(msgspec.Raw(step))
            size += len(step)
            if size >= STRETCH_BYTES:
                break
        answer.tags.extend(tags)
        if replay.position < self._log.count or not replay.transcript.ended:
            self._replays[replay.position] = replay
            while len(self._replays) > MAX_REPLAYS:
                self._replays.popitem(last=False)
        return msgspec.json.encode(answer).decode()

    def page(self, number: int, name: str, offset: int, max_bytes: int) -> tuple[str, int]:
        """Return a page of a large value as an event has left it; see `LargeValues.page`.

        Args:
            number: of the event; 0 for the value before the first event that is kept.
            name: of the value, as the block has it now.
            offset: of the page's first character.
            max_bytes: bytes of JSON that the page may take.

        Raises:
            LookupError: the event is no longer kept, or there is no such value; the message is for
                the reader.
        """
        if self._values is None or self._values[0] != number:
            self._values = (number, self._large_values.of(self._props_by(number)))
        return self._values[1].page(name, offset, max_bytes)

    def _props_by(self, number: int) -> Callable[[str], Mapping[str, Any] | None]:
        """Return the props that an event has set, by block id.

        A large value comes whole with one event.
        """
        if number == 0 and (base := self._base) is not None:

            def props_of(block: str) -> Mapping[str, Any] | None:
                found = base.blocks.get(block)
                return None if found is None else found.props

            return props_of
        event = self._log.get(number)
        if event is None:
            raise LookupError(f"event {number} is no longer kept")
        props: dict[str, Any] = {}
        for op in Transcript().feed(event):
            if op[0] == "open" or op[0] == "set":
                props.update(op[-1])
        # For any block id: an event that is reduced alone may give its block another one.
        return lambda _: props

    def _replay(self, after: int) -> tuple["_Replay", list[WireOp]]:
        """Return a replay that has read the events up to number `after`, and the ops that it has
        not returned yet.
        """
        replay = self._replays.pop(after, None)
        if replay is not None and after >= self._log.dropped:
            replay.grew = None
            return replay, []
        replay = _Replay(
            self._log.dropped, self._begin() if self._base is None else copy.deepcopy(self._base)
        )
        if after <= self._log.dropped:
            return replay, [
                *map(
                    list,
                    self._large_values.externalize_large_props(
                        replay.transcript.opening(), "past/0/"
                    ),
                )
            ]
        for event in self._log.since(replay.position + 1):
            if replay.position == after:
                break
            replay.feed(event, self._large_values)
        replay.grew = None
        return replay, []


class _Replay:
    """A transcript that is made again, event by event.

    Attributes:
        position: number of the last event.
        transcript: as it was after that event.
        grew: block and field to which that event has appended, if it did nothing else; None at the
            beginning of an answer.
    """

    def __init__(self, position: int, transcript: Transcript) -> None:
        self.position = position
        self.transcript = transcript
        self._counters: dict[str, Any] = {}
        self.grew: tuple[str, str] | None = None

    def feed(self, event: e.Event, large_values: LargeValues) -> list[Op] | str:
        """Return the ops of the next event; a text alone if it is appended to the field that the
        event before appended to.
        """
        self.position += 1
        ops = [*self.transcript.feed(event), *self.transcript.counters(self._counters)]
        match ops:
            case [("append", id, field, text)]:
                if self.grew == (id, field):
                    return text
                self.grew = (id, field)
            case _:
                self.grew = None
        return large_values.externalize_large_props(ops, f"past/{self.position}/")
