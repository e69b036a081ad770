"""From a function's signature to the JSON Schema a model is given, and from a model's JSON back to the function's arguments."""

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from nbagent.errors import ToolError

JsonSchema = dict[str, Any]


class Parameter:
    """One parameter of a function: its schema, and the way from JSON to its type.

    Args:
        name: its name, as the model sees it.
        annotation: its type; `Any` takes whatever comes.
        default: its default, or `inspect.Parameter.empty` if the model must give a value.
        description: what it means.
    """

    def __init__(self, name: str, annotation: Any, default: Any, description: str | None) -> None:
        self.name = name
        self.annotation = Any if annotation is object else annotation
        self.required = default is inspect.Parameter.empty
        # A union that msgspec cannot tell apart (two dataclasses, str | date) is tried member by member.
        self._members = [self.annotation] if _is_one(self.annotation) else list(get_args(_bare(self.annotation)))
        self._default = default
        self._description = description or _annotated_description(annotation)

    def schema(self, definitions: JsonSchema) -> JsonSchema:
        """Its JSON Schema; the named types it needs are added to `definitions`.

        Raises:
            TypeError: its type has no JSON Schema.
        """
        members = [_type_schema(member, definitions) for member in self._members]
        schema = members[0] if len(members) == 1 else {"anyOf": members}
        extra: JsonSchema = {}
        if self._description:
            extra["description"] = self._description
        if not self.required and (self._default is None or _json_default(self._default) is not None):
            extra["default"] = _json_default(self._default)
        if extra and "$ref" in schema:  # siblings of $ref are ignored by many readers
            schema = {"allOf": [schema]}
        return {**schema, **extra}

    def convert(self, value: Any) -> Any:
        """JSON to the parameter's type: exactly, else leniently ("3" for an int), else from a string of JSON.

        Raises:
            ToolError: it does not fit; the message names the parameter, what was got and what is wanted.
        """
        failure: Exception | None = None
        for attempt in (_exactly, _leniently, _from_text):
            for member in self._members:
                try:
                    return attempt(value, member)
                except (msgspec.ValidationError, msgspec.DecodeError, ValueError, TypeError) as error:
                    failure = failure or error
        raise ToolError(
            f"parameter {self.name!r}: got {_short(value)}, wanted {type_name(self.annotation)}: {failure}"
        ) from failure


class Signature:
    """What a function takes, as JSON Schema and as a binder of arguments.

    Args:
        function: any callable that `inspect.signature` can read.
        descriptions: parameter name to what it means.

    Raises:
        ToolError: an annotation cannot be resolved or has no JSON Schema; the message names function and parameter.
    """

    def __init__(self, function: Callable[..., Any], descriptions: Mapping[str, str]) -> None:
        self._name = name_of(function)
        self._positional: list[str] = []
        self._open = False
        self.parameters: dict[str, Parameter] = {}
        hints = self._hints(function)
        for name, parameter in self._inspect(function).parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                self._open = True
            elif parameter.kind is not parameter.VAR_POSITIONAL:  # *args has no names, so a model cannot give any
                if parameter.kind is parameter.POSITIONAL_ONLY:
                    self._positional.append(name)
                self.parameters[name] = Parameter(name, hints.get(name, Any), parameter.default, descriptions.get(name))
        self.schema = self._schema()

    def bind(self, arguments: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """A model's arguments as positional and keyword arguments of the function, each of its annotated type.

        Raises:
            ToolError: one is missing, unknown or does not fit; the message names it.
        """
        missing = [name for name, parameter in self.parameters.items() if parameter.required and name not in arguments]
        if missing:
            raise ToolError(f"missing parameter {', '.join(map(repr, missing))}; got {_names(arguments)}")
        unknown = [name for name in arguments if name not in self.parameters]
        if unknown and not self._open:
            raise ToolError(f"unknown parameter {', '.join(map(repr, unknown))}; there are {_names(self.parameters)}")
        bound = {
            name: self.parameters[name].convert(value) if name in self.parameters else value
            for name, value in arguments.items()
        }
        positional: list[Any] = []
        for name in self._positional:
            if name not in bound:  # its default holds, and so do those of all that follow it
                break
            positional.append(bound.pop(name))
        return positional, bound

    def _inspect(self, function: Callable[..., Any]) -> inspect.Signature:
        try:
            return inspect.signature(function)
        except (TypeError, ValueError) as error:
            raise ToolError(f"{self._name}: its signature cannot be read; wrap it in a function with annotations") from error

    def _hints(self, function: Callable[..., Any]) -> dict[str, Any]:
        try:
            return typing.get_type_hints(inspect.unwrap(callee(function)), include_extras=True)
        except (NameError, TypeError, SyntaxError) as error:
            raise ToolError(
                f"{self._name}: an annotation cannot be resolved ({error}); use types defined at the top level of the module"
            ) from error

    def _schema(self) -> JsonSchema:
        definitions: JsonSchema = {}
        properties: JsonSchema = {}
        for name, parameter in self.parameters.items():
            try:
                properties[name] = parameter.schema(definitions)
            except (TypeError, NotImplementedError, ValueError) as error:
                raise ToolError(
                    f"{self._name}: parameter {name!r} of type {type_name(parameter.annotation)} has no JSON schema: {error}"
                ) from error
        schema: JsonSchema = {"type": "object", "properties": properties}
        schema["required"] = [name for name, parameter in self.parameters.items() if parameter.required]
        schema["additionalProperties"] = self._open
        if definitions:
            schema["$defs"] = definitions
        return schema


def callee(function: Any) -> Callable[..., Any]:
    """The function that runs when `function` is called: what a partial wraps, an object's `__call__`."""
    target = getattr(function, "func", function)
    called: Callable[..., Any] = target if inspect.isroutine(target) else type(target).__call__
    return called


def name_of(function: Any) -> str:
    """The name a callable goes by: its own, that of the function a partial wraps, or its class's."""
    target = getattr(function, "func", function)
    return str(getattr(target, "__name__", type(target).__name__))


def type_name(annotation: Any) -> str:
    """A type as a reader would write it: `int`, `list[str]`, `str | None`."""
    annotation = _bare(annotation)
    if get_origin(annotation) in (Union, types.UnionType):
        return " | ".join(type_name(member) for member in get_args(annotation))
    if annotation is type(None):
        return "None"
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    return str(annotation).replace("typing.", "")


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _is_one(annotation: Any) -> bool:
    if get_origin(_bare(annotation)) not in (Union, types.UnionType):
        return True
    try:
        msgspec.json.schema_components([annotation], schema_hook=lambda kind: {})
    except TypeError:
        return False
    return True


def _annotated_description(annotation: Any) -> str | None:
    """`Annotated[int, "text"]`, or the `description` of a pydantic Field or msgspec Meta beside the type."""
    for extra in get_args(annotation)[1:] if get_origin(annotation) is Annotated else ():
        text = extra if isinstance(extra, str) else getattr(extra, "description", None) or getattr(extra, "documentation", None)
        if isinstance(text, str):
            return text
    return None


def _type_schema(annotation: Any, definitions: JsonSchema) -> JsonSchema:
    def custom(kind: Any) -> JsonSchema:
        if kind is object:
            return {}
        if not _is_pydantic(kind):
            raise TypeError("use a JSON type, a dataclass, a TypedDict, a msgspec.Struct or a pydantic model")
        schema: JsonSchema = kind.model_json_schema(ref_template=f"#/$defs/{kind.__name__}.{{model}}")
        for name, definition in schema.pop("$defs", {}).items():
            definitions[f"{kind.__name__}.{name}"] = definition
        if "properties" not in schema:  # a model that refers to itself is nothing but a $ref to its own definition
            return schema
        definitions[kind.__name__] = schema
        return {"$ref": f"#/$defs/{kind.__name__}"}

    (schema,), named = msgspec.json.schema_components([annotation], schema_hook=custom, ref_template="#/$defs/{name}")
    definitions.update(named)
    return schema


def _is_pydantic(kind: Any) -> bool:
    return hasattr(kind, "model_validate") and hasattr(kind, "model_json_schema")


def _custom(kind: Any, value: Any) -> Any:
    if _is_pydantic(kind):
        return kind.model_validate(value)
    if kind is object:
        return value
    raise NotImplementedError(kind)


def _exactly(value: Any, annotation: Any) -> Any:
    return msgspec.convert(value, annotation, str_keys=True, dec_hook=_custom)


def _leniently(value: Any, annotation: Any) -> Any:
    return msgspec.convert(value, annotation, strict=False, str_keys=True, dec_hook=_custom)


def _from_text(value: Any, annotation: Any) -> Any:
    """Some models write a list or an object as a string of JSON."""
    if not isinstance(value, str):
        raise TypeError("not a string")
    return _exactly(msgspec.json.decode(value), annotation)


def _json_default(value: Any) -> Any:
    """A default as JSON; None if it has no such form (then the schema only says that the parameter may be left out)."""
    try:
        return msgspec.json.decode(msgspec.json.encode(value))
    except (TypeError, ValueError):
        return None


def _names(names: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, names)) or "none"


def _short(value: Any) -> str:
    text = repr(value)
    return f"{text[:80]}… ({type(value).__name__})" if len(text) > 80 else f"{text} ({type(value).__name__})"
