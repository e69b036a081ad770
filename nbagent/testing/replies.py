"""Words of a model in a test: replies, and the calls in them."""

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from nbagent.agent.model.recorded_run import RecordedCall, RecordedStep
from nbagent.agent.model.response import Response
from nbagent.events import Event, ReasoningDelta, ReasoningEnd

MAX_LITERAL_CHARS = 2000
"""Characters of a result that a test has in full; of a longer one it has a digest."""


class Call(msgspec.Struct, omit_defaults=True):
    """A call of a tool.

    Attributes:
        name: of the tool.
        args: as JSON; a text if the model wrote something else.
        result: what the model read, as JSON; of a call in a `Reply`, nothing.
        error: type and message of the tool's error, or why it was denied; "" for none.
    """

    name: str
    args: Any = {}
    result: Any = None
    error: str = ""


class Reply(msgspec.Struct, omit_defaults=True):
    """A response of the model: a thought, a text, calls; or an `error` with which its service
    refuses the request.
    """

    text: str = ""
    calls: list[Call] = []
    thinking: str = ""
    error: str = ""


class Digest:
    """A large result: equal to every JSON of the same content.

    Args:
        sha256: of the content as compact JSON, its first 16 hexadecimal digits.
        chars: of that JSON.
    """

    def __init__(self, sha256: str, chars: int) -> None:
        self.sha256 = sha256
        self.chars = chars

    @classmethod
    def of(cls, content: Any) -> "Digest":
        """Return the digest of a result."""
        text = msgspec.json.encode(content, order="sorted")
        return cls(hashlib.sha256(text).hexdigest()[:16], len(text.decode()))

    def __eq__(self, other: object) -> bool:
        found = other if isinstance(other, Digest) else Digest.of(other)
        return (self.sha256, self.chars) == (found.sha256, found.chars)

    def __hash__(self) -> int:
        return hash((self.sha256, self.chars))

    def __repr__(self) -> str:
        return f"Digest({self.sha256!r}, {self.chars})"


def reply_of(events: Iterable[Event]) -> Reply:
    """Return a response of the model, read from its events."""
    response, thoughts = Response(), dict[str, str]()
    for event in events:
        response.update(event)
        match event:
            case ReasoningDelta():
                thoughts[event.id] = thoughts.get(event.id, "") + event.delta
            case ReasoningEnd(text=str(text)):
                thoughts[event.id] = text
    calls = [_call(start.name, response.args.get(key)) for key, start in response.calls.items()]
    text = "\n\n".join(filter(None, ("".join(pieces) for pieces in response.texts.values())))
    return Reply(text=text, calls=calls, thinking="\n\n".join(filter(None, thoughts.values())))


def made_call(call: RecordedCall) -> Call:
    """Return a call with its result."""
    made, result = _call(call.start.name, call.ran), call.result
    if result is None:
        made.error = "no result"
    elif result.status == "ok":
        made.result = result.content
    else:
        made.error = (call.output or "").removeprefix("Error: ")
    return made


def replies_of(steps: Iterable[RecordedStep]) -> list[Reply]:
    """Return the responses of a recorded run."""
    return [reply_of(step.events) for step in steps]


def _call(name: str, args: Any) -> Call:
    if args is None:
        return Call(name)
    is_object = args.valid and isinstance(args.args, dict)
    return Call(name, args.args if is_object else args.args_text)
