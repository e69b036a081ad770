"""Items of no known system: shown as they came, for want of a better reading."""

from typing import Any, ClassVar

from nbagent.adapters.base.decoder import BaseDecoder, Verdict
from nbagent.adapters.base.fields import fields_or_none, string
from nbagent.adapters.base.payload import frame_of
from nbagent.events import Status

_HINT = 'No known system sends such items: adapter="…" names the one that does, reveal="all" shows them as they are.'


class UnknownDecoder(BaseDecoder):
    """Every item becomes a `raw` event; the end of the iterator is the end."""

    system: ClassVar[str] = "unknown"
    reads_frames: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.verdict = Verdict("completed")

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item has fields or entries: something that can be looked at."""
        return isinstance(item, list | tuple) or hasattr(item, "__dict__") or bool(fields_or_none(item)) or item == {}

    def read(self, item: Any) -> None:
        """One item. An event that is named an error is one, whosever it is."""
        if frame_of(item).name == "error":
            self.fail_with(frame_of(item).data)
        said = fields_or_none(item)
        self.book.raw(item, string(said.get("type")) or string(said.get("event")))
        if not self._told_unread:
            self._told_unread = True
            self.book.write(Status(message=_HINT, level="warning", **self.book.stamp))
