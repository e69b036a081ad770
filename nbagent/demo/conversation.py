"""What the demo model is asked and what it says, apart from any wire: requests in, turns out."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from nbagent.demo.tokens import count

MODEL = "demo"


class ApiError(Exception):
    """A request that is answered with an HTTP error, in the shape the OpenAI API gives it."""

    def __init__(
        self, message: str, *, status: int = 400, param: str | None = None, code: str | None = None, kind: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code
        self.kind = kind or ("server_error" if status >= 500 else "invalid_request_error")

    def body(self) -> dict[str, Any]:
        """The JSON that goes out."""
        return {"error": {"message": str(self), "type": self.kind, "param": self.param, "code": self.code}}


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call; `parameters` is its JSON schema."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """Something said by the `"user"`, the `"assistant"` or the `"system"`."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """The model calls a tool. `id` is what the output refers to."""

    id: str
    name: str
    args: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The arguments as the wire carries them: compact JSON."""
        return to_json(self.args)

    @property
    def key(self) -> tuple[str, str]:
        """Equal for two calls of the same tool with the same arguments, whatever their order."""
        return self.name, json.dumps(self.args, sort_keys=True)

    def __str__(self) -> str:
        """The call as Python code: `load_sales(year=2025)`."""
        return f"{self.name}({', '.join(f'{name}={_literal(value)}' for name, value in self.args.items())})"


@dataclass(frozen=True, slots=True)
class Output:
    """What a tool returned, as text; `id` is the call's."""

    id: str
    text: str


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


Item: TypeAlias = Message | Call | Output


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the model.

    Attributes:
        history: everything said so far, oldest first.
        key: a digest of the request; ids in the reply derive from it, so that the same request gets the same reply.
        parallel: whether one turn may call several tools.
        choice: whether tools may, must or must not be called.
        schema: the JSON schema the answer has to have, if one is asked for.
        thinking: whether to think aloud.
        limit: most tokens to write, or None.
    """

    history: tuple[Item, ...]
    key: str
    instructions: str = ""
    tools: tuple[Tool, ...] = ()
    parallel: bool = True
    choice: Literal["auto", "none", "required"] = "auto"
    schema: Mapping[str, Any] | None = None
    thinking: bool = True
    limit: int | None = None

    @property
    def tokens(self) -> int:
        """How many tokens the model reads: instructions, tools and history."""
        tools = (tool.name + tool.description + to_json(tool.parameters) for tool in self.tools)
        return count(self.instructions) + sum(map(count, tools)) + sum(count(item.text) for item in self.history)


@dataclass(frozen=True, slots=True)
class Turn:
    """One reply: thoughts, then an answer or calls of tools. `finish` is `"length"` where the token limit cut it."""

    reasoning: tuple[str, ...] = ()
    text: str = ""
    calls: tuple[Call, ...] = ()
    finish: Literal["stop", "length"] = "stop"

    @property
    def reasoning_tokens(self) -> int:
        """Tokens of thinking."""
        return sum(map(count, self.reasoning))

    @property
    def tokens(self) -> int:
        """Tokens written, thinking included."""
        return self.reasoning_tokens + count(self.text) + sum(count(call.text) for call in self.calls)

    def items(self) -> Iterator[Item]:
        """The turn as history."""
        if self.text:
            yield Message("assistant", self.text)
        yield from self.calls


class Frame(NamedTuple):
    """One piece of a streamed reply: its bytes, and how many tokens it took to write."""

    data: bytes
    tokens: int = 0


def to_json(value: Any) -> str:
    """Compact JSON, text unescaped, as the API writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def digest(*parts: str, length: int = 48) -> str:
    """A stable hexadecimal id made of `parts`."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:length]


def request_key(body: Mapping[str, Any]) -> str:
    """A digest of a request body, the same whether or not it asks for a stream."""
    return digest(json.dumps({k: v for k, v in body.items() if k not in ("stream", "stream_options")}, sort_keys=True))


def unmatched(history: Iterable[Item]) -> tuple[list[str], list[str]]:
    """The ids of outputs that belong to no call, and of calls that have no output."""
    calls: dict[str, None] = {}
    outputs: dict[str, None] = {}
    for item in history:
        if isinstance(item, Call):
            calls[item.id] = None
        elif isinstance(item, Output):
            outputs[item.id] = None
    return [name for name in outputs if name not in calls], [name for name in calls if name not in outputs]


def parse_args(text: Any) -> dict[str, Any]:
    """The arguments of a call in the history; what is not a JSON object counts as none."""
    try:
        args = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return args if isinstance(args, dict) else {}


def text_of(content: Any) -> str:
    """The text of a message's content: a string, or a list of parts of which those with text count."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = (part if isinstance(part, str) else part.get("text") for part in content if isinstance(part, str | dict))
        return "\n".join(part for part in parts if isinstance(part, str))
    return ""


def require(body: Mapping[str, Any], name: str, *kinds: type) -> Any:
    """The parameter `name` of a request.

    Raises:
        ApiError: it is missing or of another type.
    """
    value = body.get(name)
    if value is None:
        raise ApiError(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")
    return optional(body, name, *kinds)


def optional(body: Mapping[str, Any], name: str, *kinds: type) -> Any:
    """The parameter `name`, or None.

    Raises:
        ApiError: it is of another type.
    """
    value = body.get(name)
    if value is None or (isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds)):
        return value
    wanted = " or ".join(_JSON_NAMES[kind] for kind in kinds)
    got = _JSON_NAMES.get(type(value), "something else")
    raise ApiError(f"Invalid type for '{name}': expected {wanted}, but got {got}.", param=name, code="invalid_type")


_JSON_NAMES: dict[type, str] = {
    str: "a string",
    list: "an array",
    dict: "an object",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
}


def check_model(body: Mapping[str, Any]) -> None:
    """See that the request asks for the one model there is.

    Raises:
        ApiError: no model, or another one (404).
    """
    model = require(body, "model", str)
    if model != MODEL:
        message = f"The model `{model}` does not exist: this is nbagent's embedded server, which has only `{MODEL}`."
        raise ApiError(message, status=404, param="model", code="model_not_found")
