"""`TaggedCall`: a tool call that was read from a text."""

from typing import Any, NamedTuple

import msgspec

UNNAMED = "tool_call"
"""Name of a call whose name cannot be read."""


class TaggedCall(NamedTuple):
    """A tool call read from text.

    Attributes:
        name: the tool's name.
        args: the parsed arguments; None if they are not valid.
        args_text: the arguments as written.
        valid: whether the arguments could be parsed.
        call_id: the id that the model gave to the call.
    """

    name: str
    args: Any
    args_text: str
    valid: bool
    call_id: str | None = None


def call_of(name: str, args_text: str) -> TaggedCall:
    """Return a call whose arguments are written as JSON."""
    try:
        return TaggedCall(name, decoded(args_text or "{}"), args_text, valid=True)
    except ValueError:
        return TaggedCall(name, None, args_text, valid=False)


def call_of_values(name: str, args: Any) -> TaggedCall:
    """Return a call whose arguments are read already."""
    return TaggedCall(name, args, msgspec.json.encode(args).decode(), valid=True)


def decoded(text: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: it is none.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError("no JSON") from error
