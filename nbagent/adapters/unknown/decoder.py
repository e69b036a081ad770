"""Decoder of items that no other adapter recognises: each becomes a `raw` event, and what looks
like its text is shown.
"""

from typing import Any, ClassVar

from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import fields_or_empty, str_field
from nbagent.adapters.base.payload import frame_of
from nbagent.adapters.unknown.guess import TextGuess
from nbagent.events import RAW_HINT
from nbagent.sources.hints import hint_for, type_name


class UnknownDecoder(BaseDecoder):
    """Turns items into `raw` events, and shows their text by a guess that says so.

    There is no terminal item. Such a run ends as incomplete.
    """

    system: ClassVar[str] = "unknown"
    reads_frames: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.stop_info = StopInfo("completed")
        self._guess = TextGuess()

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item has fields or entries."""
        return (
            isinstance(item, (list, tuple))
            or hasattr(item, "__dict__")
            or bool(fields_or_empty(item))
            or item == {}
        )

    def read(self, item: Any) -> None:
        """Read one item. A frame named "error" fails the run."""
        if frame_of(item).name == "error":
            self.fail_with(frame_of(item).data)
        payload = fields_or_empty(item)
        self.builder.raw(item, str_field(payload, "type", "event"))
        text = self._guess.text(item)
        if text and not self._unread_warned:
            self._unread_warned = True
            self.builder.status(
                f"No known system sends items of type {type_name(item)}. Their text is guessed; "
                f"show(…, adapter={self._guess.adapter(item)}) reads it without this line",
                level="warning",
            )
        self.builder.text("guess", text)

    def not_understood(self, items: int, first: Any) -> None:
        """Write that no text was found either, and the right call, if the type tells it."""
        if self._unread_warned:
            return
        first_type = type_name(first)
        hint = hint_for(first_type)
        if not hint:
            hint = " adapter= takes the name of the system, or a function from an item to its text."
        message = f"No known system sends such items, of type {first_type}.{hint}"
        self.builder.status(message + RAW_HINT, level="warning")
