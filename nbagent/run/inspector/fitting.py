"""Answers that hold as much as fits into a message, and pages of longer ones."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from nbagent.protocol.json_size import json_size, truncate_to_bytes


def filled(answer: msgspec.Struct, items: Iterable[Any], max_bytes: int) -> str:
    """Return the answer as JSON, with as many of the items as fit in its last field, an empty
    list.
    """
    text = _written(answer)
    return (
        f"{text.removesuffix(']}')}{','.join(_fitting(items, max_bytes - json_size(text) - 64))}]}}"
    )


def _fitting(items: Iterable[Any], max_bytes: int) -> Iterator[str]:
    for item in items:
        text = _written(item)
        # it travels as a string in a message, with its quotation marks escaped
        max_bytes -= json_size(text)
        if max_bytes < 0:
            return
        yield text


def _written(value: Any) -> str:
    return msgspec.json.encode(value).decode()


class PagedAnswer:
    """The pages of one answer at a time.

    It is made once for all of them: it may be long, and change meanwhile.
    """

    def __init__(self) -> None:
        self._name = ""
        self._text: str | None = None

    def page(
        self, name: str, offset: int, max_bytes: int, make: Callable[[], str]
    ) -> tuple[str, int]:
        """Return a page of an answer, and the characters in all of it.

        Args:
            name: the question.
            offset: of the page's first character; 0 makes the answer anew.
            max_bytes: bytes of JSON that the page may take.
            make: returns the whole answer.
        """
        if self._text is None or self._name != name or offset == 0:
            self._name, self._text = name, make()
        text = self._text
        page, _ = truncate_to_bytes(text, offset, max_bytes)
        if offset + len(page) >= len(text):
            self._text = None
        return page, len(text)
