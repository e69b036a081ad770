"""Arguments: valid against any schema, and taken from the prompt where it has them."""

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagent.demo.arguments import fill

Schema = dict[str, Any]

NAMES = st.sampled_from(["year", "city", "query", "amount", "verbose", "when", "path", "items", "from_", "userName", "x"])
PROMPTS = st.lists(
    st.sampled_from(
        [
            "Load", "2025", "12", "3.5", "-4", "two", "and", ",", "for", "CHF", "New York", '"a b"', "'c'", "x=7", "year: 1999",
            "a@b.example", "https://a.example/b", "2026-01-31", "out.png", "red", "verbose", "no", "2 * (3 + 4)", "é👩‍👧", ".",
            "19:30", "light blue",
        ]
    ),
    max_size=12,
).map(" ".join)  # fmt: skip


def integers() -> st.SearchStrategy[Schema]:
    """Ranges that hold at least one multiple of the step."""
    return st.builds(
        lambda step, times, below, above, limits: {
            "type": "integer",
            **({"minimum": step * times - below, "maximum": step * times + above} if limits else {}),
            **({"multipleOf": step} if step > 1 else {}),
        },
        st.integers(1, 7),
        st.integers(-20, 20),
        st.integers(0, 5),
        st.integers(0, 5),
        st.booleans(),
    )


def strings() -> st.SearchStrategy[Schema]:
    lengths = st.builds(
        lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more}, st.integers(0, 20), st.integers(0, 9)
    )
    formats = st.sampled_from(["date", "date-time", "email", "uri", "uuid"]).map(
        lambda name: {"type": "string", "format": name}
    )
    patterns = st.sampled_from([r"^[A-Z]{3}$", r"^\d+$", "a"]).map(lambda pattern: {"type": "string", "pattern": pattern})
    members = st.lists(st.sampled_from(["red", "light blue", "CHF", "a"]), min_size=1, unique=True)
    return st.one_of(
        st.just({"type": "string"}), lengths, formats, patterns, members.map(lambda m: {"type": "string", "enum": m})
    )


SCALARS = st.one_of(
    integers(),
    strings(),
    st.just({"type": "number"}),
    st.just({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}),
    st.just({"type": "boolean"}),
    st.just({"const": "fixed"}),
    st.just({"type": ["string", "null"]}),
    st.just({"type": "integer", "default": 5}),
    st.just({"$ref": "#/$defs/Colour"}),
    st.just({}),
)


def objects(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.builds(
        lambda properties, optional: {
            "type": "object",
            "properties": properties,
            "required": [name for index, name in enumerate(properties) if index >= optional],
            "additionalProperties": False,
        },
        st.dictionaries(NAMES, inner, max_size=4),
        st.integers(0, 3),
    )


SHAPES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        objects(inner),
        st.builds(lambda items, low: {"type": "array", "items": items, "minItems": low}, inner, st.integers(0, 2)),
        st.builds(lambda one: {"anyOf": [one, {"type": "null"}]}, inner),
        st.builds(lambda one, two: {"oneOf": [one, two]}, inner, inner),
        st.builds(lambda one: {"allOf": [one]}, inner),
    ),
    max_leaves=8,
)
COLOUR = {"enum": ["red", "green"], "type": "string"}


def check(schema: Schema, value: Any) -> bool:  # noqa: C901 - one line for each word of JSON Schema
    """A second, plain reading of JSON Schema, independent of the one under test."""
    if "$ref" in schema:
        return check(COLOUR, value)
    for word, wanted in (("anyOf", any), ("oneOf", any), ("allOf", all)):
        if word in schema:
            return wanted(check(one, value) for one in schema[word])
    if "const" in schema:
        return bool(value == schema["const"])
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    names = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object", type(None): "null"}
    name = names[type(value)]
    if kinds and name not in kinds and not (name == "integer" and "number" in kinds):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, str):
        if "format" in schema:
            return _format(schema["format"], value)
        if schema.get("pattern") == r"^[A-Z]{3}$":
            return len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()
        if schema.get("pattern") == r"^\d+$":
            return value.isdigit()
        low, high = schema.get("minLength", 0), schema.get("maxLength", 10**6)
        return str(schema.get("pattern", "")) in value and bool(low <= len(value) <= high)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if "exclusiveMinimum" in schema and not schema["exclusiveMinimum"] < value < schema["exclusiveMaximum"]:
            return False
        inside = schema.get("minimum", value) <= value <= schema.get("maximum", value)
        return bool(inside) and value % schema.get("multipleOf", value or 1) == 0
    if isinstance(value, list):
        return len(value) >= schema.get("minItems", 0) and all(check(schema["items"], item) for item in value)
    if isinstance(value, dict) and "properties" in schema:
        known = set(schema["required"]) <= set(value) <= set(schema["properties"])
        return known and all(check(schema["properties"][name], item) for name, item in value.items())
    return True


def _format(name: str, value: str) -> bool:
    if name in ("date", "date-time"):
        try:
            read = datetime.datetime.fromisoformat(value)
        except ValueError:
            return False
        return ("T" in value) == (name == "date-time") and read.year > 0
    if name == "uuid":
        return [len(part) for part in value.split("-")] == [8, 4, 4, 4, 12]
    return ("@" if name == "email" else ":") in value


@given(objects(SHAPES), PROMPTS, st.integers(0, 40))
def test_arguments_are_always_valid(schema: Schema, prompt: str, start: int) -> None:
    root = {**schema, "$defs": {"Colour": COLOUR}}
    span = (min(start, len(prompt)), len(prompt))
    for args in fill(root, prompt, span=span):
        assert check(schema, args), args
    assert fill(root, prompt, span=span) == fill(root, prompt, span=span)


S, I, N = {"type": "string"}, {"type": "integer"}, {"type": "number"}  # noqa: E741 - as short as the table below needs


@pytest.mark.parametrize(
    ("prompt", "properties", "expected"),
    [
        ("Load the sales of 2025.", {"year": I}, [{"year": 2025}]),
        ("customers with region=west, top 5", {"limit": I, "region": S}, [{"limit": 5, "region": "west"}]),
        ("show region west", {"region": S}, [{"region": "west"}]),
        ("rates for CHF", {"currency": S}, [{"currency": "CHF"}]),
        ("rates for CHF, EUR and USD", {"currency": S}, [{"currency": c} for c in ("CHF", "EUR", "USD")]),
        (
            "revenue by region and by product",
            {"column": {"enum": ["product", "region"]}},
            [{"column": "region"}, {"column": "product"}],
        ),
        (
            "Convert 1,250.50 CHF to USD",
            {"amount": N, "from_currency": S, "to_currency": S},
            [{"amount": 1250.5, "from_currency": "CHF", "to_currency": "USD"}],
        ),
        ("add 2 and 3", {"a": I, "b": I}, [{"a": 2, "b": 3}]),
        ("mean of 3, 5 and 8", {"values": {"type": "array", "items": N}}, [{"values": [3, 5, 8]}]),
        ('say "hello there" to Anna', {"to": S, "text": S}, [{"to": "Anna", "text": "hello there"}]),
        ("what is 12 * (3 + 4)?", {"expression": S}, [{"expression": "12 * (3 + 4)"}]),
        ("plot revenue by month to out.png", {"column": S, "path": S}, [{"column": "month", "path": "out.png"}]),
        ("meet on 2026-03-01 at 19:30", {"day": {**S, "format": "date"}, "time": S}, [{"day": "2026-03-01", "time": "19:30"}]),
        ("mail anna@example.com", {"email": {**S, "format": "email"}}, [{"email": "anna@example.com"}]),
        ("roll three dice", {"count": I}, [{"count": 3}]),
        ("be verbose", {"verbose": {"type": "boolean"}}, [{"verbose": True}]),
        ("without verbose", {"verbose": {"type": "boolean"}}, [{"verbose": False}]),
        (
            "west in 2024",
            {"filter": {"type": "object", "properties": {"year": I, "area": {"enum": ["east", "west"]}}, "required": ["year"]}},
            [{"filter": {"year": 2024, "area": "west"}}],
        ),
        ("nothing here", {"a": {**I, "default": 7}}, [{"a": 7}]),
        ("nothing here", {"a": {"enum": ["x", "y"]}}, [{"a": "x"}]),
        ("nothing here", {"a": {"anyOf": [S, {"type": "null"}], "default": None}}, [{"a": None}]),
    ],
)
def test_values_come_from_the_prompt(prompt: str, properties: Schema, expected: list[Any]) -> None:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    assert fill(schema, prompt) == expected


def test_an_optional_parameter_that_the_prompt_does_not_give_is_left_out() -> None:
    schema = {"type": "object", "properties": {"year": I, "limit": {**I, "default": 9}}, "required": ["year"]}
    assert fill(schema, "sales of 2025") == [{"year": 2025}]


def test_what_another_tool_returned_fills_a_gap() -> None:
    schema = {"type": "object", "properties": {"order_id": I}, "required": ["order_id"]}
    assert fill(schema, "refund it", known={"order_id": 4711}) == [{"order_id": 4711}]


def test_a_schema_that_refers_to_itself_ends() -> None:
    node = {"type": "object", "properties": {"name": S, "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}}}
    node["required"] = ["name", "next"]
    schema = {"$defs": {"Node": node}, **node}
    assert fill(schema, "make 'a'") == [{"name": "a", "next": None}]


def test_a_long_prompt_with_many_values_is_read_in_one_go() -> None:
    prompt = " ".join(f"item-{index} a.b-{index} {index}.5" for index in range(600))[:10_000]
    assert fill({"type": "object", "properties": {"n": N}, "required": ["n"]}, prompt)[0]["n"] == 0.5
