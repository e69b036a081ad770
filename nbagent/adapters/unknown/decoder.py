"""Decoder of items that no other adapter recognises: each becomes a `raw` event."""

from typing import Any, ClassVar

from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import fields_or_empty, str_field
from nbagent.adapters.base.payload import frame_of

_HINT = 'No known system sends such items: adapter="…" names the one that does, reveal="all" shows them as they are.'


class UnknownDecoder(BaseDecoder):
    """Turns items into `raw` events. There is no terminal item: the run is complete when the iterator ends."""

    system: ClassVar[str] = "unknown"
    reads_frames: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.stop_info = StopInfo("completed")

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item has fields or entries."""
        return isinstance(item, list | tuple) or hasattr(item, "__dict__") or bool(fields_or_empty(item)) or item == {}

    def read(self, item: Any) -> None:
        """Read one item. A frame named "error" fails the run."""
        if frame_of(item).name == "error":
            self.fail_with(frame_of(item).data)
        payload = fields_or_empty(item)
        self.builder.raw(item, str_field(payload, "type") or str_field(payload, "event"))
        if not self._unread_warned:
            self._unread_warned = True
            self.builder.status(_HINT, level="warning")
