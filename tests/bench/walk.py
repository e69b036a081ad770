"""The calls of nbagent's own functions that one text delta makes in the thread that reads it.

    PYTHONPATH=tests python tests/bench/walk.py

prints them in order, for a delta of Chat Completions and for one of nbagent's own events.
"""

import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NamedTuple

import nbagent
from nbagent import events as e
from nbagent.run import Run

WARM_UP = 20
"""Deltas before the one that is traced."""

_PACKAGE = nbagent.__file__.removesuffix("__init__.py")


class Call(NamedTuple):
    """A call: the file inside the package, and the function's name."""

    file: str
    function: str


class _Lines:
    def draw(self, seq: int, ops: list[list[Any]]) -> None: ...


def chat_delta(number: int) -> dict[str, Any]:
    """Return a chunk of Chat Completions."""
    delta = {"content": f"word{number} "}
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return {"object": "chat.completion.chunk", "model": "test", "choices": [choice]}


def own_delta(number: int) -> e.Event:
    """Return an event of nbagent's own."""
    return e.TextDelta(id="text", delta=f"word{number} ")


def walk(delta: Callable[[int], Any]) -> list[Call]:
    """Return the calls that a delta makes, in order."""
    calls: list[Call] = []

    def note(frame: FrameType, event: str, arg: object) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(_PACKAGE):
            calls.append(Call(file.removeprefix(_PACKAGE), frame.f_code.co_name))

    def stream() -> Iterator[Any]:
        for number in range(WARM_UP):
            yield delta(number)
        sys.setprofile(note)
        yield delta(WARM_UP)
        sys.setprofile(None)

    run = Run(stream())
    run.attach(_Lines())
    run.wait(30)
    return calls


if __name__ == "__main__":
    for made in (chat_delta, own_delta):
        calls = walk(made)
        files = {call.file for call in calls}
        print(
            f"{made.__name__}: {len(calls)} calls, {len(set(calls))} functions, {len(files)} files"
        )
        print(*(f"    {call.file}  {call.function}" for call in calls), sep="\n")
