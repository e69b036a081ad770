"""The state of one run: everything that is kept of its stream so far."""

import functools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec.structs import replace

from nbagent import events as e
from nbagent.events.log import EventLog
from nbagent.gate import Gate
from nbagent.gate.privacy import Privacy
from nbagent.protocol.blocks import RunProps
from nbagent.protocol.inspection import Carried
from nbagent.pump import LargeValues
from nbagent.run.attempts import FORM_PART, Attempts
from nbagent.run.inspector import Inspector, RequestPages, TimeTravel
from nbagent.run.late_text import Arrived, TextDelta
from nbagent.run.question import OpenQuestions
from nbagent.run.requests import Request, RequestList, RequestLog, carried
from nbagent.run.tool_call import ToolCalls
from nbagent.sources.info import SourceInfo
from nbagent.sources.recording import RecordedTimes
from nbagent.transcript import ROOT, NameOrigin, Op, Transcript

_E = TypeVar("_E", bound=e.Event)

_OF_ANSWERS = {e.Prompt, e.AgentHandoff, e.Hidden, e.Status}
_OF_CALLS = {
    e.ToolStart,
    e.ToolArgs,
    e.ToolProgress,
    e.ToolResult,
    e.ApprovalRequest,
    e.ApprovalResponse,
}
_OF_RUNS = {e.RunStart, e.AgentEnd, e.RunEnd, e.Error, e.UsageUpdate}
_KEPT = frozenset(_OF_ANSWERS | _OF_CALLS | _OF_RUNS)
"""Classes of events that say something of the run as a whole."""


class RunState:
    """The transcript, the events, the tool calls and the errors of one run.

    Args:
        run_id: of the run; every event gets it.
        info: what is known of the stream.
        gate: decides what may be seen.
        name: the user's own name for the run; by default that of the stream, of its agent or of its
            model.
        props: that the run has from its beginning.

    Attributes:
        lock: must be held while any of the other attributes is read or changed.
        transcript: the tree of blocks that a reader sees.
        events: those that have passed the gate.
        privacy: passes every event through the gate, and keeps the hidden originals.
        tool_calls: whole arguments and live results.
        request_log: the requests to models that code inside the run has sent.
        attempts: makes tool calls again.
        large_values: props that are too large to travel with their block.
        inspector: answers the questions of the inspector's view.
        conversation: the exact history of a run of nbagent's own agent; None of other streams.
        thread_id: the stream's own id of its session, thread or conversation; None if it has none.
        questions: those that wait for an answer.
        error: the exception that ended the run; None if none did.

    Four are by scope, i.e. by the id of the block that encloses the events: `ROOT`, or that of a
    lane or sub-agent.

    Attributes:
        answer_index: number of blocks before the answer: those up to the scope's last tool call or
            handoff.
        outputs: the whole answer that the scope's stream gave: a text, JSON, or the object that was
            asked for.
        fatal_errors: the last error that the scope's stream itself called fatal.
        usages: tokens of a lane.
    """

    def __init__(
        self,
        run_id: str,
        info: SourceInfo,
        gate: Gate,
        name: str | None = None,
        props: RunProps | None = None,
    ) -> None:
        started = info.started
        if started is None:
            started = time.time()
        self._lock = threading.RLock()
        self.bring_up_to_date: Callable[[], object] = lambda: None
        self.events = EventLog(on_drop=lambda event: self._time_travel.drop(event))
        self.privacy = Privacy(gate, self.events, run_id)
        if props is not None and isinstance(props.about, str):
            props.about = self.privacy.mask(props.about)
        self.privacy.know_tools(info.tools)
        origin: NameOrigin = "user"
        if name is None:
            name, origin = info.name, info.origin
        begin = functools.partial(Transcript, self.privacy.mask(name), started, origin, props)
        self.transcript = begin()
        self.tool_calls = ToolCalls(self._lock)
        self.request_log = RequestLog(self._register_secrets, self.privacy.know_tools)
        self._request_pages = RequestPages(self.requests)
        self.attempts = self.tool_calls.again = Attempts(
            self.transcript, self.tool_calls, self.privacy.mask, self._lock
        )
        self.large_values = LargeValues(self._props_of, self._text_of, self.privacy.mask)
        self._time_travel = TimeTravel(self.events, begin, self.large_values)
        self._prices = getattr(info.own_agent, "prices", None)
        self.inspector = Inspector(
            self.events, self.transcript, self._time_travel, self.requests, self._carried
        )
        self.questions = OpenQuestions()
        self.conversation: Any = info.conversation
        self.thread_id: str | None = None
        self.error: BaseException | None = None
        self.answer_index: dict[str, int] = {}
        self.outputs: dict[str, Any] = {}
        self.fatal_errors: dict[str, e.Error] = {}
        self.usages: dict[str, e.Usage] = {}
        self.shown_with: Mapping[str, Any] = {}
        self._run_id = run_id
        self._times: RecordedTimes | None = None
        if info.keeps_times:
            self._times = RecordedTimes(started)

    @property
    def lock(self) -> threading.RLock:
        """Lock of the state, after what has come is in it; see `LateText`."""
        self.bring_up_to_date()
        return self._lock

    def add(self, event: e.Event, arrived: float | None = None) -> tuple[e.Event, list[Op]]:
        """Keep an event that has passed the gate.

        Args:
            event: the event.
            arrived: when it came, in seconds since the epoch; None is now.

        Returns:
            The event with its `seq`, `ts` and `run_id`, and the ops that bring a view of the
            transcript up to date.
        """
        if arrived is None:
            arrived = time.time()
        event = self._stamped(event, arrived)
        if type(event) in _KEPT:
            self._keep(event)
        self.events.append(event)
        return event, self.transcript.feed(event)

    def add_text(self, whole: TextDelta, arrived: Sequence[Arrived]) -> list[Op]:
        """Keep deltas of one text that have passed the gate, and return the ops as `add` does.

        Args:
            whole: what has passed: the deltas joined.
            arrived: the deltas.
        """
        times: list[float] = []
        for delta, at in arrived:
            ts = self._time_of(delta, at)
            number = self.events.count + 1
            passed = replace(whole, delta=delta.delta, seq=number, ts=ts, run_id=self._run_id)
            self.events.append(passed)
            times.append(ts)
        return self.transcript.feed_text(replace(whole, ts=times[0]), len(times), times[-1])

    def _stamped(self, event: _E, arrived: float) -> _E:
        """Return the event with its `seq`, `ts` and `run_id`."""
        ts = self._time_of(event, arrived)
        return replace(event, seq=self.events.count + 1, ts=ts, run_id=self._run_id)

    def _time_of(self, event: e.Event, arrived: float) -> float:
        """Return when the event came, or when its recording says."""
        if self._times is None:
            return arrived
        return self._times.of(event)

    def _keep(self, event: e.Event) -> None:
        """Keep what an event says of the run as a whole."""
        scope = event.parent_id or ROOT
        match event:
            case e.ToolStart():
                self._begin_answer(scope)
                self._keep_way(event)
            case e.ToolProgress():
                self._keep_way(event)
            case e.ToolArgs() | e.ToolResult():
                self.tool_calls.add(event, self.transcript.block_id(event.id, "tool"))
            case e.Prompt() | e.AgentHandoff() | e.Hidden():
                self._begin_answer(scope)
            case e.Status(meta={"answer_begins": True}):
                self._begin_answer(scope)
            case e.Error(fatal=True):
                self.fatal_errors[scope] = event
            case e.RunStart():
                self.thread_id = self.thread_id or event.thread_id
            case e.UsageUpdate(parent_id=str()):
                self.usages[scope] = self.usages.get(scope, e.Usage()) + event.usage
            case e.AgentEnd():
                self.outputs[event.id] = _output_of(event)
                if event.usage is not None:
                    self.usages[event.id] = event.usage
            case e.RunEnd():
                self.outputs[ROOT] = _output_of(event)
                self.thread_id = self.thread_id or event.thread_id
        self.questions.feed(event)

    def _keep_way(self, event: e.ToolStart | e.ToolProgress) -> None:
        """Keep the way to make a call again."""
        if event.tool is not None:
            self.attempts.add(event.tool.value, self.transcript.block_id(event.id, "tool"))

    def _begin_answer(self, scope: str) -> None:
        """Take the texts from now on for the answer."""
        self.answer_index[scope] = len(self.transcript.blocks)

    def read_page(self, name: str, offset: int, max_bytes: int) -> tuple[str, int]:
        """Return a page of a large value or of an inspector's answer; see `RunResults.page`."""
        if self._request_pages.knows(name):
            # without the lock: the run need not wait for the masks
            return self._request_pages.page(name, offset, max_bytes)
        with self.lock:
            if name.startswith(FORM_PART):
                return self.attempts.page(name, offset, max_bytes)
            if self.inspector.knows(name):
                return self.inspector.page(name, offset, max_bytes)
            return self.large_values.page(name, offset, max_bytes)

    def requests(self, scope: str = ROOT) -> RequestList:
        """Return the requests so far: of the run, or of a lane by its id."""
        mask, hidden = self.privacy.mask, self.privacy.hides_requests
        return RequestList(
            Request(record, mask, hidden=hidden, shown_with=self.shown_with)
            for record in self.request_log.records()
            if scope in (ROOT, record.exchange.lane)
        )

    def _carried(self) -> dict[str, Carried]:
        """Return what the results of calls cost in later requests, by the service's id."""
        if self._prices is None:  # the responses need not be read
            return carried(((each, e.Usage()) for each in self.request_log.records()), None)
        requests = self.requests()
        return carried(((each.record, each.usage or e.Usage()) for each in requests), self._prices)

    def _register_secrets(self) -> None:
        with self.lock:
            self.privacy.register_secrets()

    def _props_of(self, block: str) -> Mapping[str, Any] | None:
        found = self.transcript.blocks.get(block)
        if found is None:
            return None
        return found.props

    def _text_of(self, block: str) -> str | None:
        # A pattern may match across two pages, so of a masked result only the head, which travels
        # with its block, is shown.
        if self.privacy.has_patterns:
            return None
        return self.tool_calls.text_of(block)


def _output_of(end: e.AgentEnd | e.RunEnd) -> Any:
    """Return the object that was asked for, if it is in this process, else the output as data."""
    if end.value is not None:
        return end.value.value
    return end.output
