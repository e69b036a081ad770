"""Larger pieces of text: no text is lost, words stay whole, and no piece waits longer than
allowed.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagent import events as e
from nbagent.run import Run
from nbagent.run.buffered import Chunker, buffered


def fed(chunker: Chunker, *texts: str) -> list[str]:
    return [piece for text in texts for piece in chunker.feed(text)]


def test_a_piece_ends_where_a_word_does() -> None:
    chunker = Chunker(chars=10)
    assert fed(chunker, "The qu", "ick br", "own fox") == ["The quick "]
    assert chunker.flush() == ["brown "]
    assert chunker.flush() == []
    assert chunker.flush(last=True) == ["fox"]
    assert not chunker.holds


def test_pieces_have_as_many_characters_as_asked_for_and_no_more() -> None:
    chunker = Chunker(chars=4, words=False)
    assert [*fed(chunker, "ab", "cd ef", "gh ij"), *chunker.flush(last=True)] == [
        "abcd",
        " efg",
        "h ij",
    ]
    chunker = Chunker(chars=4)
    assert [*fed(chunker, "a whole sentence at once"), *chunker.flush(last=True)] == [
        "a ",
        "whol",
        "e ",
        "sent",
        "ence",
        " at ",
        "once",
    ]


@given(
    st.lists(st.text(alphabet="ab \n", max_size=5), max_size=60), st.integers(1, 12), st.booleans()
)
def test_nothing_is_lost_and_words_stay_whole(texts: list[str], chars: int, words: bool) -> None:
    chunker = Chunker(chars, words=words)
    pieces = [*fed(chunker, *texts), *chunker.flush(last=True)]
    assert "".join(pieces) == "".join(texts)
    assert all(0 < len(piece) <= chars for piece in pieces)
    if words:
        assert all(piece[-1] in " \n" or len(piece) == chars for piece in pieces[:-1])
    else:
        assert all(len(piece) == chars for piece in pieces[:-1])


def test_a_word_without_end_is_cut_in_linear_time() -> None:
    chunker = Chunker()
    assert fed(chunker, *["x"] * 10_000) == []
    assert chunker.flush() == ["x" * 10_000]


async def test_a_piece_waits_no_longer_than_it_may() -> None:
    slow = asyncio.Event()

    async def stream() -> AsyncIterator[str]:
        yield "one two"
        await slow.wait()
        yield " three"

    run = Run(stream())
    run.start()
    pieces = []
    async for piece in run.buffered(seconds=0.02):
        pieces.append(piece)
        slow.set()
    assert pieces == ["one ", "two three"]


@pytest.mark.parametrize("options", [{"seconds": 0.0}, {"chars": 0}])
async def test_sizes_that_make_no_sense_are_refused(options: dict[str, float]) -> None:
    async def none() -> AsyncGenerator[e.Event]:
        for event in list[e.Event]():
            yield event

    with pytest.raises(ValueError, match="positive numbers"):
        await anext(buffered(none(), **options))  # type: ignore[arg-type]


def test_text_comes_in_pieces_without_a_loop_too() -> None:
    run = Run(iter(["a ", "b ", "c ", "d"]))
    run.start()
    assert list(run.buffered(seconds=None, chars=4)) == ["a b ", "c d"]


def test_a_text_that_came_whole_is_a_piece() -> None:
    run = Run(
        iter(
            [
                e.TextDelta(id="a", delta="one "),
                e.TextEnd(id="b", text="whole"),
                e.TextEnd(id="a", text="one"),
            ]
        )
    )
    run.start()
    assert "".join(run.buffered(seconds=None)) == "one whole"
