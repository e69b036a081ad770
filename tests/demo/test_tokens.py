from hypothesis import given
from hypothesis import strategies as st

from nbagent.demo.tokens import count, split


@given(st.text())
def test_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(split(text)) == text
    assert count(text) == len(list(split(text)))


@given(st.text(alphabet=st.characters(codec="ascii", exclude_characters=" \t\n")))
def test_tokens_are_short(text: str) -> None:
    assert all(1 <= len(token) <= 8 for token in split(text))


def test_a_character_of_several_parts_comes_in_parts() -> None:
    assert list(split("e\u0301 👩‍👧")) == ["e", "\u0301", " ", "👩", "\u200d", "👧"]
