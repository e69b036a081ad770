"""`Signature`: the parameters of a function as a model sees them."""

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic_core import to_jsonable_python

from nbagent.agent.tools.conversion import convert
from nbagent.agent.tools.injected_parameters import is_injected
from nbagent.agent.tools.type_reader import JsonSchema, schemas_of, type_name, type_reader
from nbagent.errors import ToolError


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
                        f"{self._name}: parameter {name!r} of type {type_name(annotation)} has "
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
        types = {name: parameter.reader for name, parameter in self._parameters.items()}
        schemas, definitions = schemas_of(types)
        properties: JsonSchema = {}
        for name, parameter in self._parameters.items():
            properties[name] = parameter.annotate(schemas[name])
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
        self.reader = type_reader(annotation)
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
        return convert(value, self.reader, self._annotation, f"parameter {self._name!r}")


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


def _names(names: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, names)) or "none"
