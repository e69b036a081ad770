"""Hides the text that a model writes before it calls a tool."""

from typing import assert_never

from nbagent import events as e
from nbagent.blocks import WholeEvent


class Commentary:
    """Removes every text that a tool call follows in the same response.

    Whether one follows is known when the response is over. A text waits until then, unless its
    service sends its `phase`. The texts of each sub-agent are judged among themselves.
    """

    def __init__(self) -> None:
        self._held: dict[str | None, list[e.Event]] = {}  # by agent
        self._agent: dict[str, str | None] = {}  # of the texts that are held
        self._dropped: set[str] = set()
        self._announced = False

    def feed(self, event: e.Event) -> list[e.Event]:
        """Return the events that may be seen now, in order."""
        match event:
            case e.TextStart(phase="final_answer"):
                return [event]
            case e.TextStart(phase="commentary"):
                self._dropped.add(event.id)
                return self._announce(event)
            case e.TextStart():
                self._agent[event.id] = event.parent_id
                self._held.setdefault(event.parent_id, []).append(event)
                return []
            case e.TextDelta() | e.TextEnd():
                return self._text(event)
            case e.AgentHandoff() | e.ToolStart():
                return [*self._drop(event), event]
            case e.StepStart() | e.StepEnd():
                return [*self._release(event.parent_id), event]
            case e.AgentEnd():
                return [*self._release(event.id), event]
            case e.RunEnd():
                return [*self.close(), event]
            case (
                e.RunStart()
                | e.Rewind()
                | e.ReasoningStart()
                | e.ReasoningDelta()
                | e.ReasoningEnd()
                | e.AgentStart()
                | e.UsageUpdate()
                | e.Hidden()
            ):
                return [event]
            case (
                e.ToolArgsDelta()
                | e.ToolArgs()
                | e.ToolProgress()
                | e.ToolOutput()
                | e.ToolResult()
                | e.ApprovalRequest()
                | e.ApprovalResponse()
            ):
                return [event]
            case _ if isinstance(event, WholeEvent):
                return [event]
            case _:
                assert_never(event)

    def close(self) -> list[e.Event]:
        """Release what was held back: the stream is over, and no tool call followed."""
        return [event for agent in tuple(self._held) for event in self._release(agent)]

    def _text(self, event: e.TextDelta | e.TextEnd) -> list[e.Event]:
        if event.id in self._dropped:
            return []
        if event.id not in self._agent:
            return [event]
        self._held[self._agent[event.id]].append(event)
        return []

    def _release(self, agent: str | None) -> list[e.Event]:
        held = self._held.pop(agent, [])
        for event in held:
            if isinstance(event, e.TextStart):
                del self._agent[event.id]
        return held

    def _drop(self, event: e.Event) -> list[e.Event]:
        held = self._release(event.parent_id)
        dropped = {each.id for each in held if isinstance(each, e.TextStart)}
        if not dropped:
            return []
        self._dropped |= dropped
        return self._announce(event)

    def _announce(self, event: e.Event) -> list[e.Event]:
        """Return the event that announces hidden commentary, once in a run."""
        if self._announced:
            return []
        self._announced = True
        return [e.Hidden(what="commentary", agent=event.agent)]
