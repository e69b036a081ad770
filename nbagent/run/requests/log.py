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
            body = parts.after(None if before is None else before.body)
            secrets.register(*credentials_in_body(parts, None if before is None else before.body))
            self._count += 1
            step = exchange.step or self._step(exchange.lane, before)
            change = _change(parts, body, None if before is None else before.body)
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
        beside = [
            record
            for record in itertools.islice(reversed(self._records), _CANDIDATES)
            if record.body is not None
            and record.exchange.lane == exchange.lane
            and record.exchange.agent == exchange.agent
        ]
        if not beside:
            return None
        best, most = None, 0
        for record in beside:
            assert record.body is not None
            common = parts.common(record.body.messages())
            if common > most:
                best, most = record, common
            if common and common == record.body.count:
                break  # this one goes on with it
        if best is not None:
            return best
        if parts.settings.keys() & {
            "previous_response_id",
            "conversation",
        }:
            # The service has the messages before.
            return beside[0]
        ours = set(parts.messages)  # a history that was shortened begins with another message
        return next(
            (each for each in beside if each.body is not None and ours & set(each.body.messages())),
            None,
        )

    def _step(self, lane: str | None, before: Record | None) -> int:
        """Return the number of a step whose sender does not give it: a request that failed is sent
        again in the same step.
        """
        last = self._newest.get(lane)
        if (
            last is not None
            and last is before
            and last.exchange.ended is not None
            and (last.exchange.status or 500) >= 400
        ):
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
            self._bodies -= 0 if gone.body is None else gone.body.added
            self._wires -= gone.exchange.kept if gone.exchange.ended is not None else 0
        for record in self._records:
            if (
                self._bodies <= BODIES_BYTES and self._wires <= WIRES_BYTES
            ) or record is self._records[-1]:
                break
            if self._bodies > BODIES_BYTES and record.body is not None:
                self._bodies -= record.body.added
                record.body = None
            if self._wires > WIRES_BYTES and record.exchange.ended is not None:
                self._wires -= record.exchange.kept
                record.exchange.drop_wire()


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
    settings = [
        name
        for name in sorted(body.settings.keys() | before.settings.keys())
        if body.settings.get(name) != before.settings.get(name)
    ]
    if (body.instructions, body.system) != (before.instructions, before.system):
        settings.insert(0, "instructions")
    return Change(
        first=False,
        new=new,
        removed=gone.total(),
        tools=None if body.tools == before.tools else _changed_tools(before.tools, body.tools),
        settings=tuple(settings),
    )


def _changed_tools(
    before: tuple[str, bytes] | None, after: tuple[str, bytes] | None
) -> tuple[str, ...]:
    old, new = _tools_by_name(before), _tools_by_name(after)
    gone = [f"−{name}" for name in old if name not in new]
    come = [f"+{name}" for name in new if name not in old]
    other = [f"±{name}" for name in new if name in old and new[name] != old[name]]
    return (*come, *gone, *other)


def _tools_by_name(field: tuple[str, bytes] | None) -> dict[str, Any]:
    tools = [] if field is None else decode_json(field[1])
    return {tool_name(tool): tool for tool in flat_tools(tools)}


def requested_tools(source: Any) -> list[str]:
    """Return the names of the tools in the request of a stream by its address."""
    _, body = getattr(source, "request_parts", None) or ("", None)
    tools = body.get("tools") if isinstance(body, dict) else None
    return [tool_name(tool) for tool in flat_tools(tools)]


def flat_tools(tools: Any) -> list[Any]:
    """Return the tools of a request one by one; Gemini's stand in groups."""
    found: list[Any] = []
    for tool in tools if isinstance(tools, list) else []:
        if isinstance(tool, dict):
            group = tool.get("functionDeclarations") or tool.get("function_declarations")
        else:
            group = None
        found += group if isinstance(group, list) else [tool]
    return found


def tool_name(tool: Any) -> str:
    """Return the name of a tool; of one without a name, its type."""
    if not isinstance(tool, dict):
        return str(tool)
    function = tool.get("function")
    named = function if isinstance(function, dict) else tool
    return str(
        named.get("name")
        or tool.get("server_label")
        or tool.get("type")
        or next(iter(tool), "tool")
    )
