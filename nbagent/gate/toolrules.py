"""What may be seen of which tool: its arguments, its result, or nothing at all."""

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, TypeAlias, get_args

from msgspec.structs import replace

from nbagent.events import (
    AgentEnd,
    AgentHandoff,
    AgentStart,
    ApprovalRequest,
    ApprovalResponse,
    Display,
    Error,
    ErrorInfo,
    Event,
    Hidden,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    RunEnd,
    TextDelta,
    TextEnd,
    TextStart,
    ToolArgs,
    ToolArgsDelta,
    ToolProgress,
    ToolResult,
    ToolStart,
    UsageUpdate,
)

Part: TypeAlias = Literal["args", "result", "all"]
Hide: TypeAlias = Mapping[str, Part | Collection[Part]]
"""Tool names, or `"*"` for every tool, and what of them is hidden."""

EVERY = "*"
_FAILED = "A tool failed"
_CONTINUES = AgentEnd | TextDelta | TextEnd | ReasoningDelta | ReasoningEnd
_NOTHING: frozenset[Part] = frozenset()


class ToolRules:
    """Takes out of a run's events what the rules hide. An event about a hidden part says that there is one, and not what.

    Args:
        hide: the rules; those for `"*"` hold for every tool, besides its own.

    Raises:
        ValueError: a rule hides something that a tool does not have.
        TypeError: they are no mapping.
    """

    def __init__(self, hide: Hide | None = None) -> None:
        if hide is not None and not isinstance(hide, Mapping):
            raise TypeError(f'hide takes what of which tool, such as {{"search": "args", "*": "result"}}; got {hide!r}')
        self._rules = {name: _parts(name, hidden) for name, hidden in (hide or {}).items()}
        self._everything = "all" in self._rules.get(EVERY, _NOTHING)
        self._any = _NOTHING.union(*self._rules.values())  # what is hidden of a call that may be any tool's
        self._hidden: dict[str, frozenset[Part]] = {}  # by tool call
        self._inside: set[str] = set()  # calls, and all that began in them, whose inner life is hidden
        self._asked: set[str] = set()  # approvals that are about such a call
        self._told = False  # since the last text, so that one before a call can be told from one behind it

    def __bool__(self) -> bool:
        return bool(self._rules)

    def feed(self, event: Event) -> list[Event]:
        """What may be seen of an event, in order; often just itself, sometimes nothing."""
        if not self._rules:
            return [event]
        if self._is_inside(event):
            return self._lifted(event)
        match event:
            case TextStart():
                self._told = False
                return [event]
            case ToolStart():
                return self._start(event)
            case ToolArgsDelta() | ToolArgs() | ToolProgress() | ToolResult():
                return self._call(event)
            case ApprovalRequest() | ApprovalResponse():
                return [self._approval(event)]
            case Error():
                return [self._error(event)]
            case AgentHandoff() if "all" in self._of(event.tool_id):
                return [replace(event, tool_id=None)]
            case RunEnd(output=output) if not isinstance(output, str | bool | int | float | None):
                return [replace(event, output=None)]  # a structure that may hold the whole conversation
            case _:
                return [event]

    def close(self) -> list[Event]:
        """The stream is over; nothing was held back."""
        return []

    def _is_inside(self, event: Event) -> bool:
        """Whether an event is part of the inner life of a hidden call. Only what begins there need say where it is."""
        if event.parent_id in self._inside or (isinstance(event, AgentStart) and event.tool_id in self._inside):
            return True
        return isinstance(event, _CONTINUES) and event.id in self._inside

    def _lifted(self, event: Event) -> list[Event]:
        """What is shown outside of it of an event inside a hidden call; all the rest is that call's own business."""
        match event:
            case AgentStart() | TextStart() | ReasoningStart():
                self._inside.add(event.id)
            case ToolStart():
                self._inside.add(event.id)
                self._hidden[event.id] = frozenset({"all"})
            case ApprovalRequest() | ApprovalResponse():
                return [replace(self._approval(event), agent=None)]
            case Error():
                return [replace(self._error(event), agent=None)]
            case UsageUpdate() | RunEnd():
                return [replace(event, parent_id=None, agent=None)]
        return []

    def _of(self, tool_id: str | None) -> frozenset[Part]:
        """What is hidden of a call; one whose start was never seen may be any tool's."""
        return _NOTHING if tool_id is None else self._hidden.get(tool_id, self._any)

    def _start(self, event: ToolStart) -> list[Event]:
        hidden = self._rules.get(event.name, _NOTHING) | self._rules.get(EVERY, _NOTHING)
        hidden |= self._hidden.get(event.id, _NOTHING)  # one that is begun again, by another name perhaps
        self._hidden[event.id] = hidden
        if hidden & {"all", "result"}:
            self._inside.add(event.id)
        if "all" in hidden:
            told, self._told = self._told, True
            return [] if told else [Hidden(what="tools", agent=event.agent)]
        notes = [Hidden(what="arguments" if part == "args" else "result", tool_id=event.id) for part in sorted(hidden)]
        return [replace(event, title=None) if hidden else event, *notes]

    def _call(self, event: ToolArgsDelta | ToolArgs | ToolProgress | ToolResult) -> list[Event]:
        hidden = self._of(event.id)
        if not hidden:
            return [event]
        if "all" in hidden:
            return []
        match event:
            case ToolArgsDelta():
                return [] if "args" in hidden else [event]
            case ToolArgs():
                return [replace(event, args=None, args_text="", valid=True) if "args" in hidden else event]
            case ToolProgress(message=str()) if "result" in hidden:
                return [] if event.progress is None else [replace(event, message=None)]
            case ToolProgress():
                return [event]
        error = None if event.error is None else ErrorInfo(type=event.error.type, message=_FAILED)  # messages quote
        if "result" not in hidden:
            return [replace(event, error=error)]
        shown = None if event.status == "error" else Display(summary="hidden")
        return [replace(event, content=None, error=error, display=shown, value=None)]

    def _approval(self, event: ApprovalRequest | ApprovalResponse) -> Event:
        inside = event.parent_id in self._inside
        if isinstance(event, ApprovalResponse):
            about = self._everything or inside or event.approval_id in self._asked
            return replace(event, parent_id=None, value=None) if about else event
        is_any = event.tool_id is None and event.kind == "tool"  # it asks about a call, and does not say which
        hidden = (self._any if is_any else self._of(event.tool_id)) - {"result"}  # of which there is none yet
        gone = self._everything or inside or "all" in hidden
        if not gone and not hidden:
            return event
        self._asked.add(event.approval_id)
        prompt = None if event.kind == "tool" else event.prompt  # such a question quotes the arguments; any other stays
        event = replace(event, args=None, prompt=prompt)
        return replace(event, parent_id=None, tool_id=None) if gone else event

    def _error(self, event: Error) -> Error:
        if event.tool_id is None and event.parent_id not in self._inside:
            return replace(event, traceback=None) if self._everything else event
        hidden = self._of(event.tool_id)
        if not hidden and event.parent_id not in self._inside:
            return event
        event = replace(event, message=_FAILED, traceback=None)
        outside = "all" in hidden or event.parent_id in self._inside
        return replace(event, parent_id=None, tool_id=None) if outside else event


def _parts(name: str, hidden: Part | Iterable[Part]) -> frozenset[Part]:
    parts = frozenset([hidden] if isinstance(hidden, str) else hidden)
    wrong = parts - set(get_args(Part))
    if wrong or not parts:
        what = ", ".join(map(repr, sorted(map(str, wrong)))) or "nothing"
        raise ValueError(f"hide={{{name!r}: …}} takes 'args', 'result' or 'all', or several of them; got {what}")
    return parts
