"""Shared parts of events and blocks: the events' envelope, and the values of fields."""

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from nbagent.other_names import of_event

RunStatus = Literal["completed", "incomplete", "cancelled", "failed", "paused", "max_steps"]
ToolKind = Literal["function", "hosted", "mcp", "handoff", "custom", "client"]
ToolStatus = Literal["ok", "error", "denied"]
Verdict = Literal["approve", "deny", "cancel"]
Decision = Literal["approve", "deny", "cancel", "step", "again", "result", "error"]
Stage = Literal["call", "request", "result"]
Level = Literal["debug", "info", "warning", "error"]

RAW_HINT = ' Only reveal="all" shows them.'
"""End of a status message about `raw` events. The gate removes it where they are shown."""

STREAM_TRUNCATED = "stream_truncated"
"""`run.end.code` of a stream that ended without the terminal item of its system."""

CLIENT_CALLS = "client_calls"
"""`run.end.code` of a paused run whose client has calls to make (`kind` "client"), and goes on with
their results.
"""


class ErrorFrame(msgspec.Struct, frozen=True, kw_only=True):
    """A frame of an exception.

    Attributes:
        file: path of the file, or the name of the notebook's cell.
        line: number of the line, from 1.
        function: name of the function.
        source: the line.
        locals: local variables, name to text.
        library: the installed package that the file is of, or `Python`; None for code of the user's
            own.
    """

    file: str
    line: int
    function: str
    source: str
    locals: dict[str, str]
    library: str | None = None


class ErrorInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error.

    Attributes:
        message: of the error.
        type: the exception's class name.
        traceback: the formatted text.
        frames: those of the code that raised it, outermost first; none if it was raised elsewhere
            than in this process.
    """

    message: str
    type: str | None = None
    traceback: str | None = None
    frames: list[ErrorFrame] = []


class Display(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value as a reader sees it.

    Attributes:
        summary: in one line.
        data: a MIME bundle: MIME type to text, base64 or JSON.
    """

    summary: str = ""
    data: dict[str, Any] = {}


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Counts of tokens; those that are unknown are absent.

    Attributes:
        input: that the model read, those of `cache_read` among them.
        output: that it wrote, those of `reasoning` among them.
        total: of both.
        reasoning: in thoughts.
        cache_read: that its service had in a cache.
        cache_write: that its service put into a cache.
        cost: in US dollars.
    """

    input: int | None = None
    output: int | None = None
    total: int | None = None
    reasoning: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cost: float | None = None

    def __add__(self, other: "Usage") -> "Usage":
        pairs = ((getattr(self, name), getattr(other, name)) for name in self.__struct_fields__)
        return Usage(**dict(zip(self.__struct_fields__, map(_add, pairs), strict=True)))


def _add(pair: tuple[Any, Any]) -> Any:
    left, right = pair
    if left is None:
        return right
    return left if right is None else left + right


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """The fields that every event has.

    The run sets `seq`, `ts` and `run_id`; the others are set if they are known.

    Attributes:
        seq: position in the run, from 1, without gaps.
        ts: seconds since the epoch when the event was received.
        run_id: the run it belongs to.
        step: number of the model response or of the loop's step, from 1.
        agent: name of the agent whose event it is.
        parent_id: id of the tool call or agent that encloses this event's block.
        meta: fields of the system's item that have no field here.
        raw: the upstream item, only on request.
    """

    seq: int = 0
    ts: float = 0.0
    run_id: str = ""
    step: int | None = None
    agent: str | None = None
    parent_id: str | None = None
    meta: dict[str, Any] | None = None
    raw: Any = None

    @property
    def type(self) -> str:
        """Tag of the event's class, such as "text.delta": what its JSON has as `type`, and what
        `run.stream(types=…)` takes.
        """
        return str(self.__struct_config__.tag)

    if not TYPE_CHECKING:  # a type checker would take any name for one that __getattr__ knows

        def __getattr__(self, name: str) -> Any:
            hint = of_event(name, self.type, self.__struct_fields__)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}")

    def __rich_repr__(self) -> Any:
        defaults = dict(
            zip(reversed(self.__struct_fields__), reversed(self.__struct_defaults__), strict=False)
        )
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if name not in defaults or value is not defaults[name]:
                yield name, value

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({shown})"
