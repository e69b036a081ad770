"""Decoder of plain text: an iterator of strings or UTF-8 bytes is one answer, and so is one of
items that have only a text.

Strings are pieces of the answer, or each of them is the whole answer so far; see `CumulativeText`.
"""

import codecs
from typing import Any, ClassVar

from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import fields_or_empty
from nbagent.adapters.base.payload import frame_of
from nbagent.adapters.text.cumulative import CumulativeText
from nbagent.events import Event, TextDelta
from nbagent.events.jsonable import is_encodable

_TEXT_FIELDS = {"text", "delta", "content"}
_SPECIAL = ("", "[DONE]")
"""Strings that are no text: OpenAI's terminal is copied by services with plain text events."""


class TextDecoder(BaseDecoder):
    """Turns strings into one text.

    There is no terminal item: the run is complete when the iterator ends.
    """

    system: ClassVar[str] = "text"
    reads_frames: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.stop_info = StopInfo("completed")
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._cumulative = CumulativeText()
        self._open_text: Block | None = None  # to which strings are appended as they are

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a string or bytes, or has a text and nothing else."""
        return isinstance(item, (str, bytes, bytearray)) or _only_text(item) is not None

    def feed(self, item: Any) -> list[Event]:
        """Return the events of one piece of the text."""
        # The fast path: a string that only appends to the open text needs no `read`.
        block = self._open_text
        if block is None or type(item) is not str or item in _SPECIAL or block.pending:
            return super().feed(item)
        if block.closed or not is_encodable(item):
            return super().feed(item)
        return [TextDelta(id=block.id, delta=item, **self.builder.envelope)]

    def read(self, item: Any) -> None:
        """Read one piece of the text."""
        name, item = frame_of(item)
        if name == "error":
            self.fail_with(item)
            return
        if item in _SPECIAL:
            return
        text = item if isinstance(item, str) else _only_text(item)
        if text is not None:
            self._text(text)
        elif self.recognises(item):
            self._piece(self._utf8.decode(bytes(item)))
        else:
            self.unread(item)

    def _text(self, text: str) -> None:
        if not text:
            return
        if not self._cumulative.continues_with(text):
            self.builder.end_text("text")
            self._cumulative = CumulativeText()
        for piece in self._cumulative.feed(text):
            self._piece(piece)

    def _piece(self, piece: str) -> None:
        if piece and not self.builder.in_step:
            self.builder.start_step()
        block = self.builder.text("text", piece)
        if self._cumulative.is_of_pieces:
            self._open_text = block

    def close(self, error: BaseException | None = None) -> list[Event]:
        """End the run. One without a text has no items, or none that is known."""
        if not self.builder.in_step and not self.builder.ended:
            self._understood = False
            if not self.builder.raw_count:
                self._read_count = 0
        return super().close(error)

    def finish(self) -> None:
        """Write what was held, and the rest of an unfinished UTF-8 sequence, and end the step."""
        for piece in self._cumulative.close():
            self._piece(piece)
        self.builder.text("text", self._utf8.decode(b"", final=True))
        super().finish()


def _only_text(item: Any) -> str | None:
    """Return the text of an item that has one field, such as `{"text": "Hi"}`; None for any other
    item.
    """
    if isinstance(item, (str, bytes, bytearray, list, tuple)):
        return None
    payload = fields_or_empty(item)
    name, text = next(iter(payload.items()), ("", None))
    if len(payload) == 1 and name in _TEXT_FIELDS and isinstance(text, str):
        return text
    return None
