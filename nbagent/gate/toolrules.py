"""Rules that hide the arguments of a tool's calls, their results, or the calls altogether."""

from collections.abc import Collection, Iterable, Mapping
from types import NoneType
from typing import Literal, TypeAlias, assert_never, get_args

from msgspec.structs import replace

from nbagent import events as e
from nbagent.blocks import KIND_OF, WholeEvent
from nbagent.events.told import without_told

Aspect: TypeAlias = Literal["args", "result", "all"]
"""An aspect of a tool call that can be hidden."""
Hide: TypeAlias = Mapping[str, Aspect | Collection[Aspect]]
"""Tool name, or `"*"` for every tool, to the aspects of its calls that are hidden."""

EVERY = "*"
_FAILED = "A tool failed"
_CONTINUES = e.AgentEnd | e.TextDelta | e.TextEnd | e.ReasoningDelta | e.ReasoningEnd
_NOTHING: frozenset[Aspect] = frozenset()


class ToolRules:
    """Removes the parts of a run's events that the rules hide, and puts an event in their place
    that names the hidden aspect.

    Args:
        hide: the rules; those for `"*"` hold for every tool, besides its own.

    Attributes:
        shown: names of tools of the run's client, for which those for `"*"` do not hold: who reads
            the run has to make their calls.

    Raises:
        ValueError: a rule hides something other than an `Aspect`.
        TypeError: the rules are not a mapping.
    """

    def __init__(self, hide: Hide | None = None) -> None:
        if hide is not None and not isinstance(hide, Mapping):
            raise TypeError(
                f'hide maps tool names to aspects of their calls, such as {{"search": "args", '
                f'"*": "result"}}; got {hide!r}'
            )
        self._rules = {name: _aspects(name, hidden) for name, hidden in (hide or {}).items()}
        self.shown: set[str] = set()
        self._everything = "all" in self._rules.get(EVERY, _NOTHING)
        self._any = _NOTHING.union(*self._rules.values())  # hidden of a call whose tool is unknown
        self._hidden: dict[str, frozenset[Aspect]] = {}  # by tool call
        # calls whose inner events are hidden, and blocks that began in them
        self._inside: set[str] = set()
        self._asked: set[str] = set()  # approvals about calls of which something is hidden
        # since the last text, so that texts before and after a call stay apart
        self._announced = False

    def __bool__(self) -> bool:
        return bool(self._rules)

    def feed(self, event: e.Event) -> list[e.Event]:
        """Return the visible events for this one, in order: often itself, sometimes none."""
        if not self._rules:
            return [event]
        if self._is_inside(event):
            return self._shown_outside(event)
        match event:
            case e.TextStart():
                self._announced = False
                return [event]
            case e.ToolStart():
                return self._start(event)
            case (
                e.ToolArgsDelta()
                | e.ToolArgs()
                | e.ToolProgress()
                | e.ToolOutput()
                | e.ToolResult()
            ):
                return self._call(event)
            case e.ApprovalRequest() | e.ApprovalResponse():
                return [self._approval(event)]
            case e.Error():
                return [self._error(event)]
            case e.AgentHandoff():
                return [self._handoff(event)]
            case e.RunEnd() | e.AgentEnd():
                return [_without_structure(event)]
            case (
                e.RunStart()
                | e.Rewind()
                | e.StepStart()
                | e.StepEnd()
                | e.TextDelta()
                | e.TextEnd()
                | e.AgentStart()
                | e.UsageUpdate()
            ):
                return [event]
            case e.ReasoningStart() | e.ReasoningDelta() | e.ReasoningEnd() | e.Hidden():
                return [event]
            case _ if isinstance(event, WholeEvent):
                if self._tells_of_hidden(event):
                    return []
                return [event]
            case _:
                assert_never(event)

    def close(self) -> list[e.Event]:
        """Return nothing: no event is held back."""
        return []

    def _is_inside(self, event: e.Event) -> bool:
        """Return True if an event is inside a hidden call.

        Only events that begin a block need to name their parent.
        """
        if event.parent_id in self._inside:
            return True
        if isinstance(event, e.AgentStart):
            return event.tool_id in self._inside
        return isinstance(event, _CONTINUES) and event.id in self._inside

    def _shown_outside(self, event: e.Event) -> list[e.Event]:
        """Return the events inside a hidden call that are shown outside of it; all others are
        hidden with the call.
        """
        match event:
            case e.AgentStart() | e.TextStart() | e.ReasoningStart():
                self._inside.add(event.id)
            case e.ToolStart():
                self._inside.add(event.id)
                self._hidden[event.id] = frozenset({"all"})
            case e.ApprovalRequest() | e.ApprovalResponse():
                return [replace(self._approval(event), agent=None)]
            case e.Error():
                return [replace(self._error(event), agent=None)]
            case e.UsageUpdate() | e.RunEnd():
                return [replace(event, parent_id=None, agent=None)]
        return []

    def _hidden_aspects(self, tool_id: str | None) -> frozenset[Aspect]:
        """Return the hidden aspects of a call. Without a start, the call's tool is unknown."""
        if tool_id is None:
            return _NOTHING
        return self._hidden.get(tool_id, self._any)

    def _handoff(self, event: e.AgentHandoff) -> e.AgentHandoff:
        if "all" in self._hidden_aspects(event.tool_id):
            return replace(event, tool_id=None)
        return event

    def _tells_of_hidden(self, event: WholeEvent) -> bool:
        """Return True if a block may quote what is hidden of a call."""
        if not KIND_OF[type(event)].tells_of_calls:
            return False
        call = getattr(event, "tool_id", None)
        if call is None:
            return bool(self._any)
        return bool(self._hidden_aspects(call))

    def _start(self, event: e.ToolStart) -> list[e.Event]:
        hidden = self._rules.get(event.name, _NOTHING)
        if event.kind != "client" or event.name not in self.shown:
            hidden |= self._rules.get(EVERY, _NOTHING)
        # a call that starts again, perhaps by another name
        hidden |= self._hidden.get(event.id, _NOTHING)
        self._hidden[event.id] = hidden
        if hidden & {"all", "result"}:
            self._inside.add(event.id)
        if "all" in hidden:
            return self._announce(event)
        if hidden and event.attempt_of is None:
            event = replace(event, title=None)
        notes: list[e.Event] = []
        if "args" in hidden:
            notes.append(e.Hidden(what="arguments", tool_id=event.id))
        if "result" in hidden:  # a second result would be hidden with all that is in the call
            event = replace(event, tool=None)
            notes.append(e.Hidden(what="result", tool_id=event.id))
        return [event, *notes]

    def _announce(self, event: e.ToolStart) -> list[e.Event]:
        """Return the event that announces hidden calls, once between two texts."""
        if self._announced:
            return []
        self._announced = True
        return [e.Hidden(what="tools", agent=event.agent)]

    def _call(
        self, event: e.ToolArgsDelta | e.ToolArgs | e.ToolProgress | e.ToolOutput | e.ToolResult
    ) -> list[e.Event]:
        hidden = self._hidden_aspects(event.id)
        if not hidden:
            return [event]
        if "all" in hidden:
            return []
        match event:
            case e.ToolArgsDelta() if "args" in hidden:
                return []
            case e.ToolArgs() if "args" in hidden:
                return [replace(event, args=None, args_text="", valid=True)]
            case e.ToolProgress(message=str()) if "result" in hidden:
                if event.progress is None:
                    return []
                return [replace(event, message=None, tool=None)]
            case e.ToolProgress() if "result" in hidden:
                return [replace(event, tool=None)]
            case e.ToolOutput() if "result" in hidden:
                return []
            case e.ToolResult():
                return [_without_result(event, is_hidden="result" in hidden)]
        return [event]

    def _approval(self, event: e.ApprovalRequest | e.ApprovalResponse) -> e.Event:
        inside = event.parent_id in self._inside
        if isinstance(event, e.ApprovalResponse):
            if self._everything or inside or event.approval_id in self._asked:
                return replace(event, parent_id=None, value=None)
            return event
        is_call = event.kind in ("tool", "stop")
        aspects = self._hidden_aspects(event.tool_id)
        if event.tool_id is None and is_call:  # about a call that it does not name
            aspects = self._any
        if aspects & {"result", "all"} or inside:
            event = replace(event, result=None)
        hidden = aspects - {"result"}  # a question has none, but at a breakpoint
        gone = self._everything or inside or "all" in hidden
        if not gone and not hidden:
            return event
        self._asked.add(event.approval_id)
        event = replace(event, args=None)
        if is_call:
            # Its words and options quote the arguments, which cannot be changed unseen.
            event = replace(event, prompt=None, options=None, schema=None)
        if gone:
            event = replace(event, parent_id=None, tool_id=None)
        return event

    def _error(self, event: e.Error) -> e.Error:
        inside = event.parent_id in self._inside
        hidden = self._hidden_aspects(event.tool_id)
        if not hidden and not inside:
            if event.tool_id is None and self._everything:
                return replace(event, traceback=None)
            return event
        event = replace(event, message=_FAILED, code=None, error_type=None, traceback=None)
        if "all" in hidden or inside:
            event = replace(event, parent_id=None, tool_id=None)
        return event


def _without_result(event: e.ToolResult, *, is_hidden: bool) -> e.ToolResult:
    """Return a result of a call of which something is hidden.

    Args:
        event: the result.
        is_hidden: whether it is hidden itself. Otherwise that are the call's arguments.
    """
    # A message quotes arguments and results, and an exception's frames have the arguments.
    event = replace(event, exception=None)
    if event.error is not None or is_hidden:
        event = without_told(event)
    if event.error is not None:
        event = replace(event, error=e.ErrorInfo(type=event.error.type, message=_FAILED))
    if not is_hidden:
        return event
    shown = None
    if event.status != "error":
        shown = e.Display(summary="hidden")
    return replace(event, content=None, display=shown, value=None, difference=None)


def _without_structure(event: e.RunEnd | e.AgentEnd) -> e.Event:
    """Return an end without an output that may hold the whole conversation."""
    if isinstance(event.output, (str, bool, int, float, NoneType)):
        return event
    return replace(event, output=None)


def _aspects(name: str, hidden: Aspect | Iterable[Aspect]) -> frozenset[Aspect]:
    if isinstance(hidden, str):
        hidden = [hidden]
    aspects = frozenset(hidden)
    wrong = aspects - set(get_args(Aspect))
    if wrong or not aspects:
        what = ", ".join(map(repr, sorted(map(str, wrong)))) or "nothing"
        raise ValueError(
            f"hide={{{name!r}: …}} takes 'args', 'result' or 'all', or several of them; got {what}"
        )
    return aspects
