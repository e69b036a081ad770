"""`Reasoning`: what a model thinks in a response, with what its service expects back."""

from typing import Any

from nbagent.adapters.base.builder import EventBuilder
from nbagent.adapters.base.fields import get_str

_KEY = "reasoning"


class Reasoning:
    """Writes the reasoning of a response. Each part of a summary is a block.

    Args:
        builder: writes the events.
    """

    def __init__(self, builder: EventBuilder) -> None:
        self._builder = builder
        self._whole: str | None = None
        self._item: str | None = None
        self._opaque: str | None = None

    def add(self, content: Any, *, is_whole: bool) -> None:
        """Add a piece; with `is_whole` one that repeats the last part as a whole.

        Services send opaque data before the text, behind it, or both: then the last one counts.
        """
        item, text = get_str(content, "id"), get_str(content, "text", default="")
        if item != self._item:
            self.end()
            self._item = item
        self._opaque = get_str(content, "protected_data", default=self._opaque)
        if text and is_whole:
            self._builder.start_reasoning(_KEY)
            self._whole = text
        elif text:
            if self._whole is not None:  # another part
                self._builder.end_reasoning(_KEY, self._whole)
                self._whole = None
            self._builder.reasoning(_KEY, text)

    def end(self) -> None:
        """End the reasoning, if there is any."""
        opaque, item = self._opaque, self._item
        if opaque is not None:
            self._builder.start_reasoning(_KEY)
        if opaque is not None and item is not None:  # an item of the Responses API
            meta = {"item_id": item}
            self._builder.end_reasoning(_KEY, self._whole, encrypted=opaque, meta=meta)
        else:
            self._builder.end_reasoning(_KEY, self._whole, signature=opaque)
        self._whole = self._item = self._opaque = None
