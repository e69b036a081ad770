"""What a model says before it calls a tool, told apart from its answer."""

from nbagent.events import (
    AgentEnd,
    AgentHandoff,
    Event,
    Hidden,
    RunEnd,
    StepEnd,
    StepStart,
    TextDelta,
    TextEnd,
    TextStart,
    ToolStart,
)


class Commentary:
    """Leaves out every text that a tool call follows in the same response.

    Whether one follows is known when the response is over: a text waits until then, unless its service has said what it is
    (`phase`). Texts inside a sub-agent are told apart among themselves.
    """

    def __init__(self) -> None:
        self._held: dict[str | None, list[Event]] = {}  # by who speaks
        self._speaker: dict[str, str | None] = {}  # of the texts that are held
        self._dropped: set[str] = set()
        self._told = False

    def feed(self, event: Event) -> list[Event]:
        """The events that may be seen now, in order."""
        match event:
            case TextStart(phase="final_answer"):
                return [event]
            case TextStart(phase="commentary"):
                self._dropped.add(event.id)
                return self._tell(event)
            case TextStart():
                self._speaker[event.id] = event.parent_id
                self._held.setdefault(event.parent_id, []).append(event)
                return []
            case TextDelta() | TextEnd() if event.id in self._dropped:
                return []
            case TextDelta() | TextEnd() if event.id in self._speaker:
                self._held[self._speaker[event.id]].append(event)
                return []
            case ToolStart() | AgentHandoff():
                return [*self._drop(event), event]
            case StepStart() | StepEnd():
                return [*self._release(event.parent_id), event]
            case AgentEnd():
                return [*self._release(event.id), event]
            case RunEnd():
                return [*self.close(), event]
            case _:
                return [event]

    def close(self) -> list[Event]:
        """The stream is over: what was held back, since no tool call followed."""
        return [event for speaker in tuple(self._held) for event in self._release(speaker)]

    def _release(self, speaker: str | None) -> list[Event]:
        held = self._held.pop(speaker, [])
        for event in held:
            if isinstance(event, TextStart):
                del self._speaker[event.id]
        return held

    def _drop(self, event: Event) -> list[Event]:
        dropped = {held.id for held in self._release(event.parent_id) if isinstance(held, TextStart)}
        self._dropped |= dropped
        return self._tell(event) if dropped else []

    def _tell(self, event: Event) -> list[Event]:
        """That there is some, once in a run."""
        told, self._told = self._told, True
        return [] if told else [Hidden(what="commentary", agent=event.agent)]
