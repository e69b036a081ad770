import itertools

import pytest
from adapters.recorded import Transcript, decode
from hypothesis import given
from hypothesis import strategies as st

from nbagent import events as ev
from nbagent.adapters.text.decoder import TextDecoder


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]))))
def test_strings_are_one_text_and_their_end_is_the_end(pieces: list[str]) -> None:
    transcript = Transcript.of(decode(TextDecoder(), pieces))
    assert "".join(transcript.texts) == "".join(pieces)
    assert len(transcript.texts) <= 1
    assert transcript.end is not None
    assert transcript.end.status == ("completed" if "".join(pieces) else "incomplete")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.integers(1, 5))
def test_bytes_are_read_as_utf8_wherever_they_are_cut(text: str, size: int) -> None:
    body = text.encode()
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    assert "".join(Transcript.of(decode(TextDecoder(), chunks)).texts) == text


def texts_of(items: list[str]) -> list[str]:
    return Transcript.of(decode(TextDecoder(), items)).texts


PIECES = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(st.lists(PIECES, min_size=3).filter(lambda pieces: len(set("".join(pieces[:2]))) > 1))
def test_texts_that_each_begin_with_the_one_before_are_one_text(pieces: list[str]) -> None:
    grown = list(itertools.accumulate(pieces))
    assert texts_of(grown) == [grown[-1]]
    assert texts_of([*grown, grown[-1]]) == [grown[-1]]  # some end with the whole answer again


def extend_each_other(texts: list[str]) -> bool:
    return all(
        len(after) > len(before) and after.startswith(before)
        for before, after in itertools.pairwise(texts)
    )


@given(
    st.lists(st.text("ab", min_size=1, max_size=4)).filter(
        lambda pieces: len(pieces) < 3 or not extend_each_other(pieces[:3])
    )
)
def test_pieces_that_begin_alike_by_chance_are_all_kept(pieces: list[str]) -> None:
    assert "".join(texts_of(pieces)) == "".join(pieces)


@given(st.lists(st.text("ab", max_size=4)))
def test_no_text_is_lost_whatever_begins_with_what(items: list[str]) -> None:
    shown = "\n".join(texts_of(items))
    assert all(item in shown for item in items)


def test_a_bar_that_grows_is_made_of_pieces() -> None:
    assert texts_of(["#" * count for count in range(1, 12)]) == ["#" * 66]


def test_the_first_text_is_shown_at_once_and_of_pieces_all_but_one() -> None:
    decoder = TextDecoder()
    shown = [
        "".join(event.delta for event in decoder.feed(item) if isinstance(event, ev.TextDelta))
        for item in ("a", "ab", "c", "cd", "cde", "cdef")
    ]
    assert shown == ["a", "", "abc", "cd", "cde", "cdef"]


def test_cumulative_texts_are_shown_as_they_grow() -> None:
    decoder = TextDecoder()
    shown = [
        "".join(event.delta for event in decoder.feed(item) if isinstance(event, ev.TextDelta))
        for item in ("The", "The cat", "The cat sat", "The cat sat.", "The cat sat.")
    ]
    assert shown == ["The", "", " cat sat", ".", ""]


def test_an_answer_that_begins_anew_is_another_text() -> None:
    assert texts_of(["I", "I look", "I look it up.", "It", "It is", "It is 3."]) == [
        "I look it up.",
        "It is 3.",
    ]


def test_a_source_that_raises_keeps_its_text() -> None:
    events = decode(TextDecoder(), ["So far"], ValueError("no more"))
    assert Transcript.of(events).texts == ["So far"]
    assert events[-1] == ev.RunEnd(status="failed")


def test_lines_that_look_like_another_systems_notes_are_text() -> None:
    assert Transcript.of(decode(TextDecoder(), ["[Tool: search]\n", "Done."])).texts == [
        "[Tool: search]\nDone."
    ]


@pytest.mark.parametrize("odd", [3, None, {"a": 1}, 1.5])
def test_what_is_no_text_is_kept_and_told_once(odd: object) -> None:
    events = decode(TextDecoder(), ["a", odd, odd, "b"])
    assert Transcript.of(events).texts == ["ab"]
    assert [event.data for event in events if isinstance(event, ev.Raw)] == [odd, odd]
    (status,) = [event for event in events if isinstance(event, ev.Status)]
    assert type(odd).__name__ in status.message


def test_the_sign_that_a_service_ends_with_is_no_text() -> None:
    events = decode(TextDecoder(), ["Hi", "[DONE]"])
    assert [event.delta for event in events if isinstance(event, ev.TextDelta)] == ["Hi"]
