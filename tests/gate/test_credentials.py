"""Credentials of all forms are masked wherever a text is cut, and everyday data, code and prose
stay as they are.
"""

import itertools
import json

import pytest
from campaign import WHOLE, sample
from gate.credentials_corpus import NEGATIVES, POSITIVES, WORD, Positive
from hypothesis import given, settings
from hypothesis import strategies as st

from nbagent import events as e
from nbagent.gate import Gate
from nbagent.gate.secrets import Secrets

NOTHING = Secrets()


def streamed(*pieces: str) -> str:
    stream = NOTHING.stream()
    return "".join([*map(stream.feed, pieces), stream.close()])


def cuts(text: str) -> list[int]:
    return list(range(len(text) + 1)) if WHOLE else sample(range(len(text) + 1), 12)


@pytest.mark.parametrize("case", POSITIVES, ids=lambda case: case.text[:40])
def test_of_a_credential_two_characters_are_seen(case: Positive) -> None:
    shown = NOTHING.mask(case.text)
    assert len(shown) == len(case.text)
    for secret in case.secrets:
        assert secret not in shown
        assert secret[3:] not in shown
    assert streamed(*case.text) == shown
    for cut in cuts(case.text):
        assert streamed(case.text[:cut], case.text[cut:]) == shown


@pytest.mark.parametrize("text", NEGATIVES, ids=lambda text: text[:40])
def test_everyday_data_code_and_prose_stay(text: str) -> None:
    assert NOTHING.mask(text) == text
    assert streamed(*text) == text
    for cut in cuts(text):
        assert streamed(text[:cut], text[cut:]) == text


def test_a_password_is_seen_in_no_part_of_a_call() -> None:
    text = json.dumps({"user": "me", "password": WORD})
    gate = Gate("all")
    gate.mask_secrets(NOTHING)
    events: list[e.Event] = [
        e.ToolStart(id="t", name="connect"),
        *(e.ToolArgsDelta(id="t", delta=character) for character in text),
        e.ToolArgs(id="t", args=json.loads(text), args_text=text),
        *(
            e.ToolOutput(id="t", delta=piece)
            for piece in ("export DB_PASS", "WORD=", WORD[:4], WORD[4:], "\n")
        ),
        e.ToolResult(
            id="t",
            content=[{"type": "text", "text": f"password: {WORD}"}],
            error=e.ErrorInfo(message=text),
        ),
        e.Raw(data={"headers": {"cookie": f"sid={WORD}"}}),
        e.Error(message=f"refused password={WORD}"),
    ]
    shown = [seen for event in events for seen in gate.feed(event)] + gate.close()
    assert WORD[3:] not in repr(shown)
    assert "".join(
        event.delta for event in shown if isinstance(event, e.ToolArgsDelta)
    ) == NOTHING.mask(text)


PIECES = st.sampled_from(
    [case.text for case in POSITIVES]
    + NEGATIVES
    + list("\n :='\"\\,.;{}[]()<>&?/@-_ab1")
    + ["token", "password", "Bearer "]
)


@settings(max_examples=2000 if WHOLE else 60)
@given(st.lists(PIECES, min_size=1, max_size=5), st.lists(st.integers(0, 400), max_size=12))
def test_texts_side_by_side_are_masked_alike_however_they_are_cut(
    pieces: list[str], places: list[int]
) -> None:
    text = "".join(pieces)
    edges = sorted({0, len(text), *(place for place in places if place < len(text))})
    assert streamed(
        *(text[start:stop] for start, stop in itertools.pairwise(edges))
    ) == NOTHING.mask(text)
