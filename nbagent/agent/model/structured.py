"""Structured answers: the form of an answer, sent to the model as a JSON Schema, and the object
read from what it wrote.

Both of OpenAI's APIs hold a model to a schema
(https://platform.openai.com/docs/guides/structured-outputs). In their strict mode every object
lists all its properties as required and is closed, and some keywords are unknown. A schema that has
no such form is sent as it is, not strict.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from nbagent import events as e
from nbagent.agent.tools.type_reader import JsonSchema
from nbagent.agent.tools.value_type import ValueType
from nbagent.errors import ToolError
from nbagent.events.json_text import decode_json
from nbagent.events.jsonable import text_safe
from nbagent.gate.grammar import Grammar
from nbagent.gate.tags import split

_FENCED = re.compile(r"```[\w-]*\n(.*?)```", re.DOTALL)
_MAX_QUOTED_CHARS = 300
"""Characters of an unreadable answer quoted in its error."""

_DROPPED = frozenset({"default", "discriminator", "examples", "title", "uniqueItems"})
_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
)
"""Formats of texts that the strict mode knows."""
_DESCRIBING = frozenset({"type", "anyOf", "enum", "const", "$ref"})
"""Keywords of which a schema has at least one in the strict mode."""
_KEY = "value"
"""Property of the object around an answer that is not an object: an API takes only objects."""


class StructuredAnswer(NamedTuple):
    """An answer that fits.

    Attributes:
        content: as JSON.
        value: as an object of the type.
    """

    content: Any
    value: Any


class JsonForm(msgspec.Struct, frozen=True, kw_only=True):
    """The form of an answer that a client asks for, and reads itself.

    Attributes:
        name: of the form.
        schema: JSON Schema of the answer.
        strict: whether the model's server holds the answer to the schema.
    """

    name: str = "answer"
    schema: JsonSchema = msgspec.field(default_factory=lambda: {"type": "object"})
    strict: bool = False

    def request(self) -> JsonSchema:
        """Return `name`, `schema` and `strict`, as both APIs take them."""
        return {"name": self.name, "schema": self.schema, "strict": self.strict}

    def instructions(self) -> str:
        """Return the instructions of a model that no server holds to the schema."""
        return _instructions(self.schema)


class OutputFormat:
    """The form of an answer.

    Args:
        annotation: a pydantic model, a dataclass, a TypedDict, a msgspec.Struct, a plain type, or a
            list or union of these.

    Attributes:
        name: of the type, as it is written in code.
        schema: the JSON Schema of an object: the answer's, or of one that holds it as `value`.

    Raises:
        ToolError: the type has no JSON Schema.
    """

    def __init__(self, annotation: Any) -> None:
        self._type = ValueType(annotation)
        self.name = self._type.name
        schema = _resolved(self._type.schema)
        self._is_wrapped = schema.get("type") != "object"
        if self._is_wrapped:
            definitions = {"$defs": schema.pop("$defs")} if "$defs" in schema else {}
            schema = {
                "type": "object",
                "properties": {_KEY: schema},
                "required": [_KEY],
                "additionalProperties": False,
            }
            schema |= definitions
        self.schema: JsonSchema = schema

    def request(self) -> JsonSchema:
        """Return `name`, `schema` and `strict`, as both APIs take them."""
        name = re.sub(r"[^a-zA-Z0-9_-]+", "_", self.name)[:64].strip("_") or "answer"
        try:
            return {"name": name, "schema": _strict(self.schema), "strict": True}
        except _NotStrict:
            return {"name": name, "schema": self.schema, "strict": False}

    def instructions(self) -> str:
        """Return the instructions of a model that no server holds to the schema."""
        return _instructions(self.schema)

    def correction(self, problem: str) -> str:
        """Return the message that asks for the answer once more."""
        return f"Your answer does not fit: {problem}\n{self.instructions()}"

    def read(self, text: str) -> StructuredAnswer:
        """Read what a model wrote.

        Thoughts in tags, a code fence, and words around the JSON are left aside.

        Raises:
            ToolError: it is not JSON, or does not fit; the message says what was got.
        """
        # JSON that looks like a call is the answer
        segments = split(text_safe(text), grammar=Grammar(is_complete=True))
        text = "".join(segment.text for segment in segments if segment.kind == "text")
        content = _json_in(text)
        if self._is_wrapped and isinstance(content, Mapping) and content.keys() == {_KEY}:
            content = content[_KEY]
        return StructuredAnswer(content, self._type.convert(content))


def _instructions(schema: JsonSchema) -> str:
    text = msgspec.json.encode(schema).decode()
    return (
        "Write your answer as JSON only, without any other text, that fits this JSON "
        f"Schema:\n{text}"
    )


class JsonTexts:
    """Marks the texts of a run that are JSON, so that they are not drawn as Markdown.

    An empty text is left out.
    """

    def __init__(self) -> None:
        self._starts: dict[str, e.TextStart] = {}

    def feed(self, event: e.Event) -> list[e.Event]:
        """Return the events that are due: the start of a text waits for its first characters."""
        match event:
            case e.TextStart(kind="text"):
                self._starts[event.id] = event
                return []
            case e.TextDelta() if event.id in self._starts:
                if not (head := event.delta.lstrip()):
                    return []  # blanks before JSON mean nothing
                start = self._starts.pop(event.id)
                return [replace(start, kind="json") if head[0] in '{["' else start, event]
            case e.TextEnd() if event.id in self._starts:
                start = self._starts.pop(event.id)
                return [start, event] if event.text else []
        return [event]


def _json_in(text: str) -> Any:
    """Return the JSON that a text is or contains.

    Raises:
        ToolError: there is none.
    """
    candidates = [text, *(fenced for fenced in _FENCED.findall(text))]
    for first, last in ("{}", "[]"):
        if first in text and last in text:
            candidates.append(text[text.index(first) : text.rindex(last) + 1])
    problem = ""
    for candidate in candidates:
        try:
            return decode_json(candidate)
        except msgspec.DecodeError as error:
            problem = problem or str(error)
    head = text if len(text) <= _MAX_QUOTED_CHARS else text[:_MAX_QUOTED_CHARS] + "…"
    raise ToolError(f"the answer is not JSON ({problem}): got {head!r}")


def _resolved(schema: JsonSchema) -> JsonSchema:
    """Return a copy of the schema with its root in place of a reference to it."""
    schema = dict(schema)
    while (reference := schema.get("$ref", "")).startswith("#/$defs/"):
        schema = {**schema["$defs"][reference.removeprefix("#/$defs/")], "$defs": schema["$defs"]}
    return schema


class _NotStrict(Exception):
    """The schema has no form that the strict mode takes."""


def _strict(schema: Any) -> JsonSchema:
    """Return the schema as the strict mode takes it.

    Raises:
        _NotStrict: it has no such form.
    """
    if not isinstance(schema, Mapping):
        raise _NotStrict
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    made: JsonSchema = {}
    for key, value in schema.items():
        made |= _strict_keyword(key, value)
    if made.get("type") == "object":
        made |= _closed(made)
    if made.keys().isdisjoint(_DESCRIBING):
        raise _NotStrict
    return made


def _strict_keyword(key: str, value: Any) -> JsonSchema:
    """Return a keyword of a schema as the strict mode takes it; empty if it is left out."""
    match key:
        case "$defs" | "properties":
            return {key: {name: _strict(each) for name, each in value.items()}}
        case "items":
            return {key: _strict(value)}
        case "anyOf" | "oneOf":
            return {"anyOf": [_strict(each) for each in value]}
        case "allOf" if len(value) == 1:
            return _strict(value[0])
        case "allOf" | "prefixItems" | "patternProperties":
            raise _NotStrict
        case "format" if value not in _FORMATS:
            return {}
    return {} if key in _DROPPED else {key: value}


def _closed(schema: JsonSchema) -> JsonSchema:
    """Return the keywords of an object that has all its properties and no others."""
    if schema.get("additionalProperties") or "properties" not in schema:
        raise _NotStrict
    return {"additionalProperties": False, "required": list(schema["properties"])}
