"""`Body`: the parts of a request to a model, each message kept once.

The messages are called `messages` (OpenAI Chat, Anthropic, Ollama, Cohere, Mistral), `input`
(OpenAI Responses), `contents` (Gemini) or `prompt`. All else but the instructions and the tools is
a setting.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from nbagent.events.json_text import decode_json

_MESSAGES = ("messages", "input", "contents", "prompt")
_INSTRUCTIONS = ("instructions", "system", "systemInstruction", "system_instruction")
_TOOLS = ("tools", "functions")
_NO_ANSWER = re.compile(r"embed|moderation|rerank|token|image|audio|speech|batch", re.IGNORECASE)
"""Matches the last word of an address whose requests have such fields too, but ask for no
answer.
"""

_CREDENTIALS = re.compile(
    rb'"(?:headers|authorization\w*|api_?key|access_token|client_secret|password)"', re.IGNORECASE
)
_NAMED_CREDENTIAL = re.compile(
    r"authorization\w*|api_?key|access_token|client_secret|password", re.IGNORECASE
)

_Fields = dict[str, msgspec.Raw]
_Field = tuple[str, bytes] | None
"""Name and value of a field; None if there is none."""


class _Role(msgspec.Struct):
    role: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A message after the ones before it.

    Requests of one conversation share the nodes of the messages that they share.

    Attributes:
        before: the message before it; None of the first.
        json: the message, as it was sent.
    """

    before: "Node | None"
    json: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """The parts of one request, as JSON.

    Attributes:
        path: name of the field that holds the messages.
        is_single: whether that is one message, and no list.
        system: the messages at the beginning that instruct the model.
        last: the last of the other messages; None if there are none.
        count: number of the other messages.
        instructions: the field of the instructions, name and value; None if there is none.
        tools: the field of the tools, name and value; None if there is none.
        settings: all other fields.
        added: bytes that only this request holds.
    """

    path: str
    is_single: bool
    system: tuple[bytes, ...]
    last: Node | None
    count: int
    instructions: _Field
    tools: _Field
    settings: Mapping[str, bytes]
    added: int

    def messages(self) -> list[bytes]:
        """Return the messages, without those of `system`."""
        found: list[bytes] = []
        node = self.last
        while node is not None:
            found.append(node.json)
            node = node.before
        found.reverse()
        return found


_NOTHING = Body(
    path="",
    is_single=False,
    system=(),
    last=None,
    count=0,
    instructions=None,
    tools=None,
    settings={},
    added=0,
)


class RequestFields:
    """The fields of a request, before they are kept.

    Args:
        fields: of the request's JSON.
    """

    def __init__(self, fields: _Fields) -> None:
        self.path = next(name for name in _MESSAGES if name in fields)
        value = bytes(fields.pop(self.path))
        self.is_single = not value.startswith(b"[")
        if self.is_single:
            messages = [value]
        else:
            messages = [bytes(each) for each in msgspec.json.decode(value, type=list[msgspec.Raw])]
        self.system = tuple(itertools.takewhile(_is_system, messages))
        self.messages = messages[len(self.system) :]
        self.instructions = _popped(fields, _INSTRUCTIONS)
        self.tools = _popped(fields, _TOOLS)
        self.settings = {name: bytes(value) for name, value in fields.items()}

    def common(self, before: Sequence[bytes]) -> int:
        """Number of messages at the beginning that another request has too."""
        number = 0
        for ours, theirs in zip(self.messages, before, strict=False):
            if ours != theirs:
                break
            number += 1
        return number

    def after(self, before: Body | None) -> Body:
        """Return the body, which shares with another one what is the same."""
        if before is None:
            return self._body(None, 0, {}, None)
        messages = before.messages()
        common = self.common(messages)
        node = before.last
        for _ in range(len(messages) - common):
            assert node is not None
            node = node.before
        return self._body(node, common, {each: each for each in messages[common:]}, before)

    def _body(
        self, node: Node | None, common: int, known: dict[bytes, bytes], before: Body | None
    ) -> Body:
        added = 0

        def kept(value: bytes, same: bytes | None) -> bytes:
            nonlocal added
            if same == value:
                return same
            added += len(value)
            return value

        def kept_field(field: _Field, same: _Field) -> _Field:
            if field is None:
                return None
            name, value = field
            return name, kept(value, same and same[1])

        before = before or _NOTHING
        for message in self.messages[common:]:
            node = Node(node, kept(message, known.get(message)))
        system = before.system
        if system != self.system:
            system = tuple(kept(each, None) for each in self.system)
        settings = {
            name: kept(value, before.settings.get(name)) for name, value in self.settings.items()
        }
        return Body(
            path=self.path,
            is_single=self.is_single,
            system=system,
            last=node,
            count=len(self.messages),
            instructions=kept_field(self.instructions, before.instructions),
            tools=kept_field(self.tools, before.tools),
            settings=settings,
            added=added,
        )


def read_fields(url: str, body: bytes) -> RequestFields | None:
    """Return the parts of a request; None if it does not ask a model for an answer."""
    word = re.split("[/:]", urlsplit(url).path)[-1]  # Gemini's is `models/NAME:generateContent`
    if _NO_ANSWER.search(word):
        return None
    try:
        if not body.isascii():
            body.decode()  # fields are not decoded until they are read
        fields = decode_json(body, type=_Fields)
        if fields.keys().isdisjoint(_MESSAGES):
            return None
        return RequestFields(fields)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def credentials_in_body(parts: RequestFields, before: Body | None) -> list[str]:
    """Return the credentials in the tools and settings of a request, such as those for the servers
    of MCP that a model calls.

    Args:
        parts: of the request.
        before: a request whose credentials are known.
    """
    before = before or _NOTHING
    values: list[bytes] = []
    if parts.tools is not None and before.tools != parts.tools:
        values.append(parts.tools[1])
    if before.settings != parts.settings:
        values += parts.settings.values()
    found: list[str] = []
    for value in values:
        if _CREDENTIALS.search(value):
            found += _credentials(decode_json(value))
    return found


def _credentials(value: Any, *, inside: bool = False) -> Iterator[str]:
    """Yield the texts under a name that marks a credential, and all texts among headers."""
    if isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, str) and (inside or _NAMED_CREDENTIAL.fullmatch(name)):
                yield from item.split()[-1:]
            else:
                yield from _credentials(item, inside=name.lower() == "headers")
    elif isinstance(value, list):
        for item in value:
            yield from _credentials(item, inside=inside)


def _is_system(message: bytes) -> bool:
    if not message.startswith(b"{"):
        return False
    try:
        return decode_json(message, type=_Role).role in ("system", "developer")
    except msgspec.MsgspecError:  # `role` is something else
        return False


def _popped(fields: _Fields, names: Sequence[str]) -> tuple[str, bytes] | None:
    for name in names:
        if name in fields:
            return name, bytes(fields.pop(name))
    return None
