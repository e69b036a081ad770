"""Decoder of plain text: an iterator of strings or UTF-8 bytes is one answer."""

import codecs
from typing import Any, ClassVar

from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.payload import frame_of


class TextDecoder(BaseDecoder):
    """Turns strings into one text. There is no terminal item: the run is complete when the iterator ends."""

    system: ClassVar[str] = "text"
    reads_frames: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.stop_info = StopInfo("completed")
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a string or bytes."""
        return isinstance(item, str | bytes | bytearray)

    def read(self, item: Any) -> None:
        """Read one piece of the text."""
        name, item = frame_of(item)
        if name == "error":
            self.fail_with(item)
            return
        if item == "[DONE]":
            return  # OpenAI's terminal, which services with plain text events copy
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
        """Write what is left of an unfinished UTF-8 sequence, and end the step."""
        self.builder.text("text", self._utf8.decode(b"", final=True))
        super().finish()
