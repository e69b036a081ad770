"""Readers of types: they describe an annotation by a JSON Schema, and convert values to it.

Both are done by pydantic (https://docs.pydantic.dev/latest/concepts/type_adapter/), which openai
depends on. pydantic reads neither msgspec's types nor, before Python 3.12, `typing.TypedDict`:
annotations with these are left to msgspec.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin

import msgspec
from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema

from nbagent.agent.tools.msgspec_values import amend
from nbagent.events.json_text import decode_json

JsonSchema: TypeAlias = dict[str, Any]


class _PlainSchema(GenerateJsonSchema):
    """Schemas whose fields have no title, which would repeat the field's name.

    A default without a JSON form is left out.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Return False for every field."""
        return False

    def emit_warning(self, kind: Any, detail: str) -> None:
        """Suppress the warning about a default that is left out."""


class MsgspecType:
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


TypeReader: TypeAlias = TypeAdapter[Any] | MsgspecType


def type_reader(annotation: Any) -> TypeReader:
    """Return the reader of an annotation.

    Raises:
        Exception: it has no JSON Schema; an error of pydantic or msgspec.
    """
    if get_origin(annotation) is Iterable:
        # Pydantic would check the items only when the function takes them.
        annotation = list[get_args(annotation)]  # type: ignore[misc]
    if _mentions_msgspec(annotation):
        return MsgspecType(annotation)
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    except PydanticUserError as error:
        if error.code != "typed-dict-version":
            raise
        return MsgspecType(annotation)
    adapter.json_schema(schema_generator=_PlainSchema)
    return adapter


def schema_of(reader: TypeReader) -> JsonSchema:
    """Return the JSON Schema of a type."""
    if isinstance(reader, TypeAdapter):
        return reader.json_schema(schema_generator=_PlainSchema)
    definitions: JsonSchema = {}
    schema = reader.schema(definitions)
    if definitions:
        return {**schema, "$defs": definitions}
    return schema


def schemas_of(readers: Mapping[str, TypeReader]) -> tuple[dict[str, JsonSchema], JsonSchema]:
    """Return the JSON Schemas of several types, and the named types that they refer to.

    Two classes of one name get different names.
    """
    adapters: list[tuple[str, Literal["validation"], TypeAdapter[Any]]] = []
    for name, reader in readers.items():
        if isinstance(reader, TypeAdapter):
            adapters.append((name, "validation", reader))
    made, shared = TypeAdapter.json_schemas(adapters, schema_generator=_PlainSchema)
    definitions: JsonSchema = shared.get("$defs", {})
    schemas = {name: schema for (name, _), schema in made.items()}
    for name, reader in readers.items():
        if isinstance(reader, MsgspecType):
            schemas[name] = reader.schema(definitions)
    return schemas, definitions


def _mentions_msgspec(annotation: Any) -> bool:
    """Return True if the annotation is a Struct, or contains one or a `Meta`; pydantic would ignore
    the limits of `Meta`.
    """
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return True
    return isinstance(annotation, msgspec.Meta) or any(map(_mentions_msgspec, get_args(annotation)))


def type_name(annotation: Any) -> str:
    """Return a type as it is written in code: `int`, `list[str]`, `str | None`."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    named = isinstance(annotation, type) and not get_args(annotation)
    if named:
        return str(annotation.__name__)
    return str(annotation).replace("typing.", "")
