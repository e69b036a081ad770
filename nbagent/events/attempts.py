"""`AttemptFilter`: separates the events of tool calls that a reader made again from those of the
run itself.
"""

from nbagent.events.kinds import Event, ToolStart


class AttemptFilter:
    """Recognises the events of attempts.

    They are for the reader: the conversation has no part in them.
    """

    def __init__(self) -> None:
        self._blocks: set[str] = set()

    def is_of_attempt(self, event: Event) -> bool:
        """Return True if an event belongs to an attempt of a tool call, or to what went on inside
        of it.
        """
        id = getattr(event, "id", None)
        if event.parent_id in self._blocks or (
            isinstance(event, ToolStart) and event.attempt_of is not None
        ):
            if id is not None:
                self._blocks.add(id)
            return True
        return bool(self._blocks) and (
            id in self._blocks or getattr(event, "tool_id", None) in self._blocks
        )
