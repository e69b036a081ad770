"""Decoder of items that no other adapter recognises: each becomes a `raw` event."""

from typing import Any, ClassVar

from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import fields_or_empty, str_field
from nbagent.adapters.base.payload import frame_of
from nbagent.events import RAW_HINT
from nbagent.sources.hints import hint_for, type_name


class UnknownDecoder(BaseDecoder):
    """Turns items into `raw` events. There is no terminal item. Such a run ends as incomplete."""

    system: ClassVar[str] = "unknown"
    reads_frames: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.stop_info = StopInfo("completed")

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
        if not self._unread_warned:
            self._unread_warned = True
            kind = type_name(item)
            hint = hint_for(kind) or ' adapter="…" names the system that does.'
            message = f"No known system sends such items, of type {kind}.{hint}"
            self.builder.status(message + RAW_HINT, level="warning")

    def not_understood(self, items: int, first_type: str) -> None:
        """Return nothing more: the first item has its hint."""
