"""Objects that travel with an event in this process only, and are never encoded."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import UNSET

if TYPE_CHECKING:
    from nbagent.events.kinds import ApprovalResponse, Event, ToolResult


class Live:
    """A reference to a Python object on an event inside this process; encoded as null.

    The wrapper keeps a DataFrame, or an object with secrets, out of all JSON: the encoder gets
    `Live`, not the value.

    Attributes:
        value: the object.
        told: of a result that a tool reported itself: what the framework then told the model, text
            or JSON; `msgspec.UNSET` where that is not known.
    """

    __slots__ = ("__weakref__", "told", "value")

    def __init__(self, value: Any) -> None:
        self.value: Any = value
        self.told: Any = UNSET

    def __repr__(self) -> str:
        return f"Live({type(self.value).__name__})"


class Reply:
    """The way of an answer back to the question's asker, in this process.

    Args:
        send: called with the answer, on any thread. Raises `nbagent.errors.AnswerError` if it
            cannot be taken; the question then stays.
        args: the arguments that the reader is asked about, as they are: those in the event may have
            been masked since.
    """

    __slots__ = ("args", "send")

    def __init__(self, send: "Callable[[ApprovalResponse], None]", args: Any = None) -> None:
        self.send = send
        self.args = args


class Repeatable(Protocol):
    """The way to make a tool call again, in this process.

    Attributes:
        arguments: of the call, as its tool got them: those in the events may have been masked
            since. None while they stream in.
    """

    arguments: dict[str, Any] | None

    def form(self) -> dict[str, Any]:
        """Return the data for a form of other arguments: `schema`, a JSON Schema, and `once`, true
        if `force` is needed.
        """
        ...

    def attempt(
        self,
        id: str,
        arguments: dict[str, Any],
        emit: "Callable[[Event], Awaitable[None]]",
        *,
        force: bool,
    ) -> "tuple[Coroutine[Any, Any, ToolResult], str | None]":
        """Return a coroutine that calls the function as it is now, for nbagent's loop, and a note
        for the reader.

        Args:
            id: of the attempt.
            arguments: all of them.
            emit: takes what the tool prints, its progress and preliminary results.
            force: call a tool that must not be called twice.

        Raises:
            ToolError: the arguments do not fit, or the tool must not be called twice.
        """
        ...
