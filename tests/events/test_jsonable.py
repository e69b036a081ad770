"""Plain JSON: what any value becomes on its way to a browser."""

import enum
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagent.events.jsonable import DEPTH, EXACT, json_safe, text_safe


class Word(str):
    """A string that encoders refuse, since it is of another class."""


class Colour(str, enum.Enum):  # noqa: UP042 - not StrEnum: its str() is not its value
    RED = "red"


class Model:
    def model_dump(self) -> dict[str, Any]:
        return {"x": float("inf")}


class BrokenModel:
    def model_dump(self) -> dict[str, Any]:
        raise ValueError


@pytest.mark.parametrize(
    ("value", "safe"),
    [
        (float("nan"), None),
        (float("-inf"), None),
        (True, True),
        (EXACT, EXACT),
        (EXACT + 1, "9007199254740992"),
        (-EXACT - 1, "-9007199254740992"),
        (Word("w"), "w"),
        (Colour.RED, "red"),
        ("\ud83d\ude00", "😀"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ({1: 1, None: 2, "\ud83d": 3}, {"1": 1, "None": 2, "\ufffd": 3}),
        ((1, {2}), [1, [2]]),
        (Model(), {"x": None}),
        (BrokenModel(), "<BrokenModel>"),
        (1j, "<complex>"),
    ],
)
def test_what_has_no_json_becomes_the_next_best_thing(value: Any, safe: Any) -> None:
    assert json_safe(value) == safe
    assert type(json_safe(value)) is type(safe)


def test_a_number_that_python_will_not_write_in_decimal_is_written() -> None:
    assert json_safe(16**5000) == "0x1" + 5000 * "0"


def test_what_is_nested_too_deeply_is_cut() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert json.dumps(json_safe(loop)).count("[") == DEPTH


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-EXACT, EXACT) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda items: st.lists(items) | st.dictionaries(st.text(), items),
    max_leaves=20,
)


@given(PLAIN)
def test_what_is_json_already_stays_as_it_is(value: Any) -> None:
    assert json_safe(value) == value


@given(st.text(alphabet=st.characters()) | st.text(alphabet="a\ud83d\ude00\udfff"))
def test_every_text_can_be_encoded(text: str) -> None:
    assert text_safe(text).encode().decode() == text_safe(text)
    assert text_safe(text_safe(text)) == text_safe(text)
