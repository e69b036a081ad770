"""Signatures to JSON Schema, and a model's JSON to arguments."""

import dataclasses
import datetime
import enum
import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, NotRequired, Optional, TypedDict

import jsonschema
import msgspec
import pydantic
import pytest

from nbagent.agent.schema import Signature
from nbagent.errors import ToolError


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


@dataclasses.dataclass
class Circle:
    radius: float


class Options(TypedDict):
    deep: bool
    tag: NotRequired[str]


class Node(msgspec.Struct):
    value: int
    children: list["Node"] = []


class Inner(pydantic.BaseModel):
    n: int


class Form(pydantic.BaseModel):
    name: str = pydantic.Field(description="who", min_length=2)
    inner: Inner | None = None


class Tree(pydantic.BaseModel):
    value: int
    children: list["Tree"] = []


def of(annotation: Any, default: Any = inspect.Parameter.empty) -> Signature:
    """The signature of a function with one parameter `x` of that type."""

    def function(x): ...  # type: ignore[no-untyped-def]

    function.__annotations__ = {} if annotation is None else {"x": annotation}
    if default is not inspect.Parameter.empty:
        function.__defaults__ = (default,)
    return Signature(function, {})


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (None, {}),
        (Any, {}),
        (object, {}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (str, {"type": "string"}),
        (bool, {"type": "boolean"}),
        (list, {"type": "array"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (Sequence[str], {"type": "array", "items": {"type": "string"}}),
        (dict, {"type": "object"}),
        (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
        (Literal["a", "b"], {"enum": ["a", "b"]}),
        (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),  # noqa: UP045
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (str | datetime.date, {"anyOf": [{"type": "string"}, {"type": "string", "format": "date"}]}),
        (datetime.date, {"type": "string", "format": "date"}),
        (Annotated[int, "how many"], {"type": "integer", "description": "how many"}),
        (
            Annotated[int, msgspec.Meta(ge=1, description="how many")],
            {"type": "integer", "minimum": 1, "description": "how many"},
        ),
        (Annotated[int, pydantic.Field(description="how many")], {"type": "integer", "description": "how many"}),
    ],
    ids=str,
)
def test_types_without_a_name(annotation: Any, schema: dict[str, Any]) -> None:
    whole = {"type": "object", "properties": {"x": schema}, "required": ["x"], "additionalProperties": False}
    assert of(annotation).schema == whole


@pytest.mark.parametrize(
    ("annotation", "good", "made", "bad"),
    [
        (int, 3, 3, "three"),
        (int, "3", 3, 3.5),
        (int, 3.0, 3, None),
        (float, 3, 3.0, "x"),
        (str, "3", "3", 3),
        (bool, "true", True, "maybe"),
        (list[int], "[1, 2]", [1, 2], [1, "x"]),
        (tuple[int, str], [1, "a"], (1, "a"), [1]),
        (set[str], ["a", "a"], {"a"}, "a"),
        (dict[int, str], {"1": "a"}, {1: "a"}, {"one": "a"}),
        (Literal["a", 1], 1, 1, "b"),
        (Color, "red", Color.RED, "green"),
        (int | None, None, None, "x"),
        (int | str, "3", "3", []),
        (str | datetime.date, "2025-01-02", "2025-01-02", 5),
        (datetime.date, "2025-01-02", datetime.date(2025, 1, 2), "tomorrow"),
        (Point, {"x": 1}, Point(1), {"y": 1}),
        (Point | Circle, {"radius": 2}, Circle(2.0), {"side": 1}),
        (Options, {"deep": True}, {"deep": True}, {"tag": "a"}),
        (Node, {"value": 1, "children": [{"value": 2}]}, Node(1, [Node(2)]), {"value": 1, "children": [{}]}),
        (Form, {"name": "Ada", "inner": {"n": 1}}, Form(name="Ada", inner=Inner(n=1)), {"name": "A"}),
        (Form | None, None, None, 5),
        (list[Form], [{"name": "Ada"}], [Form(name="Ada")], [{"name": 1}]),
        (Tree, {"value": 1, "children": [{"value": 2}]}, Tree(value=1, children=[Tree(value=2)]), {"children": []}),
        (Annotated[int, msgspec.Meta(ge=1)], 1, 1, 0),
    ],
    ids=str,
)
def test_values_become_the_annotated_type_or_are_refused_by_name(annotation: Any, good: Any, made: Any, bad: Any) -> None:
    signature = of(annotation)
    (args, kwargs) = signature.bind({"x": good})

    assert (args, kwargs) == ([], {"x": made})
    assert type(kwargs["x"]) is type(made)
    with pytest.raises(ToolError, match="parameter 'x'") as refused:
        signature.bind({"x": bad})
    assert f"({type(bad).__name__})" in str(refused.value)


@pytest.mark.parametrize(
    "annotation", [Point, Options, Node, Form, Tree, list[Form], Point | Circle, Form | None, dict[str, Tree]]
)
def test_named_types_make_a_valid_schema_that_accepts_and_refuses(annotation: Any) -> None:
    examples: list[Any] = [
        {"x": 1},
        {"deep": True},
        {"value": 1, "children": [{"value": 2, "children": []}]},
        {"name": "Ada", "inner": {"n": 1}},
        [{"name": "Ada"}],
        {"a": {"value": 1}},
        {"radius": 1.5},
        None,
    ]
    signature = of(annotation)
    jsonschema.Draft202012Validator.check_schema(signature.schema)
    validator = jsonschema.Draft202012Validator(signature.schema)

    agreed = {True: 0, False: 0}
    for value in examples:
        valid = validator.is_valid({"x": value})
        agreed[valid] += 1
        if valid:
            signature.bind({"x": value})
        else:
            with pytest.raises(ToolError):
                signature.bind({"x": value})
    assert agreed[True]
    assert agreed[False]


def test_two_pydantic_models_keep_their_own_definitions() -> None:
    def first(a: Form, b: Tree, c: Form) -> None: ...

    schema = Signature(first, {}).schema

    assert set(schema["$defs"]) == {"Form", "Form.Inner", "Tree.Tree"}
    jsonschema.validate({"a": {"name": "Ada"}, "b": {"value": 1}, "c": {"name": "Bob", "inner": {"n": 1}}}, schema)


def test_defaults_make_a_parameter_optional() -> None:
    def function(a: int, b: int = 2, c: str | None = None, d: Color = Color.RED, e: Any = object()) -> None: ...  # noqa: B008

    schema = Signature(function, {"b": "the second"}).schema

    assert schema["required"] == ["a"]
    assert schema["properties"]["b"] == {"type": "integer", "description": "the second", "default": 2}
    assert schema["properties"]["c"]["default"] is None
    assert schema["properties"]["d"]["default"] == "red"
    assert schema["properties"]["e"] == {}


def test_every_kind_of_parameter_is_bound() -> None:
    def function(a: int, /, b: int = 2, *rest: int, c: int, **more: int) -> Any:
        return a, b, rest, c, more

    signature = Signature(function, {})
    args, kwargs = signature.bind({"c": 3, "a": "1", "d": 4})

    assert function(*args, **kwargs) == (1, 2, (), 3, {"d": 4})
    assert list(signature.schema["properties"]) == ["a", "b", "c"]
    assert signature.schema["additionalProperties"] is True


def test_a_positional_only_parameter_may_be_left_out() -> None:
    def function(a: int = 1, b: int = 2, /) -> tuple[int, int]:
        return a, b

    args, kwargs = Signature(function, {}).bind({"a": 5})

    assert function(*args, **kwargs) == (5, 2)


def test_bound_methods_partials_and_callable_objects_hide_what_is_not_the_models() -> None:
    class Shop:
        def price(self, item: str) -> float: ...  # type: ignore[empty-body]

        def __call__(self, item: str) -> float: ...  # type: ignore[empty-body]

    schemas = [Signature(function, {}).schema for function in (Shop().price, Shop(), functools.partial(Shop.price, Shop()))]

    for schema in schemas:
        assert schema["properties"] == {"item": {"type": "string"}}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "missing parameter 'a', 'b'; got none"),
        ({"a": 1}, "missing parameter 'b'; got 'a'"),
        ({"a": 1, "b": 2, "z": 3}, "unknown parameter 'z'; there are 'a', 'b'"),
        ({"a": "one", "b": 2}, "parameter 'a': got 'one' (str), wanted int: Expected `int`, got `str`"),
        ({"a": 1, "b": [{"x": "?"}]}, "parameter 'b': got [{'x': '?'}] (list), wanted Point: Expected `object`, got `array`"),
        ({"a": "x" * 500, "b": 2}, f"parameter 'a': got '{'x' * 79}… (str), wanted int: Expected `int`, got `str`"),
    ],
)
def test_arguments_that_do_not_fit_are_named(arguments: dict[str, Any], message: str) -> None:
    def function(a: int, b: Point) -> None: ...

    with pytest.raises(ToolError) as refused:
        Signature(function, {}).bind(arguments)
    assert str(refused.value) == message


def test_the_place_inside_a_value_is_named() -> None:
    with pytest.raises(ToolError, match=r"wanted list\[test_schema.Point\]|wanted list\[.*Point\].*\$\[1\]\.x"):
        of(list[Point]).bind({"x": [{"x": 1}, {"x": "?"}]})


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (Callable[[], int], "function: parameter 'x' of type collections.abc.Callable[[], int] has no JSON schema"),
        (type("Frame", (), {}), "function: parameter 'x' of type Frame has no JSON schema: use a JSON type"),
        ("Missing", "function: an annotation cannot be resolved (name 'Missing' is not defined)"),
    ],
    ids=["callable", "class", "unresolved"],
)
def test_what_has_no_schema_is_refused_at_definition(annotation: Any, message: str) -> None:
    with pytest.raises(ToolError) as refused:
        of(annotation)
    assert message in str(refused.value)
