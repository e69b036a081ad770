"""`CallsInTurn`: puts the events of calls that run at the same time one call after the other."""

from nbagent import events as ev


class CallsInTurn:
    """Orders events for a system that runs one tool at a time: a call begins when the one before
    has its result.

    The events of the other calls wait until then. They wait no longer than the next text, or the
    end of the run: some agents report no results.
    """

    def __init__(self) -> None:
        self._running: str | None = None
        self._held: list[ev.Event] = []

    def feed(self, event: ev.Event) -> list[ev.Event]:
        """Return the events that have their turn."""
        if isinstance(event, (ev.TextDelta, ev.TextEnd, ev.RunEnd)):
            return [*self._release(), event]
        call_id = _call_id_of(event)
        if call_id is None:
            return [event]
        if self._running is None and isinstance(event, ev.ToolArgs):
            self._running = call_id
        if self._running not in (None, call_id):
            self._held.append(event)
            return []
        if not isinstance(event, ev.ToolResult) or event.preliminary:
            return [event]
        return [event, *(each for held in self._release() for each in self.feed(held))]

    def _release(self) -> list[ev.Event]:
        released, self._held, self._running = self._held, [], None
        return released


def _call_id_of(event: ev.Event) -> str | None:
    """Return the id of the call that an event is about; None if it has not to wait for a turn."""
    if isinstance(event, (ev.ToolArgs, ev.ToolResult)):
        return event.id
    if isinstance(event, ev.ApprovalRequest):
        return event.tool_id
    return None
