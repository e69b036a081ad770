"""Of the texts in which models write calls and thoughts, the answer is seen, and nothing else,
wherever a stream cuts them.
"""

import random
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from campaign import WHOLE, figure, sample
from gate.leaking_texts import MARKS, Text, texts

from nbagent import Run
from nbagent import events as e
from nbagent.gate import Gate

TEXTS = texts()


def through(gate: Gate, *events: e.Event) -> list[e.Event]:
    return [out for event in events for out in gate.feed(event)] + gate.close()


def seen(text: Text, chunks: Iterable[str], reveal: Any = "answer") -> list[e.Event]:
    gate = Gate(reveal, **text.options)
    gate.know_tools(text.tools)
    return through(
        gate,
        e.TextStart(id="t"),
        *(e.TextDelta(id="t", delta=chunk) for chunk in chunks),
        e.TextEnd(id="t"),
    )


def answer(events: Iterable[e.Event]) -> str:
    found: dict[str, str] = {}
    for event in events:
        if isinstance(event, e.TextDelta):
            found[event.id] = found.get(event.id, "") + event.delta
        elif isinstance(event, e.TextEnd) and event.text is not None:
            found[event.id] = event.text
    return "".join(found.values())


def is_answer(text: Text, shown: str) -> bool:
    """Return True if what is shown is the answer, to the character if nothing is to be taken out of
    it.
    """
    if text.family == "kept":
        return shown == text.answer
    return "".join(shown.split()) == "".join(text.answer.split())


def cut(text: str, *places: int) -> list[str]:
    return [text[a:b] for a, b in pairwise([0, *sorted(places), len(text)])]


def cuts_of(text: str, seed: int) -> Iterator[list[str]]:
    """Yield a text whole, in characters, in words, and cut at a few places of chance."""
    chance = random.Random(seed)
    yield [text]
    yield list(text)
    yield re.findall(r"\s*\S+|\s+\Z", text)
    for _ in range(3):
        yield cut(text, *(chance.randrange(len(text) + 1) for _ in range(4)))


@pytest.mark.parametrize("family", sorted({text.family for text in TEXTS}))
def test_of_each_family_the_answer_is_seen(family: str) -> None:
    for number, text in enumerate(each for each in TEXTS if each.family == family):
        for chunks in cuts_of(text.text, number):
            shown = seen(text, chunks)
            assert is_answer(text, answer(shown)), (text, chunks, answer(shown))
            is_taken_back = any(
                isinstance(event, e.TextEnd) and event.text == "" for event in shown
            )
            leaks = [mark for mark in MARKS if mark in repr(shown) and mark not in text.answer]
            assert is_taken_back or not leaks, (text, leaks)


def test_calls_are_calls_of_the_transcript() -> None:
    for text in TEXTS:
        shown = seen(text, list(text.text), "thinking")
        assert is_answer(text, answer(shown)), text
        if text.calls:
            assert (
                tuple(event.name for event in shown if isinstance(event, e.ToolStart)) == text.calls
            ), text


def test_a_result_that_is_written_is_that_of_the_call() -> None:
    text = '<tool_call>{"name": "f"}</tool_call><tool_response>\n42\n</tool_response>It is 42.'
    shown = seen(Text("", text, ""), [text], "tools")
    assert e.ToolResult(id="t.tool-1", content="42") in shown
    assert answer(shown) == "It is 42."


def test_what_is_held_back_is_bounded() -> None:
    for opener in (
        "Thought: ",
        "Here is my thought process: ",
        "<think>a <think>b</think>",
        'x {"name": "',
        "`<think>",
    ):
        gate = Gate()
        text = opener + "word " * 2000
        released = sum(
            len(event.delta)
            for char in [text[: len(opener)], *text[len(opener) :]]
            for event in gate.feed(e.TextDelta(id="t", delta=char))
            if isinstance(event, e.TextDelta | e.ReasoningDelta)
        )
        assert released > len(text) - 4200, opener


def test_only_known_tools_count_where_all_are_known() -> None:
    gate = Gate("answer")
    gate.know_tools(["search"], only=True)
    text = '{"name": "lookup", "arguments": {}}'
    assert answer(through(gate, e.TextDelta(id="t", delta=text), e.TextEnd(id="t"))) == text


def test_a_tool_that_was_called_is_known_by_its_name() -> None:
    gate = Gate("answer")
    gate.feed(e.ToolStart(id="c", name="search"))
    shown = through(
        gate, e.TextDelta(id="t", delta="So:\n[search(q='x')]\nDone."), e.TextEnd(id="t")
    )
    assert answer(shown).split() == ["So:", "Done."]


# --- through systems ---


def chat(chunks: list[str]) -> list[Any]:
    return [
        {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": chunk}}]}
        for chunk in chunks
    ] + [
        {
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        }
    ]


AGENTOR = dict.fromkeys(["message", "chunk", "tool_action", "reasoning", "raw_event"])

SYSTEMS: dict[str, Callable[[list[str]], list[Any]]] = {
    "chat": chat,
    "text": list,
    "hector": lambda chunks: [{"chunk": chunk} for chunk in chunks],
    "agentor": lambda chunks: [
        AGENTOR | {"type": "raw_response_event", "chunk": chunk} for chunk in chunks
    ],
}


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.timeout(3600 if WHOLE else 120)
def test_the_answer_is_the_same_at_each_cut_through_each_system(system: str) -> None:
    tried = 0
    for text in sample(
        [each for each in TEXTS if not each.tools and each.family != "hector"][::3], 12
    ):
        for place in sample(range(1, len(text.text)), 4):
            run = Run(iter(SYSTEMS[system](cut(text.text, place))), reveal="answer", **text.options)
            run.start()
            run.wait(30)
            assert is_answer(text._replace(family=""), run.text), (text, place)
            tried += 1
    figure("leakage", f"answers without a leak through {system}", f"{tried} of {tried}")
