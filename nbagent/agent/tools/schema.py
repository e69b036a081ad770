"""JSON Schema of a function's parameters, and conversion of a model's JSON arguments to their
annotated types.

Both are done by pydantic (https://docs.pydantic.dev/latest/concepts/type_adapter/), which openai
depends on. pydantic reads neither msgspec's types nor, before Python 3.12, `typing.TypedDict`:
annotations with these are left to msgspec.
"""

import ast
import contextlib
import inspect
import re
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, get_args, get_origin

import msgspec
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import to_jsonable_python

from nbagent.agent.tools.injected_parameters import is_injected
from nbagent.agent.tools.msgspec_values import amend
from nbagent.errors import ToolError
from nbagent.events.json_text import decode_json

JsonSchema = dict[str, Any]

_MAX_PROBLEMS = 3
"""Reasons listed in an error message; a union has at least one for each of its members."""
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'")
"""A choice in pydantic's message: Input should be 'red' or 'green'."""

_MAX_VALUE_CHARS = 80
"""Characters of a refused value quoted in its error message."""


class Signature:
    """The parameters of a function: their JSON Schema, and the binding of a model's arguments to
    them.

    Args:
        function: any callable that `inspect.signature` can read.
        descriptions: parameter name to description. A parameter without one is described by its
            annotation: `Annotated[int, "text"]`, pydantic's `Field(description=…)`, msgspec's
            `Meta(description=…)`.

    Attributes:
        schema: the JSON Schema of an object that has the parameters as properties, but for those
            that a framework fills in.
        unannotated: names of the parameters without a type.

    Raises:
        ToolError: an annotation cannot be resolved or has no JSON Schema; the message names
            function and parameter.
    """

    def __init__(self, function: Callable[..., Any], descriptions: Mapping[str, str]) -> None:
        self._name = name_of(function)
        self._positional: list[str] = []
        self._takes_any_name = False
        self._parameters: dict[str, _Parameter] = {}
        self.unannotated: list[str] = []
        hints = self._hints(function)
        for name, parameter in self._inspect(function).parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                self._takes_any_name = True
            elif name == "self" or is_injected(hints.get(name)):
                continue
            elif parameter.kind is not parameter.VAR_POSITIONAL:
                # A model gives arguments by name, and *args has none.
                if parameter.kind is parameter.POSITIONAL_ONLY:
                    self._positional.append(name)
                annotation = hints.get(name, Any)
                if name not in hints:
                    self.unannotated.append(name)
                try:
                    self._parameters[name] = _Parameter(
                        name, annotation, parameter.default, descriptions.get(name)
                    )
                except Exception as error:
                    # Each library has several for a type that it cannot describe.
                    raise ToolError(
                        f"{self._name}: parameter {name!r} of type {_type_name(annotation)} has "
                        "no JSON schema: "
                        "use a JSON type, a dataclass, a TypedDict, a msgspec.Struct or a "
                        "pydantic model"
                    ) from error
        self.schema: JsonSchema = self._schema()

    def bind(self, arguments: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Convert a model's arguments to positional and keyword arguments of the function, each of
        its annotated type.

        Raises:
            ToolError: one is missing, unknown or does not fit; the message names it.
        """
        self._check_names(arguments)
        keywords = dict(arguments)
        for name, parameter in self._parameters.items():
            if name in arguments:
                keywords[name] = parameter.convert(arguments[name])
        positional: list[Any] = []
        for name in self._positional:
            if name not in keywords:  # this one keeps its default, so all that follow it must too
                break
            positional.append(keywords.pop(name))
        return positional, keywords

    def _check_names(self, arguments: Mapping[str, Any]) -> None:
        """Check that the required parameters are given, and no others than there are.

        Raises:
            ToolError: one is missing or unknown.
        """
        required = [name for name, parameter in self._parameters.items() if parameter.required]
        missing = [repr(name) for name in required if name not in arguments]
        if missing:
            raise ToolError(f"missing parameter {', '.join(missing)}; got {_names(arguments)}")
        unknown = [repr(name) for name in arguments if name not in self._parameters]
        if unknown and not self._takes_any_name:
            raise ToolError(
                f"unknown parameter {', '.join(unknown)}; there are {_names(self._parameters)}"
            )

    def _inspect(self, function: Callable[..., Any]) -> inspect.Signature:
        try:
            return inspect.signature(function)
        except (TypeError, ValueError) as error:
            raise ToolError(
                f"{self._name}: its signature cannot be read; wrap it in a function with "
                "annotations"
            ) from error

    def _hints(self, function: Callable[..., Any]) -> dict[str, Any]:
        try:
            return typing.get_type_hints(inspect.unwrap(callee(function)), include_extras=True)
        except (NameError, TypeError, SyntaxError) as error:
            raise ToolError(
                f"{self._name}: an annotation cannot be resolved ({error}); use types defined at "
                "the top level of the module"
            ) from error

    def _schema(self) -> JsonSchema:
        # All at once, so that two classes of one name get different definitions.
        adapters = [
            (name, p.type)
            for name, p in self._parameters.items()
            if isinstance(p.type, TypeAdapter)
        ]
        made, shared = TypeAdapter.json_schemas(
            [(name, "validation", adapter) for name, adapter in adapters],
            schema_generator=_PlainSchema,
        )
        definitions: JsonSchema = shared.get("$defs", {})
        properties: JsonSchema = {}
        for name, parameter in self._parameters.items():
            if isinstance(parameter.type, TypeAdapter):
                schema = made[name, "validation"]
            else:
                schema = parameter.type.schema(definitions)
            properties[name] = parameter.annotate(schema)
        schema = {
            "type": "object",
            "properties": properties,
            "required": [
                name for name, parameter in self._parameters.items() if parameter.required
            ],
            "additionalProperties": self._takes_any_name,
        }
        if definitions:
            return {**schema, "$defs": definitions}
        return schema


class _Parameter:
    """A parameter of a function: the type that reads it, its description and its default.

    Raises:
        Exception: the annotation has no JSON Schema; an error of pydantic or msgspec.
    """

    def __init__(self, name: str, annotation: Any, default: Any, description: str | None) -> None:
        self.type = _type_of(annotation)
        self.required = default is inspect.Parameter.empty
        self._name = name
        self._annotation = annotation
        self._default = default
        self._description = description or _text_in(annotation)

    def annotate(self, schema: JsonSchema) -> JsonSchema:
        """Return the schema of the type with the parameter's description and default."""
        extra: JsonSchema = {}
        if self._description:
            extra["description"] = self._description
        if not self.required:
            default = _json_default(self._default)
            if default is not None or self._default is None:
                extra["default"] = default
        if extra and "$ref" in schema:  # many readers ignore the siblings of $ref
            schema = {"allOf": [schema]}
        return {**schema, **extra}

    def convert(self, value: Any) -> Any:
        """Convert JSON to the parameter's type, leniently: `"3"` is taken for an int, a string of
        JSON for a list or an object.

        Raises:
            ToolError: it does not fit; the message names the parameter, what was got and what is
                wanted.
        """
        return _convert(value, self.type, self._annotation, f"parameter {self._name!r}")


class ValueType:
    """A type of a value that a model writes: its JSON Schema, and the reading of the value.

    Args:
        annotation: a pydantic model, a dataclass, a TypedDict, a msgspec.Struct, a plain type, or a
            list or union of these.

    Attributes:
        name: of the type, as it is written in code.
        schema: its JSON Schema.

    Raises:
        ToolError: it has no JSON Schema.
    """

    def __init__(self, annotation: Any) -> None:
        self.name = _type_name(annotation)
        self._annotation = annotation
        try:
            self._type = _type_of(annotation)
        except Exception as error:  # each library has several for a type that it cannot describe
            raise ToolError(
                f"output={self.name} has no JSON schema: use a pydantic model, a dataclass, a "
                "TypedDict, a msgspec.Struct, "
                "a JSON type, or a list of these"
            ) from error
        if isinstance(self._type, TypeAdapter):
            self.schema: JsonSchema = self._type.json_schema(schema_generator=_PlainSchema)
        else:
            definitions: JsonSchema = {}
            schema = self._type.schema(definitions)
            self.schema = {**schema, "$defs": definitions} if definitions else schema

    def convert(self, value: Any) -> Any:
        """Convert JSON to the type, leniently, as arguments of tools are.

        Raises:
            ToolError: it does not fit; the message has what was got, what is wanted and why it does
                not fit.
        """
        return _convert(value, self._type, self._annotation, "the answer")


def _convert(
    value: Any, type_: "TypeAdapter[Any] | _MsgspecType", annotation: Any, what: str
) -> Any:
    """Convert JSON to a type. Raises ToolError if it does not fit."""
    try:
        return type_.validate_python(value)
    except (TypeError, ValueError) as error:
        problem = error
    folded = _with_case_of_choices(value, problem)
    if folded is not value:
        return _convert(folded, type_, annotation, what)
    if isinstance(value, str):  # some models write a list or an object as a string of JSON
        with contextlib.suppress(TypeError, ValueError):
            return type_.validate_json(value)
    raise ToolError(
        f"{what}: got {_quote(value)}, wanted {_type_name(annotation)}: {_reason(problem)}"
    ) from problem


class _PlainSchema(GenerateJsonSchema):
    """Schemas whose fields have no title, which would repeat the field's name.

    A default without a JSON form is left out.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Return False for every field."""
        return False

    def emit_warning(self, kind: Any, detail: str) -> None:
        """Suppress the warning about a default that is left out."""


class _MsgspecType:
    """The methods of a `TypeAdapter` that are used here, for an annotation that msgspec reads and
    pydantic does not.

    Raises:
        TypeError: msgspec does not read it either.
    """

    def __init__(self, annotation: Any) -> None:
        self._annotation = annotation
        self.schema({})

    def validate_python(self, value: Any) -> Any:
        """Convert a value, exactly if possible: of `int | str`, a lenient conversion would take "3"
        for the int.
        """
        try:
            return msgspec.convert(value, self._annotation, str_keys=True)
        except msgspec.ValidationError:
            pass
        try:
            return msgspec.convert(value, self._annotation, str_keys=True, strict=False)
        except msgspec.ValidationError as error:
            amended, problem = amend(value, self._annotation, error)
            if amended == value:
                raise msgspec.ValidationError(problem) from error
        return self.validate_python(amended)

    def validate_json(self, text: str) -> Any:
        """Convert a string of JSON."""
        return self.validate_python(decode_json(text))

    def schema(self, definitions: JsonSchema) -> JsonSchema:
        """Return the JSON Schema, and add the named types that it refers to to `definitions`."""
        (schema,), named = msgspec.json.schema_components(
            [self._annotation], ref_template="#/$defs/{name}"
        )
        definitions.update(named)
        return schema


def _type_of(annotation: Any) -> TypeAdapter[Any] | _MsgspecType:
    if get_origin(annotation) is Iterable:
        # Pydantic would check the items only when the function takes them.
        annotation = list[get_args(annotation)]  # type: ignore[misc]
    if _mentions_msgspec(annotation):
        return _MsgspecType(annotation)
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    except PydanticUserError as error:
        if error.code != "typed-dict-version":
            raise
        return _MsgspecType(annotation)
    adapter.json_schema(schema_generator=_PlainSchema)
    return adapter


def _mentions_msgspec(annotation: Any) -> bool:
    """Return True if the annotation is a Struct, or contains one or a `Meta`; pydantic would ignore
    the limits of `Meta`.
    """
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return True
    return isinstance(annotation, msgspec.Meta) or any(map(_mentions_msgspec, get_args(annotation)))


def callee(function: Any) -> Callable[..., Any]:
    """Return the function that runs when `function` is called: what a partial wraps, an object's
    `__call__`.
    """
    target = getattr(function, "func", function)
    called: Callable[..., Any] = target if inspect.isroutine(target) else type(target).__call__
    return called


def name_of(function: Any) -> str:
    """Return the name of a callable: its own, that of the function a partial wraps, or its
    class's.
    """
    target = getattr(function, "func", function)
    return str(getattr(target, "__name__", type(target).__name__))


def _type_name(annotation: Any) -> str:
    """Return a type as it is written in code: `int`, `list[str]`, `str | None`."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    named = isinstance(annotation, type) and not get_args(annotation)
    if named:
        return str(annotation.__name__)
    return str(annotation).replace("typing.", "")


def _text_in(annotation: Any) -> str | None:
    """Return the description in `Annotated[int, "text"]`, which neither pydantic nor msgspec
    reads.
    """
    extras = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return next((extra for extra in extras if isinstance(extra, str)), None)


def _json_default(value: Any) -> Any:
    """Return a default as JSON; None if it has no such form.

    Then the schema only says that the parameter may be left out.
    """
    try:
        return to_jsonable_python(value, inf_nan_mode="null")
    except ValueError:
        return None


def _with_case_of_choices(value: Any, error: Exception) -> Any:
    """Return the value with a refused choice in the type's own case ("red" for "RED"); the value
    itself if there is none.
    """
    if not isinstance(error, ValidationError):
        return value
    for problem in error.errors(include_url=False):
        match problem:
            case {"type": "enum" | "literal_error", "input": str(refused), "ctx": context}:
                alike = _alike(refused, str(context.get("expected")))
                if len(alike) == 1:
                    return _replaced(value, problem["loc"], refused, alike[0])
    return value


def _alike(refused: str, expected: str) -> list[str]:
    """Return the choices of pydantic's message that differ from a text in case only."""
    choices = [ast.literal_eval(choice) for choice in _QUOTED.findall(expected)]
    folded = refused.casefold()
    return [each for each in choices if each.casefold() == folded and each != refused]


def _replaced(value: Any, path: Sequence[int | str], old: str, new: str) -> Any:
    """Return a copy of JSON with another text at a path; a part of the path that is not the JSON's
    is a union's member.
    """
    if value == old:
        return new
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(value, dict) and step in value:
        return {**value, step: _replaced(value[step], rest, old, new)}
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        changed = list(value)
        changed[step] = _replaced(value[step], rest, old, new)
        return changed
    return _replaced(value, rest, old, new)


def _reason(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    told: list[str] = []
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    for problem in problems[:_MAX_PROBLEMS]:
        place = ".".join(map(str, problem["loc"]))
        told.append(f"{place}: {problem['msg']}" if place else problem["msg"])
    if len(problems) > len(told):
        told.append(f"and {len(problems) - len(told)} more")
    return "; ".join(told)


def _names(names: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, names)) or "none"


def _quote(value: Any) -> str:
    text = repr(value)
    cut = text[:_MAX_VALUE_CHARS] + "…" if len(text) > _MAX_VALUE_CHARS else text
    return f"{cut} ({type(value).__name__})"
