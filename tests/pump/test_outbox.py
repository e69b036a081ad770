"""Ops are joined while they wait, and cut into batches."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from reader import play

from nbagent.protocol.json_size import truncate_to_bytes
from nbagent.pump import BATCH_BYTES, Outbox


def drained(*ops: Any) -> list[list[Any]]:
    outbox = Outbox()
    outbox.feed(ops)
    return outbox.drain()


def test_appends_to_one_field_become_one() -> None:
    assert drained(("append", "t", "text", "a"), ("append", "t", "text", "b")) == [
        ["append", "t", "text", "ab"]
    ]


def test_appends_join_across_other_blocks() -> None:
    ops = drained(
        ("append", "a", "text", "1"), ("append", "b", "text", "x"), ("append", "a", "text", "2")
    )
    assert ops == [["append", "a", "text", "12"], ["append", "b", "text", "x"]]


def test_a_set_in_between_keeps_its_place() -> None:
    ops = drained(
        ("append", "a", "text", "1"), ("set", "a", {"text": ""}), ("append", "a", "text", "2")
    )
    assert ops == [
        ["append", "a", "text", "1"],
        ["set", "a", {"text": ""}],
        ["append", "a", "text", "2"],
    ]


def test_sets_of_one_block_become_one() -> None:
    assert drained(("set", "a", {"x": 1, "y": 1}), ("set", "a", {"x": 2})) == [
        ["set", "a", {"x": 2, "y": 1}]
    ]


def test_joining_does_not_touch_the_callers_props() -> None:
    props = {"x": 1}
    drained(("set", "a", props), ("set", "a", {"x": 2}))
    assert props == {"x": 1}


@given(st.lists(st.text(alphabet="aé😀", max_size=40)), st.integers(1, 64))
def test_batches_of_any_size_carry_the_whole_text(pieces: list[str], limit: int) -> None:
    outbox, got = Outbox(), ""
    outbox.feed(("append", "t", "text", piece) for piece in pieces)
    while outbox:
        batch = outbox.drain(limit)
        assert batch, "every batch must make progress"
        got += "".join(op[3] for op in batch)
    assert got == "".join(pieces)


NASTY = 'aé😀"\n\x01'


@example(["\x01" * 40] * 30, 300)
@given(st.lists(st.text(alphabet=NASTY, max_size=40), max_size=30), st.integers(200, 600))
def test_a_batch_stays_within_its_bytes_however_it_is_escaped(
    pieces: list[str], limit: int
) -> None:
    outbox = Outbox()
    outbox.feed(("append", f"t{len(piece) % 3}", "text", piece) for piece in pieces)
    while outbox:
        assert len(json.dumps(outbox.drain(limit), ensure_ascii=False).encode()) <= limit


PROPS = st.dictionaries(
    st.sampled_from("abcdef"),
    st.integers() | st.text(max_size=9) | st.lists(st.integers(), max_size=5),
)
OPS = st.one_of(
    st.tuples(
        st.just("append"),
        st.sampled_from("xy"),
        st.sampled_from(["text", "args_text"]),
        st.text(NASTY, max_size=50),
    ),
    st.tuples(st.just("set"), st.sampled_from("xy"), PROPS),
    st.tuples(st.just("close"), st.sampled_from("xy")),
)


@given(st.lists(OPS, max_size=20), st.integers(200, 400))
def test_ops_that_are_cut_to_fit_build_the_same_tree(ops: list[Any], limit: int) -> None:
    ops = [
        (
            "open",
            block,
            None,
            {"kind": "tool", "text": "", "args_text": "", "b": "x" * 50, "c": "y" * 50},
        )
        for block in "xy"
    ] + ops
    outbox, batches = Outbox(), []
    outbox.feed(ops)
    while outbox:
        batch = outbox.drain(limit)
        assert len(json.dumps(batch, ensure_ascii=False).encode()) <= limit
        batches += batch
    assert play(batches) == play(ops)


def test_a_full_batch_is_nearly_full() -> None:
    outbox = Outbox()
    outbox.feed(("append", "t", "text", "four") for _ in range(100_000))
    assert BATCH_BYTES - 1024 < len(json.dumps(outbox.drain())) <= BATCH_BYTES


def test_a_long_text_that_waits_is_not_copied() -> None:
    outbox, text = Outbox(), "x" * (10 * BATCH_BYTES)
    outbox.feed([("append", "t", "text", text)])
    outbox.drain()
    assert outbox._queue[0][4] == [text]
    assert outbox._queue[0][4][0] is text


def test_what_is_sealed_stands_by_itself() -> None:
    outbox = Outbox()
    outbox.feed([("append", "t", "text", "a")])
    outbox.seal()
    outbox.feed([("append", "t", "text", "b")])
    assert (outbox.drain(), outbox.sealed) == ([["append", "t", "text", "a"]], False)
    assert outbox.drain() == [["append", "t", "text", "b"]]


@given(st.text(alphabet=[*NASTY, "\ud83d"], max_size=60), st.integers(0, 60), st.integers(12, 90))
def test_pages_make_up_the_text_each_within_its_bytes(text: str, at: int, room: int) -> None:
    read = ""
    while at + len(read) < len(text):
        page, size = truncate_to_bytes(text, at + len(read), room)
        assert page
        assert len(json.dumps(page, ensure_ascii=False).encode()) - 2 == size <= room
        read += page
    assert read == text[at:].replace("\ud83d", "\ufffd")
