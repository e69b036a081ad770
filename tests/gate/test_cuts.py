"""A shortened text keeps no beginning and no end of a secret: masks come first, or know the mark of
the cut.
"""

import contextvars
from collections.abc import Iterator
from typing import Any

import pytest
from campaign import WHOLE
from hypothesis import given, settings
from hypothesis import strategies as st

from nbagent import events as e
from nbagent.agent.run.cross_loop_queue import CrossLoopQueue
from nbagent.gate.masking import ALL_CUTS
from nbagent.gate.patterns import Patterns
from nbagent.gate.redact import Redactor
from nbagent.gate.secrets import Secrets
from nbagent.mime import display_of, error_of, json_of, summary_of
from nbagent.mime.text import MASK
from nbagent.run import Run

KEY = "canary/Q7xYz0pLm4WkVb"
CARD = "4929-1234-5678-9012"
RULE = r"\b\d{4}-\d{4}-\d{4}-\d{4}\b"


def leaks(shown: str) -> list[str]:
    """Return the pieces of a secret that are in a text: five characters of the key after the first
    two, or of the card.
    """
    pieces = [secret[at : at + 5] for secret in (KEY[2:], CARD) for at in range(len(secret) - 4)]
    return [piece for piece in pieces if piece in shown]


def shown_of(value: Any, monkeypatch: pytest.MonkeyPatch, **options: Any) -> str:
    """Return all that a run shows of a value that a tool returned."""
    monkeypatch.setenv("SOME_API_KEY", KEY)

    def stream() -> Iterator[e.Event]:
        yield e.ToolResult(id="t", content=json_of(value), value=e.Live(value))
        yield e.ToolResult(id="u", status="error", error=error_of(ValueError(value)))
        yield e.RunEnd(status="completed")

    run = Run(stream(), **options)
    run.start()
    run.wait(30)
    assert run.status == "completed"
    shown = repr([e.to_dict(event) for event in run.events]) + repr(run.snapshot())
    return shown.replace(run.id, "")  # "run-1234" holds a piece of the card


def around(cut: int) -> range:
    return range(cut - 24, cut + 2, 1 if WHOLE else 3 if cut < 1000 else 5 if cut < 10_000 else 8)


CUTS = {"summary": 77, "words": 4 * 80, "content": 16 * 1024, "head": 64 * 1024, "message": 4096}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("secret", [KEY, CARD])
def test_no_beginning_of_a_secret_stands_where_a_text_is_shortened(
    cut: str, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in around(CUTS[cut]):
        text = ("word " * (size // 5 + 1))[: size - 1] + " " + secret + " end" * 500
        for value in (text, [text], {"a": text}):
            assert not leaks(shown_of(value, monkeypatch, redact=[RULE])), (size, type(value))


@pytest.mark.parametrize("secret", [KEY, CARD])
def test_a_traceback_is_cut_at_no_part_of_a_secret(
    secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cut in around(4096):
        before, after = cut - 200, 12 * 1024 - 4096 + cut
        value = "x" * before + f" {secret} " + "y" * 20_000 + f" {secret} " + "z" * after
        assert not leaks(shown_of(value, monkeypatch, redact=[RULE]))


@pytest.mark.parametrize("secret", [KEY, CARD])
def test_a_function_sees_a_secret_whole_where_a_text_is_shortened(
    secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mask(text: str) -> str:
        return text.replace(secret, "#" * len(secret))

    for size in around(77):
        assert not leaks(
            shown_of("word " * (size // 5) + secret + " end" * 100, monkeypatch, redact=[mask])
        )


class Table:
    """An object whose own text ends in an omission, as that of many libraries does."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return f"Table({self._text}...)"

    def _repr_html_(self) -> str:
        return f"<table><td>{self._text}...</td><td>{self._text}…</td></table>"


@given(st.integers(1, len(KEY)), st.sampled_from([KEY, CARD]))
def test_a_secret_that_another_library_has_cut_is_masked_to_the_cut(size: int, secret: str) -> None:
    display = display_of(Table("see " + secret[:size]))
    for masker in (Patterns([RULE]), Secrets([KEY])):
        shown = repr(
            [masker.mask(text, is_html=True, cuts=ALL_CUTS) for text in display.data.values()]
        )
        assert secret not in (KEY if isinstance(masker, Secrets) else CARD) or not leaks(shown)


def test_a_table_shows_no_beginning_of_a_secret_in_its_cells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pandas = pytest.importorskip("pandas")
    for back in range(0, 24, 2):
        cells = [
            "a" * (45 - back) + " " + secret + " and some more words" for secret in (KEY, CARD)
        ]
        table = pandas.DataFrame({"text": cells, "n": [1, 2]})
        shown = shown_of(table, monkeypatch, redact=[RULE])
        assert "<table" in shown
        assert not leaks(shown)


def test_a_warning_that_quotes_a_secret_is_masked_to_the_cut() -> None:
    status = e.Status(message=f"no JSON: got 'see {KEY[:12]}…'", level="warning")
    [shown] = Redactor(Secrets([KEY])).feed(status)
    assert not leaks(repr(shown))


def test_a_word_before_an_omission_stays() -> None:
    text = "In 2024, Ann said … and git... 12 more"
    assert Patterns([RULE]).mask(text, cuts=ALL_CUTS) == text
    assert Secrets([KEY]).mask(text, cuts=ALL_CUTS) == text


@settings(max_examples=20)
@given(st.integers(0, 30))
def test_a_tool_of_an_agent_is_masked_before_its_result_is_cut(size: int) -> None:
    """The agent's tools run in the context of the cell, and take the mask of the run that reads
    them.
    """

    async def produce(put: Any) -> None:
        await put(summary_of("x" * (84 - size) + " " + CARD + " and more words" * 20))

    queue = CrossLoopQueue(produce)
    context = contextvars.copy_context()
    context.run(MASK.set, Patterns([RULE]).mask)
    item: Any = context.run(queue.take)
    while not isinstance(item, str | None):
        item.result(10)
        item = queue.take()
    assert item is not None
    assert not leaks(item)
