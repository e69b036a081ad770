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
        match event:
            case ev.ToolArgs() | ev.ToolResult():
                call_id: str | None = event.id
            case ev.ApprovalRequest():
                call_id = event.tool_id
            case ev.TextDelta() | ev.TextEnd() | ev.RunEnd():
                return [*self._release(), event]
            case _:
                return [event]
        if self._running is None and isinstance(event, ev.ToolArgs):
            self._running = call_id
        if call_id is not None and self._running not in (None, call_id):
            self._held.append(event)
            return []
        if not isinstance(event, ev.ToolResult) or event.preliminary:
            return [event]
        return [event, *(each for held in self._release() for each in self.feed(held))]

    def _release(self) -> list[ev.Event]:
        released, self._held, self._running = self._held, [], None
        return released
