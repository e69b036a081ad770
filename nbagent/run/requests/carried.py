"""`carried`: what the results of tool calls cost in all requests that send them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from nbagent.events import Usage
from nbagent.events.json_text import decode_json
from nbagent.protocol.inspection import Carried
from nbagent.run.requests.body import Node
from nbagent.run.requests.log import Record
from nbagent.run.requests.tokens import CHARS_PER_TOKEN, weight

_MARKS = (b'"tool_call_id"', b'"function_call_output"', b'"tool_result"')
"""Marks of a result in a message: of OpenAI Chat, OpenAI Responses, and Anthropic."""

_PER_TOKENS = 1_000_000


class InputPrices(Protocol):
    """Prices of what a model reads, in US dollars per million tokens."""

    @property
    def input(self) -> float:
        """Price of input."""
        ...

    @property
    def cache_read(self) -> float | None:
        """Price of input that the service has in its cache; None for that of input."""
        ...


@dataclass(slots=True)
class _Sent:
    """Requests that a message was sent in, with those after it.

    Attributes:
        depth: number of messages up to it.
        requests: number of requests.
        price: dollars of one of its tokens in all of them.
    """

    depth: int
    requests: int = 0
    price: float = 0.0


def carried(
    requests: Iterable[tuple[Record, Usage]], prices: InputPrices | None
) -> dict[str, Carried]:
    """Return what results cost, by the service's id of the call, in time linear in the messages.

    Tokens are an estimate by characters. An id that a service has used for two results is left out.

    Args:
        requests: those of a run, each with the tokens that the service reports.
        prices: of the model; None if they are not known.
    """
    sent: dict[Node, _Sent] = {}
    for record, usage in requests:
        body = record.body
        if body is None or body.last is None:
            continue
        node: Node | None = body.last
        depth = body.count
        while node is not None and node not in sent:
            sent[node] = _Sent(depth)
            node, depth = node.before, depth - 1
        last = sent[body.last]
        last.requests += 1
        last.price += _price(usage, prices)
    for node, each in sorted(sent.items(), key=lambda item: -item[1].depth):
        if node.before is not None:
            before = sent[node.before]
            before.requests += each.requests
            before.price += each.price
    return _by_call(sent, has_prices=prices is not None)


def _by_call(sent: Mapping[Node, _Sent], *, has_prices: bool) -> dict[str, Carried]:
    found: dict[str, list[tuple[bytes, _Sent]]] = defaultdict(list)
    for node, each in sent.items():
        for id, result in _results(node.json):
            found[id].append((result, each))
    made = {}
    for id, places in found.items():
        if len({result for result, _ in places}) > 1:
            continue
        tokens = -(-weight(places[0][0]) // CHARS_PER_TOKEN)
        count = sum(each.requests for _, each in places)
        cost = tokens * sum(each.price for _, each in places)
        made[id] = Carried(tokens=tokens * count, requests=count, cost=cost if has_prices else None)
    return made


def _results(message: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the results in a message, each with the service's id of its call."""
    if not any(mark in message for mark in _MARKS):
        return
    value = decode_json(message)
    parts: list[Any] = [value]
    if isinstance(value, dict) and isinstance(value.get("content"), list):
        parts += value["content"]
    for part in parts:
        id = _call_id(part)
        if isinstance(id, str):
            yield id, msgspec.json.encode(part)


def _call_id(part: Any) -> Any:
    if not isinstance(part, dict):
        return None
    if part.get("type") == "function_call_output":
        return part.get("call_id")
    if part.get("type") == "tool_result":
        return part.get("tool_use_id")
    return part.get("tool_call_id")


def _price(usage: Usage, prices: InputPrices | None) -> float:
    """Return the dollars of a token of a request: those in the service's cache cost less."""
    if prices is None:
        return 0.0
    read = usage.input or 0
    share = min(usage.cache_read or 0, read) / read if read else 0.0
    cached = prices.input if prices.cache_read is None else prices.cache_read
    return ((1 - share) * prices.input + share * cached) / _PER_TOKENS
