"""`MessageTexts`: texts and thoughts by the ids of their messages, in pieces or whole."""

from collections.abc import Iterable
from typing import Any, Literal

from nbagent.adapters.base.builder import EventBuilder
from nbagent.adapters.base.json_rpc import write_blob
from nbagent.adapters.base.payload import text_in


class MessageTexts:
    """Writes the texts of messages.

    Args:
        builder: writes the events.
    """

    def __init__(self, builder: EventBuilder) -> None:
        self._builder = builder
        self._said: dict[Any, list[str]] = {}

    def append(self, kind: Literal["text", "reasoning"], id: Any, content: Any) -> None:
        """Write the next block of a message.

        Args:
            kind: of the message.
            id: of the message; None if its agent gives none.
            content: the block.
        """
        key = (kind, id)
        self._end_others(key)
        if not write_blob(self._builder, content):
            self._write(key, text_in(content))

    def replace(self, kind: Literal["text", "reasoning"], id: Any, blocks: Iterable[Any]) -> None:
        """Write a whole message, in place of what has come of it. A text that has ended cannot be
        replaced: what is new in it follows. Arguments as for `append`.
        """
        key = (kind, id)
        self._end_others(key)
        text = "".join(text_in(each) for each in blocks if not write_blob(self._builder, each))
        whole: str | None = text
        if key not in self._builder.open_keys():
            whole = None
            self._write(key, text.removeprefix("".join(self._said.get(key, ()))))
        self._said[key] = [text]
        self._end(key, whole)

    def _write(self, key: tuple[str, Any], text: str) -> None:
        self._said.setdefault(key, []).append(text)
        if key[0] == "text":
            self._builder.text(key, text)
        else:
            self._builder.reasoning(key, text)

    def _end(self, key: tuple[str, Any], text: str | None) -> None:
        if key[0] == "text":
            self._builder.end_text(key, text)
        else:
            self._builder.end_reasoning(key, text)

    def _end_others(self, key: Any) -> None:
        """End the other open texts and thoughts: a message's chunks are contiguous."""
        for other in self._builder.open_keys():
            if other != key:
                self._builder.end_text(other)
                self._builder.end_reasoning(other)
