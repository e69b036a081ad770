"""Signatures to JSON Schema, and a model's JSON to arguments."""

import dataclasses
import datetime
import decimal
import enum
import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, Optional, TypedDict

import jsonschema
import msgspec
import pydantic
import pytest

from nbagent.agent.tools.signature import Signature
from nbagent.errors import ToolError

NO_INT = "Input should be a valid integer, unable to parse string as an integer"


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
    """Return the signature of a function with one parameter `x` of that type."""

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
        (list, {"type": "array", "items": {}}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (Sequence[str], {"type": "array", "items": {"type": "string"}}),
        (dict, {"type": "object", "additionalProperties": True}),
        (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
        (Literal["a", "b"], {"enum": ["a", "b"], "type": "string"}),
        (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),  # noqa: UP045
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (
            str | datetime.date,
            {"anyOf": [{"type": "string"}, {"type": "string", "format": "date"}]},
        ),
        (datetime.date, {"type": "string", "format": "date"}),
        (Annotated[int, "how many"], {"type": "integer", "description": "how many"}),
        (
            Annotated[int, msgspec.Meta(ge=1, description="how many")],
            {"type": "integer", "minimum": 1, "description": "how many"},
        ),
        (
            Annotated[int, pydantic.Field(ge=1, description="how many")],
            {"type": "integer", "minimum": 1, "description": "how many"},
        ),
    ],
    ids=str,
)
def test_types_without_a_name(annotation: Any, schema: dict[str, Any]) -> None:
    whole = {
        "type": "object",
        "properties": {"x": schema},
        "required": ["x"],
        "additionalProperties": False,
    }
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
        (Iterable[int], ["1", 2], [1, 2], ["x"]),
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
        (
            Node,
            {"value": 1, "children": [{"value": 2}]},
            Node(1, [Node(2)]),
            {"value": 1, "children": [{}]},
        ),
        (
            Form,
            {"name": "Ada", "inner": {"n": 1}},
            Form(name="Ada", inner=Inner(n=1)),
            {"name": "A"},
        ),
        (Form | None, None, None, 5),
        (list[Form], [{"name": "Ada"}], [Form(name="Ada")], [{"name": 1}]),
        (
            Tree,
            {"value": 1, "children": [{"value": 2}]},
            Tree(value=1, children=[Tree(value=2)]),
            {"children": []},
        ),
        (Annotated[int, msgspec.Meta(ge=1)], 1, 1, 0),
        (Annotated[int, pydantic.Field(ge=1)], 1, 1, 0),
        (Form, '{"name": "Ada"}', Form(name="Ada"), '{"name": "A"}'),
        (int | str | None, "3", "3", []),
        (Annotated[int, msgspec.Meta(ge=1)] | str, "3", "3", []),
        (datetime.timedelta, "PT5M", datetime.timedelta(minutes=5), "soon"),
        (decimal.Decimal, "1.10", decimal.Decimal("1.10"), "much"),
    ],
    ids=str,
)
def test_values_become_the_annotated_type_or_are_refused_by_name(
    annotation: Any, good: Any, made: Any, bad: Any
) -> None:
    signature = of(annotation)
    (args, kwargs) = signature.bind({"x": good})

    assert (args, kwargs) == ([], {"x": made})
    assert type(kwargs["x"]) is type(made)
    with pytest.raises(ToolError, match="parameter 'x'") as refused:
        signature.bind({"x": bad})
    assert f"({type(bad).__name__})" in str(refused.value)


class Trip(TypedDict):  # read by msgspec before Python 3.12
    start: datetime.datetime
    days: list[datetime.date]
    size: Literal["s", "m", "l"]


TRIP = Trip(
    start=datetime.datetime.fromisoformat("2025-01-01T10:00:00"),
    days=[datetime.date(2025, 1, 2)],
    size="m",
)

WRITTEN: list[tuple[Any, Any, Any]] = [
    (datetime.datetime, "2025-01-01", datetime.datetime.fromisoformat("2025-01-01T00:00:00")),
    (datetime.datetime, "2025-01-01 10:00", datetime.datetime.fromisoformat("2025-01-01T10:00:00")),
    (
        datetime.datetime | None,
        "2025-01-01T10:00Z",
        datetime.datetime(2025, 1, 1, 10, tzinfo=datetime.UTC),
    ),
    (datetime.date, "2025-01-01T00:00:00", datetime.date(2025, 1, 1)),
    (Path, "data/a.csv", Path("data/a.csv")),
    (Color, "RED", Color.RED),
    (list[Color], ["Red", "RED"], [Color.RED, Color.RED]),
    (dict[str, Literal["s", "m"]], {"size": "M"}, {"size": "m"}),
    (Color | None, "Red", Color.RED),
    (Trip, {"start": "2025-01-01 10:00", "days": ["2025-01-02T00:00:00"], "size": "M"}, TRIP),
    (list[Trip], [{"start": "2025-01-01 10:00", "days": ["2025-01-02"], "size": "m"}], [TRIP]),
]


@pytest.mark.parametrize(("annotation", "written", "made"), WRITTEN, ids=str)
def test_values_are_taken_as_models_write_them(annotation: Any, written: Any, made: Any) -> None:
    assert of(annotation).bind({"x": written}) == ([], {"x": made})


def test_a_refused_choice_is_told_the_choices_in_their_order() -> None:
    size = Literal["s", "m", "l"]
    assert of(size).schema["properties"]["x"]["enum"] == ["s", "m", "l"]
    with pytest.raises(ToolError, match="Input should be 's', 'm' or 'l'"):
        of(size).bind({"x": "xl"})
    with pytest.raises(ToolError, match="it must be one of 'l', 'm', 's'"):
        of(Trip).bind({"x": {"start": "2025-01-01", "days": [], "size": "xl"}})
    with pytest.raises(ToolError, match="Input should be"):  # two could be meant
        of(Literal["straße", "STRASSE"]).bind({"x": "Strasse"})


@pytest.mark.parametrize(
    ("annotation", "form"),
    [(datetime.datetime, "date-time"), (datetime.date, "date"), (Path, "path")],
)
def test_the_schema_says_how_a_text_is_written(annotation: Any, form: str) -> None:
    assert of(annotation).schema["properties"]["x"] == {"type": "string", "format": form}


@pytest.mark.parametrize(
    "annotation",
    [Point, Options, Node, Form, Tree, list[Form], Point | Circle, Form | None, dict[str, Tree]],
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


def test_named_types_are_defined_once_and_beside_each_other() -> None:
    def function(a: Form, b: Tree, c: Form, d: Point, e: Node) -> None: ...

    schema = Signature(function, {"a": "who it is"}).schema

    assert set(schema["$defs"]) == {"Form", "Inner", "Node", "Point", "Tree"}
    assert schema["properties"]["a"] == {
        "allOf": [{"$ref": "#/$defs/Form"}],
        "description": "who it is",
    }
    good: dict[str, Any] = {
        "a": {"name": "Ada"},
        "b": {"value": 1},
        "c": {"name": "Bob", "inner": {"n": 1}},
        "d": {"x": 1},
    }
    jsonschema.validate({**good, "e": {"value": 1, "children": [{"value": 2}]}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**good, "e": {"value": 1, "children": [{}]}}, schema)


def test_two_classes_of_one_name_have_two_definitions() -> None:
    other = dataclasses.make_dataclass("Point", [("lat", float)])

    def function(a: Point, b: Any) -> None: ...

    function.__annotations__["b"] = other
    schema = Signature(function, {}).schema

    jsonschema.validate({"a": {"x": 1}, "b": {"lat": 1.5}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"a": {"lat": 1.5}, "b": {"lat": 1.5}}, schema)


def test_defaults_make_a_parameter_optional() -> None:
    anything = object()

    def function(
        a: int, b: int = 2, c: str | None = None, d: Color = Color.RED, e: Any = anything
    ) -> Any:
        return a, b, c, d

    schema = Signature(function, {"b": "the second"}).schema

    assert schema["required"] == ["a"]
    assert schema["properties"]["b"] == {
        "type": "integer",
        "description": "the second",
        "default": 2,
    }
    assert schema["properties"]["c"]["default"] is None
    assert schema["properties"]["d"]["default"] == "red"
    assert schema["properties"]["e"] == {}
    args, kwargs = Signature(function, {}).bind({"a": 1})
    assert function(*args, **kwargs) == (1, 2, None, Color.RED)


def test_a_default_is_written_as_the_model_would_write_it() -> None:
    assert of(Point, Point(1)).schema["properties"]["x"]["default"] == {"x": 1, "y": 0}
    assert of(Form, Form(name="Ada")).schema["properties"]["x"]["default"] == {
        "name": "Ada",
        "inner": None,
    }
    assert "default" not in of(float, float("inf")).schema["properties"]["x"]


def test_a_field_whose_default_has_no_json_may_be_left_out() -> None:
    options = dataclasses.make_dataclass(
        "Options", [("key", Any, dataclasses.field(default_factory=object))]
    )
    odd = pydantic.create_model("Odd", limit=(Any, object()))
    for annotation in (options, odd):
        schema = of(annotation).schema
        jsonschema.validate({"x": {}}, schema)
        assert of(annotation).bind({"x": {}})


@pytest.mark.parametrize("annotation", [None, Any, object], ids=str)
def test_a_value_of_any_type_is_handed_on_as_it_is(annotation: Any) -> None:
    value = {"items": [object()]}
    assert of(annotation).bind({"x": value})[1]["x"] is value


def test_annotations_may_be_strings() -> None:
    def function(a: "int", b: "list[Point] | None" = None) -> None: ...

    signature = Signature(function, {})

    assert signature.schema["properties"]["a"] == {"type": "integer"}
    assert signature.bind({"a": "1", "b": [{"x": 2}]})[1] == {"a": 1, "b": [Point(2)]}


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

    schemas = [
        Signature(function, {}).schema
        for function in (Shop().price, Shop(), functools.partial(Shop.price, Shop()))
    ]

    for schema in schemas:
        assert schema["properties"] == {"item": {"type": "string"}}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "missing parameter 'a', 'b'; got none"),
        ({"a": 1}, "missing parameter 'b'; got 'a'"),
        ({"a": 1, "b": 2, "z": 3}, "unknown parameter 'z'; there are 'a', 'b'"),
        ({"a": "one", "b": 2}, f"parameter 'a': got 'one' (str), wanted int: {NO_INT}"),
        (
            {"a": 1, "b": [{"x": "?"}]},
            (
                "parameter 'b': got [{'x': '?'}] (list), wanted Point: Input should be a "
                "dictionary "
                "or an instance of Point"
            ),
        ),
        ({"a": "x" * 500, "b": 2}, f"parameter 'a': got '{'x' * 79}… (str), wanted int: {NO_INT}"),
    ],
)
def test_arguments_that_do_not_fit_are_named(arguments: dict[str, Any], message: str) -> None:
    def function(a: int, b: Point) -> None: ...

    with pytest.raises(ToolError) as refused:
        Signature(function, {}).bind(arguments)
    assert str(refused.value) == message


def test_the_place_inside_a_value_is_named() -> None:
    with pytest.raises(ToolError, match=rf"wanted list\[.*Point\]: 1\.x: {NO_INT}$"):
        of(list[Point]).bind({"x": [{"x": 1}, {"x": "?"}]})


def test_only_the_first_reasons_are_listed() -> None:
    with pytest.raises(ToolError) as refused:
        of(list[int]).bind({"x": ["a", "b", "c", "d", "e"]})
    assert str(refused.value).endswith(
        f"list[int]: 0: {NO_INT}; 1: {NO_INT}; 2: {NO_INT}; and 2 more"
    )


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (
            Callable[[], int],
            "function: parameter 'x' of type collections.abc.Callable[[], int] has no JSON schema",
        ),
        (
            type("Frame", (), {}),
            "function: parameter 'x' of type Frame has no JSON schema: use a JSON type",
        ),
        (
            Annotated[str, pydantic.Field(pattern="(")],
            "function: parameter 'x' of type str has no JSON schema",
        ),
        (Node | Form, "function: parameter 'x' of type"),
        ("Missing", "function: an annotation cannot be resolved (name 'Missing' is not defined)"),
    ],
    ids=["callable", "class", "pattern", "mixed", "unresolved"],
)
def test_what_has_no_schema_is_refused_at_definition(annotation: Any, message: str) -> None:
    with pytest.raises(ToolError) as refused:
        of(annotation)
    assert message in str(refused.value)
