"""Hides the text that a model writes before it calls a tool."""

from typing import assert_never

from nbagent.events import (
    AgentEnd,
    AgentHandoff,
    AgentStart,
    ApprovalRequest,
    ApprovalResponse,
    Custom,
    Error,
    Event,
    File,
    Hidden,
    Raw,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    RunEnd,
    RunStart,
    Source,
    State,
    Status,
    StepEnd,
    StepStart,
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


class Commentary:
    """Removes every text that a tool call follows in the same response.

    Whether one follows is known when the response is over. A text waits until then, unless its service sends its `phase`.
    The texts of each sub-agent are judged among themselves.
    """

    def __init__(self) -> None:
        self._held: dict[str | None, list[Event]] = {}  # by agent
        self._agent: dict[str, str | None] = {}  # of the texts that are held
        self._dropped: set[str] = set()
        self._announced = False

    def feed(self, event: Event) -> list[Event]:
        """Return the events that may be seen now, in order."""
        match event:
            case TextStart(phase="final_answer"):
                return [event]
            case TextStart(phase="commentary"):
                self._dropped.add(event.id)
                return self._announce(event)
            case TextStart():
                self._agent[event.id] = event.parent_id
                self._held.setdefault(event.parent_id, []).append(event)
                return []
            case TextDelta() | TextEnd():
                return self._text(event)
            case ToolStart() | AgentHandoff():
                return [*self._drop(event), event]
            case StepStart() | StepEnd():
                return [*self._release(event.parent_id), event]
            case AgentEnd():
                return [*self._release(event.id), event]
            case RunEnd():
                return [*self.close(), event]
            case RunStart() | ReasoningStart() | ReasoningDelta() | ReasoningEnd() | AgentStart() | UsageUpdate() | Hidden():
                return [event]
            case ToolArgsDelta() | ToolArgs() | ToolProgress() | ToolResult() | ApprovalRequest() | ApprovalResponse():
                return [event]
            case Source() | File() | State() | Status() | Error() | Custom() | Raw():
                return [event]
            case _:
                assert_never(event)

    def close(self) -> list[Event]:
        """Release what was held back: the stream is over, and no tool call followed."""
        return [event for agent in tuple(self._held) for event in self._release(agent)]

    def _text(self, event: TextDelta | TextEnd) -> list[Event]:
        if event.id in self._dropped:
            return []
        if event.id not in self._agent:
            return [event]
        self._held[self._agent[event.id]].append(event)
        return []

    def _release(self, agent: str | None) -> list[Event]:
        held = self._held.pop(agent, [])
        for event in held:
            if isinstance(event, TextStart):
                del self._agent[event.id]
        return held

    def _drop(self, event: Event) -> list[Event]:
        dropped = {held.id for held in self._release(event.parent_id) if isinstance(held, TextStart)}
        self._dropped |= dropped
        return self._announce(event) if dropped else []

    def _announce(self, event: Event) -> list[Event]:
        """Return the event that announces hidden commentary, once in a run."""
        announced, self._announced = self._announced, True
        return [] if announced else [Hidden(what="commentary", agent=event.agent)]
