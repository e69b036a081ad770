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


def test_a_source_that_raises_keeps_its_text() -> None:
    events = decode(TextDecoder(), ["So far"], ValueError("no more"))
    assert Transcript.of(events).texts == ["So far"]
    assert events[-1] == ev.RunEnd(status="failed")


def test_lines_that_look_like_another_systems_notes_are_text() -> None:
    assert Transcript.of(decode(TextDecoder(), ["[Tool: search]\n", "Done."])).texts == ["[Tool: search]\nDone."]


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
