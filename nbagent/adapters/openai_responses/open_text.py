"""`OpenText`: the text that most events of a response append to."""

from dataclasses import dataclass
from typing import Any

from nbagent.adapters.base.block import Block
from nbagent.events.jsonable import is_encodable


@dataclass(frozen=True, slots=True)
class OpenText:
    """The text that the last delta went to.

    Attributes:
        block: of the builder.
        output_index: index of its item.
        content_index: index of its part in the item.
    """

    block: Block
    output_index: int
    content_index: Any

    def appended(self, item: Any) -> str | None:
        """Return the text of an event that only appends to this one; None if the decoder must look
        at the event.
        """
        try:
            if type(item) is dict:
                kind, delta = item["type"], item["delta"]
                place = item["output_index"], item["content_index"]
            else:
                kind, delta = item.type, item.delta
                place = item.output_index, item.content_index
            if kind != "response.output_text.delta" or not delta:
                return None
            if place != (self.output_index, self.content_index):
                return None
            if self.block.closed or self.block.pending:
                return None
            if delta.isascii() or is_encodable(delta):
                return str(delta)
        except (AttributeError, KeyError, TypeError):
            pass  # another kind of event
        return None
