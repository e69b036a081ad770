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
        is_attempt = isinstance(event, ToolStart) and event.attempt_of is not None
        if not self._blocks and not is_attempt:
            return False
        id = getattr(event, "id", None)
        if is_attempt or event.parent_id in self._blocks:
            if id is not None:
                self._blocks.add(id)
            return True
        return id in self._blocks or getattr(event, "tool_id", None) in self._blocks
