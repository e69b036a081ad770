"""`Body`: the parts of a request to a model, each message kept once.

The messages are called `messages` (OpenAI Chat, Anthropic, Ollama, Cohere, Mistral), `input`
(OpenAI Responses), `contents` (Gemini) or `prompt`. All else but the instructions and the tools is
a setting.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    instructions: tuple[str, bytes] | None
    tools: tuple[str, bytes] | None
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
        leading = next(
            (at for at, each in enumerate(messages) if not _is_system(each)), len(messages)
        )
        self.system = tuple(messages[:leading])
        self.messages = messages[leading:]
        self.instructions = _popped(fields, _INSTRUCTIONS)
        self.tools = _popped(fields, _TOOLS)
        self.settings = {name: bytes(value) for name, value in fields.items()}

    def common(self, before: Sequence[bytes]) -> int:
        """Number of messages at the beginning that another request has too."""
        pairs = zip(self.messages, before, strict=False)
        return next(
            (at for at, (ours, theirs) in enumerate(pairs) if ours != theirs),
            min(len(self.messages), len(before)),
        )

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

        for message in self.messages[common:]:
            node = Node(node, kept(message, known.get(message)))
        system = before.system if before is not None else ()
        settings = before.settings if before is not None else {}
        return Body(
            path=self.path,
            is_single=self.is_single,
            system=system
            if system == self.system
            else tuple(kept(each, None) for each in self.system),
            last=node,
            count=len(self.messages),
            instructions=_kept_field(
                self.instructions, None if before is None else before.instructions, kept
            ),
            tools=_kept_field(self.tools, None if before is None else before.tools, kept),
            settings={
                name: kept(value, settings.get(name)) for name, value in self.settings.items()
            },
            added=added,
        )


_Field = tuple[str, bytes] | None


def _kept_field(
    field: _Field, before: _Field, kept: Callable[[bytes, bytes | None], bytes]
) -> _Field:
    return None if field is None else (field[0], kept(field[1], before and before[1]))


def read_fields(url: str, body: bytes) -> RequestFields | None:
    """Return the parts of a request; None if it does not ask a model for an answer."""
    word = re.split("[/:]", urlsplit(url).path)[-1]  # Gemini's is `models/NAME:generateContent`
    if _NO_ANSWER.search(word):
        return None
    try:
        if not body.isascii():
            body.decode()  # fields are not decoded until they are read
        fields = decode_json(body, type=_Fields)
        return RequestFields(fields) if any(name in fields for name in _MESSAGES) else None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def credentials_in_body(parts: RequestFields, before: Body | None) -> list[str]:
    """Return the credentials in the tools and settings of a request, such as those for the servers
    of MCP that a model calls.

    Args:
        parts: of the request.
        before: a request whose credentials are known.
    """
    if parts.tools is None or (before is not None and before.tools == parts.tools):
        values = []
    else:
        values = [parts.tools[1]]
    if before is None or before.settings != parts.settings:
        values += parts.settings.values()
    return [
        found
        for value in values
        if _CREDENTIALS.search(value)
        for found in _credentials(decode_json(value))
    ]


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
    name = next((each for each in names if each in fields), None)
    return None if name is None else (name, bytes(fields.pop(name)))
