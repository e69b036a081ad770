"""The demo model's requests and turns, apart from the API that carries them."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from nbagent import events as ev

MODEL = "demo"
Json: TypeAlias = dict[str, Any]
# an emoji of several parts comes in parts, as from a model
_TOKEN = re.compile(r"\s?\w{1,6}|\s+|[!-/:-@\[-`{-~]{1,3}|.")


class ApiError(Exception):
    """A request that gets an HTTP error, in the shape of OpenAI's API."""

    def __init__(
        self, message: str, *, status: int = 400, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.param, self.code = status, param, code

    def body(self) -> Json:
        """Return the JSON of the HTTP response."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {
            "error": {"message": str(self), "type": kind, "param": self.param, "code": self.code}
        }


class Item(NamedTuple):
    """Item of a conversation: a message, a tool call, or a tool's output."""

    kind: str  # "system", "user", "assistant", "call" or "output"
    text: str  # the words, the call's arguments as JSON, or the output
    id: str = ""  # the call's, by which its output refers to it
    name: str = ""  # the tool's

    @property
    def args(self) -> Json:
        """Arguments of a call; empty if they are not a JSON object."""
        try:
            args = json.loads(self.text)
        except (ValueError, RecursionError):
            return {}
        if isinstance(args, dict):
            return args
        return {}


class Request(NamedTuple):
    """Request to the model."""

    history: tuple[Item, ...]  # oldest item first
    # digest of the request, from which the ids of the reply are made: the same request gets the
    # same reply
    key: str
    # functions that may be called: name, description and parameters (JSON Schema)
    tools: tuple[Json, ...]
    must_call: bool  # a tool has to be called
    parallel: bool  # one completion may hold several calls
    schema: Json | None  # JSON Schema of the answer
    thinks: bool  # a completion may have a thought
    max_tokens: int | None  # most tokens to write


class Completion(NamedTuple):
    """Reply of the model: a thought, then a text or tool calls.

    `is_cut` is True if the request's token limit ended it.
    """

    thought: str = ""
    text: str = ""
    calls: tuple[Item, ...] = ()
    is_cut: bool = False

    def usage(self, request: Request) -> ev.Usage:
        """Tokens read and written."""
        read, thought = count(to_json([request.tools, request.history])), count(self.thought)
        return ev.Usage(input=read, output=self._size, reasoning=thought)

    @property
    def _size(self) -> int:
        return count(self.thought, self.text, *(call.text for call in self.calls))

    def up_to(self, limit: int | None) -> "Completion":
        """Return the completion cut to `limit` tokens. A call is kept whole or not at all."""
        if limit is None or self._size <= limit:
            return self
        thought = split(self.thought)[:limit]
        text = split(self.text)[: limit - len(thought)]
        return Completion("".join(thought), "".join(text), is_cut=True)

    def events(self, request: Request, created: int) -> Iterator[ev.Event]:
        """Yield the completion as a run's events, each token a delta.

        `created` is in seconds since the epoch.
        """
        key = request.key
        yield ev.RunStart(run_id=key, model=MODEL, ts=created)
        if self.thought:
            yield ev.ReasoningStart(id=key, kind="summary")
            yield from (ev.ReasoningDelta(id=key, delta=token) for token in split(self.thought))
            yield ev.ReasoningEnd(id=key)
        if self.text:
            yield ev.TextStart(id=key)
            yield from (ev.TextDelta(id=key, delta=token) for token in split(self.text))
            yield ev.TextEnd(id=key)
        for call in self.calls:
            yield ev.ToolStart(id=call.id, call_id=call.id, name=call.name)
            yield from (ev.ToolArgsDelta(id=call.id, delta=token) for token in split(call.text))
            yield ev.ToolArgs(id=call.id, args=call.args, args_text=call.text)
        end = ev.RunEnd(status="completed", usage=self.usage(request))
        yield replace(end, status="incomplete", code="length") if self.is_cut else end


def split(text: str) -> list[str]:
    """Return the tokens of `text`: short words and parts of words. Joined, they are `text`."""
    return _TOKEN.findall(text)


def count(*texts: str) -> int:
    """Number of tokens in some texts."""
    return sum(len(split(text)) for text in texts)


def to_json(value: Any) -> str:
    """Compact JSON with text as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def digest(*parts: str) -> str:
    """Return a stable hexadecimal id made of `parts`."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:32]


def parameter(body: Json, name: str, kind: Any) -> Any:
    """Return the parameter `name` of a request body.

    Raises ApiError if it (None if missing) is not of this `kind`.
    """
    try:
        return msgspec.convert(body.get(name), kind)
    except msgspec.ValidationError as error:
        raise ApiError(
            f"Invalid parameter '{name}': {error}.", param=name, code="invalid_type"
        ) from None


def unmatched(history: tuple[Item, ...], kind: str, other: str) -> list[str]:
    """Ids of the items of one kind ("call" or "output") that have no item of the other."""
    ids = {item.id for item in history if item.kind == other}
    return [item.id for item in history if item.kind == kind and item.id not in ids]


def request_of(
    body: Json, history: tuple[Item, ...], answer_format: Any, effort: Any, max_tokens: int | None
) -> Request:
    """Return the request in a body, with the parameters that both APIs share.

    Raises ApiError if it asks for another model.
    """
    if (model := parameter(body, "model", str)) != MODEL:
        message = (
            f"The model `{model}` does not exist: this is nbagent's demo server, which has only "
            f"`{MODEL}`."
        )
        raise ApiError(message, status=404, param="model", code="model_not_found")
    choice = parameter(body, "tool_choice", str | Json | None)
    chosen = choice.get("function", choice).get("name") if isinstance(choice, dict) else None
    functions = [
        tool.get("function", tool)
        for tool in parameter(body, "tools", list[Json] | None) or ()
        if choice != "none"
    ]
    tools = tuple(one for one in functions if "name" in one and chosen in (None, one["name"]))
    key = digest(json.dumps({**body, "stream": None, "stream_options": None}, sort_keys=True))
    must_call, parallel = (
        chosen is not None or choice == "required",
        body.get("parallel_tool_calls") is not False,
    )
    schema = answer_format.get("schema") if isinstance(answer_format, dict) else None
    return Request(history, key, tools, must_call, parallel, schema, effort != "none", max_tokens)


def text_of(content: Any) -> str:
    """Return the text of a message: a string, or the texts in a list of parts."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    if isinstance(content, str):
        return content
    return ""
