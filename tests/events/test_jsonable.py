"""Conversion of any value to JSON: the rules of all policies, and their differences."""

import collections
import datetime
import enum
import json
import types
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagent.events.jsonable import (
    MAX_DEPTH,
    BoundedJsonConverter,
    JsonConverter,
    JsonPolicy,
    is_encodable,
    json_safe,
    text_safe,
)
from nbagent.protocol.json_size import MAX_EXACT_INT


class StrSubclass(str):
    """Subclass of `str`, which encoders refuse."""


class Colour(str, enum.Enum):  # noqa: UP042 - not StrEnum: its str() is not its value
    RED = "red"


class Model:
    def model_dump(self) -> dict[str, Any]:
        return {"x": float("inf")}


class BrokenModel:
    def model_dump(self) -> dict[str, Any]:
        raise ValueError


class Booking(pydantic.BaseModel):
    day: datetime.date
    key: pydantic.SecretStr


class Unnameable:
    def __str__(self) -> str:
        raise ValueError


Pair = collections.namedtuple("Pair", "left right")


@pytest.mark.parametrize(
    ("value", "safe"),
    [
        (float("nan"), None),
        (float("-inf"), None),
        (True, True),
        (MAX_EXACT_INT, MAX_EXACT_INT),
        (MAX_EXACT_INT + 1, "9007199254740992"),
        (-MAX_EXACT_INT - 1, "-9007199254740992"),
        (StrSubclass("w"), "w"),
        (Colour.RED, "red"),
        ("\ud83d\ude00", "😀"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ({1: 1, None: 2, "\ud83d": 3}, {"1": 1, "None": 2, "\ufffd": 3}),
        ({(1, 2): 1, StrSubclass("w"): 2, Unnameable(): 3}, {"(1, 2)": 1, "w": 2, "…": 3}),
        ((1, {2}), [1, [2]]),
        (Pair(1, 2), [1, 2]),
        (collections.OrderedDict(a=1), {"a": 1}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (Model(), {"x": None}),
        (BrokenModel(), "<BrokenModel>"),
        (Booking, "<ModelMetaclass>"),
        (
            Booking(day=datetime.date(2026, 1, 2), key=pydantic.SecretStr("s")),
            {"day": "2026-01-02", "key": "**********"},
        ),
        (1j, "<complex>"),
    ],
)
def test_what_has_no_json_becomes_the_next_best_thing(value: Any, safe: Any) -> None:
    assert json_safe(value) == safe
    assert type(json_safe(value)) is type(safe)


def test_a_number_that_python_will_not_write_in_decimal_is_written() -> None:
    assert json_safe(16**5000) == "0x1" + 5000 * "0"


def test_what_is_nested_too_deeply_is_cut() -> None:
    nested: list[Any] = []
    for _ in range(2 * MAX_DEPTH):
        nested = [nested]
    assert json.dumps(json_safe(nested)).count("[") == MAX_DEPTH


def test_what_lies_inside_itself_is_cut_there_however_often_it_does() -> None:
    ring: dict[str, Any] = {}
    ring.update(one=ring, two=[ring])
    assert json_safe(ring) == {"one": "…", "two": ["…"]}


def test_the_same_value_twice_is_written_twice() -> None:
    shared = [1, 2]
    assert json_safe([shared, shared]) == [[1, 2], [1, 2]]


def test_a_policy_says_what_becomes_of_objects_and_large_integers() -> None:
    policy = JsonPolicy(
        integers=range(10),
        integer_text=hex,
        expand=vars,
        max_objects=2,
        placeholder=lambda value: "left out",
    )
    one, two, three = (types.SimpleNamespace(n=n) for n in (1, 16, 3))
    converter = JsonConverter(policy)

    assert converter.convert([one, two, three]) == [{"n": 1}, {"n": "0x10"}, "left out"]
    assert converter.cut


def test_nothing_is_cut_if_all_of_it_is_there() -> None:
    converter = JsonConverter(JsonPolicy(max_depth=2))
    assert converter.convert([[1]]) == [[1]]
    assert not converter.cut


@pytest.mark.parametrize(
    ("value", "max_bytes", "made"),
    [
        ("abcdef", 3, "abc… 3 more characters"),
        ("ééé", 5, "é… 2 more characters"),
        ([1, 2, 3, 4], 30, [1, 2, "… 2 more items"]),
        ({"a": 1, "b": 2}, 26, {"a": 1, "…": "1 more key"}),
        ([None, True, "x"], 100, [None, True, "x"]),
    ],
)
def test_a_bounded_value_counts_what_it_leaves_out(value: Any, max_bytes: int, made: Any) -> None:
    converter = BoundedJsonConverter(JsonPolicy(), max_bytes)
    assert converter.convert(value) == made
    assert converter.cut == (made != value)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_EXACT_INT, MAX_EXACT_INT)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda items: st.lists(items) | st.dictionaries(st.text(), items),
    max_leaves=20,
)


@given(PLAIN)
def test_what_is_json_already_stays_as_it_is(value: Any) -> None:
    assert json_safe(value) == value
    assert BoundedJsonConverter(JsonPolicy(), 10**6).convert(value) == value


@given(st.text(alphabet=st.characters()) | st.text(alphabet="a\ud83d\ude00\udfff"))
def test_every_text_can_be_encoded(text: str) -> None:
    assert text_safe(text).encode().decode() == text_safe(text)
    assert text_safe(text_safe(text)) == text_safe(text)
    assert is_encodable(text) == (text_safe(text) == text)
