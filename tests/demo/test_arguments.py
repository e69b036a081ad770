"""Arguments of the demo model fit any schema, and are taken from the prompt if it has them."""

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagent.demo.arguments import fill

Schema = dict[str, Any]

NAMES = st.sampled_from(
    [
        "year",
        "city",
        "query",
        "amount",
        "verbose",
        "when",
        "path",
        "items",
        "from_",
        "userName",
        "x",
    ]
)
PROMPTS = st.lists(
    st.sampled_from(
        [
            "Load", "2025", "12", "3.5", "-4", "two", "and", ",", "for", "CHF", "New York", '"a b"', "'c'", "x=7", "year: 1999",  # noqa: E501
            "a@b.example", "https://a.example/b", "2026-01-31", "out.png", "red", "verbose", "no", "2 * (3 + 4)", "é👩‍👧", ".",  # noqa: E501
            "19:30", "light blue",
        ]
    ),
    max_size=12,
).map(" ".join)  # fmt: skip
SCALARS = st.one_of(
    st.builds(
        lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more},
        st.integers(-9, 9),
        st.integers(0, 9),
    ),
    st.lists(st.sampled_from(["red", "light blue", "CHF", 3]), min_size=1, unique=True).map(
        lambda members: {"enum": members}
    ),
    st.sampled_from(
        [{"type": name} for name in ("string", "number", "integer", "boolean", "null")]
        + [
            {"const": "fixed"},
            {"type": ["string", "null"]},
            {"type": "integer", "default": 5},
            {"$ref": "#/$defs/Colour"},
            {},
        ]
    ),
)


def objects(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.builds(
        lambda properties, optional: {
            "type": "object",
            "properties": properties,
            "required": list(properties)[optional:],
            "additionalProperties": False,
        },
        st.dictionaries(NAMES, inner, max_size=4),
        st.integers(0, 3),
    )


SHAPES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        objects(inner),
        st.builds(
            lambda items, low: {"type": "array", "items": items, "minItems": low},
            inner,
            st.integers(0, 2),
        ),
        st.builds(lambda one: {"anyOf": [one, {"type": "null"}]}, inner),
        st.builds(lambda one, two: {"anyOf": [one, two]}, inner, inner),
        st.builds(lambda one: {"allOf": [one]}, inner),
    ),
    max_leaves=8,
)


@given(objects(SHAPES), PROMPTS, st.integers(0, 40))
def test_arguments_fit_their_schema(schema: Schema, prompt: str, start: int) -> None:
    root = {**schema, "$defs": {"Colour": {"enum": ["red", "green"], "type": "string"}}}
    for args in fill(root, prompt, range(min(start, len(prompt)), len(prompt))):
        jsonschema.validate(args, root)


S, I, N = {"type": "string"}, {"type": "integer"}, {"type": "number"}  # noqa: E741 - as short as the table below needs


@pytest.mark.parametrize(
    ("prompt", "properties", "expected"),
    [
        ("Load the sales of 2025.", {"year": I}, [{"year": 2025}]),
        (
            "customers with region=west, top 5",
            {"limit": I, "region": S},
            [{"limit": 5, "region": "west"}],
        ),
        (
            "rates for CHF, EUR and USD",
            {"currency": S},
            [{"currency": code} for code in ("CHF", "EUR", "USD")],
        ),
        (
            "revenue by region and by product, not by day",
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
        (
            'say "hello there" to Anna',
            {"to": S, "text": S},
            [{"to": "Anna", "text": "hello there"}],
        ),
        ("what is 12 * (3 + 4)?", {"expression": S}, [{"expression": "12 * (3 + 4)"}]),
        (
            "plot revenue by month to out.png",
            {"column": S, "path": S},
            [{"column": "month", "path": "out.png"}],
        ),
        (
            "meet on 2026-03-01 at 19:30",
            {"day": {**S, "format": "date"}, "time": S},
            [{"day": "2026-03-01", "time": "19:30"}],
        ),
        ("the weather in oslo", {"city": S}, [{"city": "oslo"}]),
        ("search for red wine", {"query": S}, [{"query": "red wine"}]),
        ("without verbose", {"verbose": {"type": "boolean"}}, [{"verbose": False}]),
        (
            "west in 2024",
            {
                "filter": {
                    "type": "object",
                    "properties": {"year": I, "area": {"enum": ["east", "west"]}},
                    "required": ["year"],
                }
            },
            [{"filter": {"year": 2024, "area": "west"}}],
        ),
        (
            "of 2024 and 2025",
            {"filter": {"type": "object", "properties": {"year": I}, "required": ["year"]}},
            [{"filter": {"year": 2024}}],
        ),
        ("nothing here", {"a": {**I, "default": 7}}, [{"a": 7}]),
        ("nothing here", {"a": {"enum": ["x", "y"]}}, [{"a": "x"}]),
        ("nothing here", {"a": {"anyOf": [S, {"type": "null"}]}}, [{"a": None}]),
    ],
)
def test_values_come_from_the_prompt(prompt: str, properties: Schema, expected: list[Any]) -> None:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    assert fill(schema, prompt) == expected


def test_an_optional_parameter_takes_only_a_value_that_the_prompt_gives_by_name() -> None:
    schema = {
        "type": "object",
        "properties": {"city": S, "days": {**I, "default": 3}},
        "required": ["city"],
    }
    assert fill(schema, "Forecast for Oslo in 2025") == [{"city": "Oslo"}]
    assert fill(schema, "Forecast for Oslo for 5 days") == [{"city": "Oslo", "days": 5}]


def test_what_another_tool_returned_fills_a_gap() -> None:
    schema = {"type": "object", "properties": {"order_id": I}, "required": ["order_id"]}
    assert fill(schema, "refund it", known={"order_id": 4711}) == [{"order_id": 4711}]


def test_a_schema_that_refers_to_itself_ends() -> None:
    node = {
        "type": "object",
        "properties": {"name": S, "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}},
    }
    node["required"] = ["name", "next"]
    assert fill({"$defs": {"Node": node}, **node}, "make 'a'") == [{"name": "a", "next": None}]
