"""Tool calls of a run while it is encoded."""

from nbagent import events as ev
from nbagent.adapters.base.streamed import StreamedCall


class StreamedCalls:
    """Tool calls of a run, the first one first.

    Attributes:
        by_id: all calls so far, by their id in the events.
        ids: their ids in the stream, of which no two are equal.
    """

    __slots__ = ("_unanswered", "by_id", "ids")

    def __init__(self) -> None:
        self.by_id: dict[str, StreamedCall] = {}
        self.ids: set[str] = set()
        self._unanswered: dict[str, StreamedCall] = {}

    def begin(self, start: ev.ToolStart, call_id: str) -> StreamedCall:
        """Return a new call.

        Args:
            start: the event that started it.
            call_id: its id in the stream.
        """
        call = StreamedCall(start, call_id)
        self.ids.add(call_id)
        self.by_id[start.id] = self._unanswered[start.id] = call
        return call

    def end(self, call: StreamedCall) -> None:
        """Note that the result of a call is final. Its arguments are freed, since a run may make
        many calls.
        """
        del self._unanswered[call.start.id]
        call.free_args()

    def unanswered(self) -> list[StreamedCall]:
        """Return the calls without a final result."""
        return list(self._unanswered.values())
