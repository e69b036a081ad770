"""`RequestLog`: the requests of one run, in bounded memory."""

import itertools
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from nbagent.events import Usage
from nbagent.events.json_text import decode_json
from nbagent.gate import secrets
from nbagent.run.requests.body import Body, RequestFields, credentials_in_body, read_fields
from nbagent.run_context import HTTPExchange

MAX_REQUESTS = 10_000
"""Requests that are kept; after them the oldest are dropped."""
BODIES_BYTES = 40 * 1024 * 1024
"""Bytes of all requests that are kept.

What the newest one shares with older ones is kept in any case.
"""
WIRES_BYTES = 16 * 1024 * 1024
"""Bytes of all responses that are kept; the wires of the oldest are dropped first."""

_CONTINUED = ("previous_response_id", "conversation")
"""Settings by which a service adds the messages that it keeps."""
_CANDIDATES = 16
"""Newest requests among which the one before is looked for."""


@dataclass(frozen=True, slots=True)
class Change:
    """The difference between a request and the one before it in the same conversation.

    Attributes:
        first: whether there is none before it.
        new: indices of the messages that are new, among those that do not instruct the model.
        removed: number of the messages that are no longer sent.
        tools: names of tools, each with a `+` or a `−` before it; None if the tools are unchanged.
        settings: names of the fields that differ: settings, `instructions`.
    """

    first: bool
    new: Sequence[int]
    removed: int
    tools: tuple[str, ...] | None
    settings: tuple[str, ...]


class Record:
    """One request that is kept, as it was sent: nothing in it is masked.

    Args:
        number: of the request in its run, from 1.
        step: of the request in its conversation, from 1.
        exchange: its address, times, status and response.
        body: its parts.
        change: what is new in it.
    """

    def __init__(
        self, number: int, step: int, exchange: HTTPExchange, body: Body, change: Change
    ) -> None:
        self.number = number
        self.step = step
        self.exchange = exchange
        self.body: Body | None = body
        self.change = change
        self.usage: Usage | None = None  # from the complete response
        self.is_read = False  # whether the complete response was searched for it
        self.weight: int | None = None  # see `Tokens`

    def drop_body(self) -> int:
        """Forget the parts of the body. Return the bytes that they took."""
        body, self.body = self.body, None
        return 0 if body is None else body.added

    def drop_wire(self) -> int:
        """Forget the bytes of a response that has ended. Return their number."""
        if self.exchange.ended is None:
            return 0
        kept = self.exchange.kept
        self.exchange.drop_wire()
        return kept


class RequestLog:
    """The requests of one run, oldest first. Safe on any thread.

    Args:
        on_secrets: called when credentials may have become known that were not before.
        on_tools: called with the names of tools that the model may call.
    """

    def __init__(
        self,
        on_secrets: Callable[[], None] = lambda: None,
        on_tools: Callable[[Iterable[str]], None] = lambda names: None,
    ) -> None:
        self._on_secrets = on_secrets
        self._on_tools = on_tools
        self._lock = threading.Lock()
        self._records: deque[Record] = deque()
        self._count = 0
        self._bodies = 0
        self._wires = 0
        self._newest: dict[str | None, Record] = {}  # by lane
        self._steps: Counter[str | None] = Counter()  # by lane

    @property
    def count(self) -> int:
        """Number of requests, those that are no longer kept among them."""
        return self._count

    def records(self) -> Sequence[Record]:
        """Return the records that are kept."""
        with self._lock:
            return list(self._records)

    def add(self, exchange: HTTPExchange) -> bool:
        """Keep a request from now on. Return False if it does not ask a model for an answer."""
        parts = read_fields(exchange.url, exchange.body)
        exchange.body = b""  # the parts are kept
        if parts is None:
            return False
        with self._lock:
            before = self._before(exchange, parts)
            body_before: Body | None = None
            if before is not None:
                body_before = before.body
            body = parts.after(body_before)
            secrets.register(*credentials_in_body(parts, body_before))
            self._count += 1
            step = exchange.step or self._step(exchange.lane, before)
            change = _change(parts, body, body_before)
            record = Record(self._count, step, exchange, body, change)
            self._records.append(record)
            self._newest[exchange.lane] = record
            self._steps[exchange.lane] = max(step, self._steps[exchange.lane])
            self._bodies += body.added
            self._drop()
        exchange.on_end = self._on_end
        self._on_secrets()
        if change.first or change.tools:
            self._on_tools(_tools_by_name(body.tools))
        return True

    def _before(self, exchange: HTTPExchange, parts: RequestFields) -> Record | None:
        """Return the request before this one in the same conversation: the newest that shares the
        most messages with it.
        """
        beside = self._by_sender(exchange)
        best = _closest(beside, parts)
        if best is not None or not beside:
            return best
        if not parts.settings.keys().isdisjoint(_CONTINUED):
            return beside[0][0]  # the service has the messages before
        ours = set(parts.messages)  # a history that was shortened begins with another message
        for record, body in beside:
            if not ours.isdisjoint(body.messages()):
                return record
        return None

    def _by_sender(self, exchange: HTTPExchange) -> list[tuple[Record, Body]]:
        """Return the newest requests of a request's sender, and their bodies."""
        beside: list[tuple[Record, Body]] = []
        for record in itertools.islice(reversed(self._records), _CANDIDATES):
            sender = (record.exchange.lane, record.exchange.agent)
            if sender == (exchange.lane, exchange.agent) and record.body is not None:
                beside.append((record, record.body))
        return beside

    def _step(self, lane: str | None, before: Record | None) -> int:
        """Return the number of a step whose sender does not give it: a request that failed is sent
        again in the same step.
        """
        last = self._newest.get(lane)
        if last is not None and last is before:
            has_failed = (last.exchange.status or 500) >= 400
            if has_failed and last.exchange.ended is not None:
                return last.step
        return self._steps[lane] + 1

    def _on_end(self, exchange: HTTPExchange) -> None:
        with self._lock:
            self._wires += exchange.kept
            self._drop()

    def _drop(self) -> None:
        """Drop the oldest of what is too much."""
        while len(self._records) > MAX_REQUESTS:
            gone = self._records.popleft()
            gone.exchange.on_end = lambda exchange: None
            self._bodies -= gone.drop_body()
            self._wires -= gone.drop_wire()
        for record in self._records:
            is_within = self._bodies <= BODIES_BYTES and self._wires <= WIRES_BYTES
            if is_within or record is self._records[-1]:
                break  # the newest one is kept in any case
            if self._bodies > BODIES_BYTES:
                self._bodies -= record.drop_body()
            if self._wires > WIRES_BYTES:
                self._wires -= record.drop_wire()


def _closest(requests: Iterable[tuple[Record, Body]], parts: RequestFields) -> Record | None:
    """Return the first of the requests that share the most messages with another; None if none
    shares any.
    """
    best, most = None, 0
    for record, body in requests:
        common = parts.common(body.messages())
        if common > most:
            best, most = record, common
        if common and common == body.count:
            break  # this one goes on with it
    return best


def _change(parts: RequestFields, body: Body, before: Body | None) -> Change:
    if before is None:
        return Change(first=True, new=range(body.count), removed=0, tools=None, settings=())
    old = before.messages()
    at = parts.common(old)
    gone = Counter(old[at:])  # a message may have moved
    new: list[int] = []
    for index in range(at, len(parts.messages)):
        if gone[parts.messages[index]] > 0:
            gone[parts.messages[index]] -= 1
        else:
            new.append(index)
    names = sorted(body.settings.keys() | before.settings.keys())
    settings = [name for name in names if body.settings.get(name) != before.settings.get(name)]
    if (body.instructions, body.system) != (before.instructions, before.system):
        settings.insert(0, "instructions")
    tools = None
    if body.tools != before.tools:
        tools = _changed_tools(before.tools, body.tools)
    return Change(first=False, new=new, removed=gone.total(), tools=tools, settings=tuple(settings))


def _changed_tools(
    before: tuple[str, bytes] | None, after: tuple[str, bytes] | None
) -> tuple[str, ...]:
    old, new = _tools_by_name(before), _tools_by_name(after)
    gone = [f"−{name}" for name in old if name not in new]
    come = [f"+{name}" for name in new if name not in old]
    other = [f"±{name}" for name in new if name in old and new[name] != old[name]]
    return (*come, *gone, *other)


def _tools_by_name(field: tuple[str, bytes] | None) -> dict[str, Any]:
    if field is None:
        return {}
    _, tools = field
    return {tool_name(tool): tool for tool in flat_tools(decode_json(tools))}


def requested_tools(source: Any) -> list[str]:
    """Return the names of the tools in the request of a stream by its address."""
    _, body = getattr(source, "request_parts", None) or ("", None)
    if not isinstance(body, dict):
        return []
    return [tool_name(tool) for tool in flat_tools(body.get("tools"))]


def flat_tools(tools: Any) -> list[Any]:
    """Return the tools of a request one by one; Gemini's stand in groups."""
    if not isinstance(tools, list):
        return []
    found: list[Any] = []
    for tool in tools:
        group = None
        if isinstance(tool, dict):
            group = tool.get("functionDeclarations") or tool.get("function_declarations")
        if isinstance(group, list):
            found += group
        else:
            found.append(tool)
    return found


def tool_name(tool: Any) -> str:
    """Return the name of a tool; of one without a name, its type."""
    if not isinstance(tool, dict):
        return str(tool)
    function = tool.get("function")
    if isinstance(function, dict) and function.get("name"):
        return str(function["name"])
    names = ["server_label", "type"]
    if not isinstance(function, dict):
        names.insert(0, "name")
    for name in names:
        if tool.get(name):
            return str(tool[name])
    return str(next(iter(tool), "tool"))
