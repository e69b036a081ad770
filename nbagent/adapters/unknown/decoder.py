"""Items of no known system: shown as they came, for want of a better reading."""

from typing import Any, ClassVar

from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import fields_or_empty, str_field
from nbagent.adapters.base.payload import frame_of
from nbagent.events import Status

_HINT = 'No known system sends such items: adapter="…" names the one that does, reveal="all" shows them as they are.'


class UnknownDecoder(BaseDecoder):
    """Every item becomes a `raw` event; the end of the iterator is the end."""

    system: ClassVar[str] = "unknown"
    reads_frames: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.stop_info = StopInfo("completed")

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item has fields or entries: something that can be looked at."""
        return isinstance(item, list | tuple) or hasattr(item, "__dict__") or bool(fields_or_empty(item)) or item == {}

    def read(self, item: Any) -> None:
        """One item. An event that is named an error is one, whosever it is."""
        if frame_of(item).name == "error":
            self.fail_with(frame_of(item).data)
        payload = fields_or_empty(item)
        self.builder.raw(item, str_field(payload, "type") or str_field(payload, "event"))
        if not self._told_unread:
            self._told_unread = True
            self.builder.write(Status(message=_HINT, level="warning", **self.builder.envelope))
