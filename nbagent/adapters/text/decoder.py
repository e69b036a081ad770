"""Plain text: an iterator of strings (or UTF-8 bytes) is one answer, whole when the iterator ends."""

import codecs
from typing import Any, ClassVar

from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.payload import frame_of


class TextDecoder(BaseDecoder):
    """Strings become one text; a plain iterator has no terminal, so its end is the end."""

    system: ClassVar[str] = "text"
    reads_frames: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.stop_info = StopInfo("completed")
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item is text."""
        return isinstance(item, str | bytes | bytearray)

    def read(self, item: Any) -> None:
        """One piece of the text."""
        name, item = frame_of(item)
        if name == "error":
            self.fail_with(item)
            return
        if item == "[DONE]":
            return  # how a service ends a stream of text events
        if isinstance(item, str):
            piece = item
        elif self.recognises(item):
            piece = self._utf8.decode(bytes(item))
        else:
            self.unread(item)
            return
        if not self.builder.in_step:
            self.builder.start_step()
        self.builder.text("text", piece)

    def finish(self) -> None:
        """Whatever is left of an unfinished UTF-8 sequence, then the end."""
        self.builder.text("text", self._utf8.decode(b"", final=True))
        super().finish()
