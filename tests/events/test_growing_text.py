"""`GrowingText`: a text that grows by small pieces."""

from hypothesis import given
from hypothesis import strategies as st

from nbagent.events.growing_text import MAX_PIECES, GrowingText


@given(st.text(max_size=5), st.lists(st.text(max_size=5), max_size=30), st.integers(0, 3))
def test_it_is_what_was_added(first: str, more: list[str], times: int) -> None:
    text = GrowingText(first)
    for piece in more * times * (MAX_PIECES // 20):
        text.append(piece)
    assert str(text) == first + "".join(more * times * (MAX_PIECES // 20))


def test_a_million_characters_are_not_a_million_strings() -> None:
    text = GrowingText()
    for _ in range(1_000_000):
        text.append("x")
    assert len(text._joined) + len(text._fresh) < 3 * MAX_PIECES
