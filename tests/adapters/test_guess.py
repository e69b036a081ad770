"""Items of systems that nobody knows: their text, by a guess that says so."""

import re
from collections.abc import Iterable
from types import SimpleNamespace as Object
from typing import Any

import pytest

from nbagent import events as e
from nbagent.run import Run


def run_of(items: Iterable[Any], **options: Any) -> Run:
    run = Run(iter(items), **options)
    run.start()
    return run.wait(20)


class Piece:
    """An item as agno gives it."""

    def __init__(self, content: str) -> None:
        self.event = "RunContent"
        self.content = content


WAYS: list[tuple[list[Any], str]] = [
    ([Piece("He"), Piece("llo")], "lambda item: item.content"),
    (
        [{"kind": "x", "data": "He"} | {"text": t} for t in ("He", "llo")],
        'lambda item: item["text"]',
    ),
    ([{"data": {"delta": t}} for t in ("He", "llo")], 'lambda item: item["data"]["delta"]'),
]


@pytest.mark.parametrize(("items", "adapter"), WAYS, ids=[adapter for _, adapter in WAYS])
def test_the_text_is_shown_and_the_line_that_reads_it_works(items: list[Any], adapter: str) -> None:
    run = run_of(items)
    notes = [event.message for event in run.events if isinstance(event, e.Status)]
    assert (run.text, run.status, len(notes)) == ("Hello", "incomplete", 1)
    told = re.search(r"show\(…, adapter=(.*)\) reads it", notes[0])
    assert told is not None
    assert told[1] == adapter
    assert run_of(items, adapter=eval(adapter)).text == "Hello"


def test_the_whole_text_at_the_end_is_not_shown_again() -> None:
    assert run_of([Piece("He"), Piece("llo"), Piece("Hello")]).text == "Hello"


def test_items_without_a_text_are_hidden_and_told() -> None:
    run = run_of([Object(number=1), Object(number=2)])
    notes = [event.message for event in run.events if isinstance(event, e.Status)]
    assert run.text == ""
    assert len(notes) == 1
    assert "of type types.SimpleNamespace. adapter= takes the name of the system" in notes[0]


def test_a_property_that_raises_is_no_text() -> None:
    class Item:
        text = "Hello"

        @property
        def content(self) -> str:
            raise RuntimeError("not read yet")

    assert run_of([Item()]).text == "Hello"
