"""The state of one run: everything that is kept of its stream so far."""

import threading
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.events.log import EventLog
from nbagent.gate import Gate
from nbagent.gate.privacy import Privacy
from nbagent.inspector import Inspector
from nbagent.pump import LargeValues
from nbagent.recording import RecordedTimes
from nbagent.run.tool_call import ToolCalls
from nbagent.sources.objects import name_of
from nbagent.transcript import Op, Transcript


class RunState:
    """The transcript, the events, the tool calls and the errors of one run.

    Args:
        run_id: of the run; every event gets it.
        source: the stream. Its name is the run's unless `name` is given, and its credentials are masked from now on.
        gate: decides what may be seen.
        name: the user's own name for the run.

    Attributes:
        lock: must be held while any of the other attributes is read or changed.
        transcript: the tree of blocks that a reader sees.
        events: those that have passed the gate.
        privacy: passes every event through the gate, and keeps the hidden originals.
        tool_calls: whole arguments and live results.
        large_values: props that are too large to travel with their block.
        inspector: answers the questions of the inspector's view.
        answer_index: number of blocks before the answer: those up to the last tool call or handoff.
        error: the exception that ended the run; None if none did.
        fatal_error: the last error that the stream itself called fatal; None if there was none.
    """

    def __init__(self, run_id: str, source: Any, gate: Gate, name: str | None = None) -> None:
        started = time.time()
        self.lock = threading.RLock()
        self.events = EventLog()
        self.privacy = Privacy(gate, self.events, run_id)
        self.privacy.register_secrets(source)
        self.transcript = Transcript(self.privacy.mask(name or name_of(source)), started, renamed=bool(name))
        self.tool_calls = ToolCalls(self.lock)
        self.large_values = LargeValues(self._props_of, self._text_of, self.privacy.mask)
        self.inspector = Inspector(self.events, self.transcript.block_id, self.transcript.snapshot)
        self.answer_index = 0
        self.error: BaseException | None = None
        self.fatal_error: e.Error | None = None
        self._run_id = run_id
        self._times = RecordedTimes(started) if getattr(source, "keeps_times", False) is True else None

    def add(self, event: e.Event) -> tuple[e.Event, list[Op]]:
        """Keep an event that has passed the gate.

        Returns:
            The event with its `seq`, `ts` and `run_id`, and the ops that bring a view of the transcript up to date.
        """
        ts = time.time() if self._times is None else self._times.of(event)
        event = msgspec.structs.replace(event, seq=self.events.count + 1, ts=ts, run_id=self._run_id)
        if type(event) is e.ToolArgs or type(event) is e.ToolResult:
            self.tool_calls.add(event, self.transcript.block_id(event.id, "tool"))
        elif type(event) is e.Error and event.fatal:
            self.fatal_error = event
        elif isinstance(event, e.ToolStart | e.AgentHandoff | e.Hidden) and event.parent_id is None:
            self.answer_index = len(self.transcript.blocks)
        self.events.append(event)
        return event, self.transcript.feed(event)

    def read_page(self, name: str, offset: int, max_bytes: int) -> tuple[str, int]:
        """Return a page of a large value or of an inspector's answer; see `RunResults.page`."""
        with self.lock:
            pages = self.inspector if self.inspector.knows(name) else self.large_values
            return pages.page(name, offset, max_bytes)

    def _props_of(self, block: str) -> Mapping[str, Any] | None:
        found = self.transcript.blocks.get(block)
        return None if found is None else found.props

    def _text_of(self, block: str) -> str | None:
        # A pattern may match across two pages, so of a masked result only the head, which travels with its block, is shown.
        return self.tool_calls.text_of(block) if not self.privacy.has_patterns else None
