"""Histories that both of OpenAI's APIs accept: each call has its output, and an id of its own."""

import itertools
from collections import deque
from collections.abc import Iterable, Sequence

import msgspec

from nbagent.agent.model.input_items import (
    FunctionCall,
    FunctionCallOutput,
    Item,
    Message,
    is_of_model,
)
from nbagent.render.messages import NO_ANSWER

NO_RESULT = (
    "No result: the run ended before this call had one. It may have had effects; it was not run "
    "again."
)
"""Output of a call that has none, for the model."""

NOT_ALLOWED = "No result: the run ended before the user had allowed this call. It did not run."
"""Output of a call whose question has no answer, for the model."""


def paired(items: Iterable[Item]) -> list[Item]:
    """Return a history that both APIs accept: the outputs of the calls of a response follow it, in
    the calls' order.

    A call without an output gets `NO_RESULT`, an output without a call is left out.
    """
    given = list(items)
    outputs = _outputs_by_call(given)
    made: list[Item] = []
    open_calls: list[tuple[int, FunctionCall]] = []

    def close() -> None:
        for index, call in open_calls:
            output = outputs.get(index) or FunctionCallOutput(call_id=call.call_id, text=NO_RESULT)
            made.append(
                msgspec.structs.replace(output, preliminary=False) if output.preliminary else output
            )
        open_calls.clear()

    for index, item in enumerate(given):
        if isinstance(item, FunctionCallOutput) or not is_of_model(item):
            close()
        if not isinstance(item, FunctionCallOutput):
            made.append(item)
        if isinstance(item, FunctionCall):
            open_calls.append((index, item))
    close()
    return made


def with_unique_ids(items: Iterable[Item]) -> list[Item]:
    """Return a history, in which calls and outputs are paired, with an id of its own for each call.

    Some servers give two calls one id, and most refuse a request that has two such calls.
    """
    made: list[Item] = []
    used: set[str] = set()
    waiting: deque[str] = deque()
    for item in items:
        if isinstance(item, FunctionCall):
            waiting.append(_unused(item.call_id, used))
            used.add(waiting[-1])
            item = _renamed(item, waiting[-1])
        elif isinstance(item, FunctionCallOutput):
            item = msgspec.structs.replace(item, call_id=waiting.popleft())
        made.append(item)
    return made


def _unused(call_id: str, used: set[str]) -> str:
    numbered = (f"call_{number}" for number in itertools.count(len(used) + 1))
    return next(each for each in itertools.chain([call_id], numbered) if each not in used)


def _renamed(call: FunctionCall, call_id: str) -> FunctionCall:
    if call.call_id == call_id:
        return call
    item = None if call.item is None else {**call.item, "call_id": call_id}
    return msgspec.structs.replace(call, call_id=call_id, item=item)


def final(items: Iterable[Item]) -> list[Item]:
    """Return a history without its preliminary outputs."""
    return [
        item for item in items if not (isinstance(item, FunctionCallOutput) and item.preliminary)
    ]


def _outputs_by_call(items: list[Item]) -> dict[int, FunctionCallOutput]:
    """Return the output of each call, by the call's index.

    Some servers use an id again. An output is that of the latest response with such a call, and
    there of the first of them.
    """
    waiting: dict[str, list[tuple[int, int]]] = {}
    outputs: dict[int, FunctionCallOutput] = {}
    response = 0
    for index, item in enumerate(items):
        if isinstance(item, FunctionCall):
            waiting.setdefault(item.call_id, []).append((response, index))
        elif isinstance(item, FunctionCallOutput) and (calls := waiting.get(item.call_id)):
            latest = calls[-1][0]
            found = next(call for call in calls if call[0] == latest)
            if not item.preliminary:
                calls.remove(found)
            outputs[found[1]] = item
        response += not is_of_model(item)
    return outputs


def ended(items: Iterable[Item]) -> list[Item]:
    """Return a history that another prompt may follow: its calls have outputs, and it ends with a
    message of the model.

    One that was broken off gets `NO_ANSWER`: some models refuse two prompts in a row.
    """
    made = paired(items)
    if not made or is_of_model(made[-1]):
        return made
    return [*made, Message(role="assistant", content=NO_ANSWER)]


def settled(items: Iterable[Item]) -> list[Item]:
    """Return the part of a history whose calls all have outputs: without a last response whose
    calls still run.
    """
    given = list(items)
    outputs = [id(item) for item in final(given) if isinstance(item, FunctionCallOutput)]
    parts = valid_parts(paired(given))
    if parts and any(
        isinstance(item, FunctionCallOutput) and id(item) not in outputs for item in parts[-1]
    ):
        parts.pop()
    return [item for part in parts for item in part]


def answers_calls(prompt: Sequence[Item]) -> bool:
    """Return True for a prompt that begins with results of calls: it goes on with the turn before
    it.
    """
    return bool(prompt) and isinstance(prompt[0], FunctionCallOutput)


def open_calls(items: Iterable[Item]) -> list[str]:
    """Return the ids of the calls that have no output."""
    given = final(items)
    answered = {item.call_id for item in given if isinstance(item, FunctionCallOutput)}
    calls = [item.call_id for item in given if isinstance(item, FunctionCall)]
    return [call_id for call_id in calls if call_id not in answered]


def valid_parts(items: Iterable[Item]) -> list[list[Item]]:
    """Cut a history, in which calls and outputs are paired, where that leaves each part valid.

    Returns:
        Parts that are one message of the user or the system, or one response of the model with its
        calls and their outputs.
    """
    parts: list[list[Item]] = []
    before: Item | None = None
    for item in items:
        of_same_response = before is not None and is_of_model(before) and is_of_model(item)
        if parts and (of_same_response or isinstance(item, FunctionCallOutput)):
            parts[-1].append(item)
        else:
            parts.append([item])
        before = item
    return parts
