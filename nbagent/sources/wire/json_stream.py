"""Decoder of JSON documents: one to a line, one after another, or the entries of an array.

Bytes in, items out. No I/O.

The formats: https://github.com/ndjson/ndjson-spec, https://www.rfc-editor.org/rfc/rfc7464 (JSON
text sequences) and, for the documents themselves, https://www.rfc-editor.org/rfc/rfc8259.

ijson is not used: it raises at the first byte that is not JSON, and cannot go on. Real streams have
such bytes: a line of text between two documents, a document that is cut off, a proxy's error page.
Here they become text, and the next document is read. Nor does ijson keep the source of a document,
which is needed to give it back as text. This decoder only finds where a document ends, in linear
time; the document itself is parsed by `json`, in C.
"""

import json
import math
import re
from typing import Any

from nbagent.errors import NbagentError

MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 500
"""Nested brackets of a document.

A deeper one stays text, since code that walks through it may recurse.
"""
MAX_VALUES = 500_000
"""Values in a document.

Nothing else runs while it is parsed, neither a time-out nor Stop, and each is looked at later.
"""

_BOM = b"\xef\xbb\xbf"
_CLOSERS = {b"{": b"}", b"[": b"]"}
_GAP = re.compile(rb"[ \t\r\n\x1e]*")  # in RFC 7464, \x1e begins each text
_GAP_IN_ARRAY = re.compile(rb"[ \t\r\n\x1e,]*")
# Up to the next bracket, past whole strings, or to a string that is not over; possessive, so that
# nothing is read twice.
_IN_DOCUMENT = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\\n]++|\\[^\n])*+")*+(["{}\[\]])')
# Up to a string's end. JSON has no line's end in a string: the document was cut there.
_IN_STRING = re.compile(rb'(?:[^"\\\n]++|\\[^\n])*+(["\\\n])')
_LINE_END = re.compile(rb"\n")
_ENTRY_END = re.compile(rb"[\n,\]]")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
# Strings too, to pass over what is in them.
_NESTING = re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}\[\]]', re.DOTALL)
_VALUES = re.compile(r'"(?:[^"\\]|\\.)*+"?|[,{\[]', re.DOTALL)


class DocumentTooLarge(NbagentError):
    """A JSON document, or a line of text, is larger than the limit."""


def _too_many_values() -> DocumentTooLarge:
    return DocumentTooLarge(
        f"A JSON document has more than {MAX_VALUES:,} values; the service must send it in "
        "smaller ones."
    )


def _finite(text: str) -> float | None:
    value = float(text)
    if not math.isfinite(value):
        return None
    return value


# NaN, Infinity and 1e999 are no JSON, but Python's encoder writes the first two. They become null,
# as JavaScript writes them.
_JSON = json.JSONDecoder(parse_float=_finite, parse_constant=lambda _: None)


def item_of(text: str) -> Any:
    """Return the JSON object, array or string that a text is, or else the text itself.

    A lone number, `true` or `null` stays text: it may be a word of an answer.

    Raises:
        DocumentTooLarge: the JSON has more than `MAX_VALUES` values.
    """
    brackets = text.count("{") + text.count("[")
    if brackets + text.count(",") > MAX_VALUES and text.startswith(("{", "[")):
        _check_values(text)
    if brackets > MAX_DEPTH and _depth_of(text) > MAX_DEPTH:
        return text
    try:
        value = _JSON.decode(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(value, (dict, list, str)):
        return text
    return value


def _check_values(text: str) -> None:
    count = 0
    for mark in _VALUES.finditer(text):
        count += mark[0] in ",{["
        if count > MAX_VALUES:
            raise _too_many_values()


def _depth_of(text: str) -> int:
    depth = deepest = 0
    for mark in _NESTING.finditer(text):
        if mark[0] in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif mark[0] in "}]":
            depth -= 1
    return deepest


class JSONStreamDecoder:
    """Turns a body of JSON documents into those documents, chunk by chunk, in linear time.

    A document ends where its brackets do, so it may take many lines. Anything that is no JSON
    becomes text, line by line. A document that breaks off inside a string is given up at the end of
    that line, and its lines are read one by one. Bytes that are not UTF-8 become U+FFFD, and a byte
    order mark is dropped.

    Args:
        split_arrays: return each entry of an array of objects as an item, as it completes. False
            keeps the array whole, for streams whose items are arrays. An array that begins with
            anything else is always kept whole.
        max_document_bytes: largest size of one document, or of one line of text.
    """

    def __init__(
        self, *, split_arrays: bool = True, max_document_bytes: int = MAX_DOCUMENT_BYTES
    ) -> None:
        self._split_arrays = split_arrays
        self._limit = max_document_bytes
        self._read = self._read_byte_order_mark
        self._pieces: list[bytes] = []  # of the unfinished document or line
        self._size = 0
        self._brackets = 0  # opened so far
        # closing brackets of the unfinished document, the innermost last
        self._expected: list[bytes] = []
        self._in_string = False
        self._escaped = False
        self._in_array = False

    def feed(self, chunk: bytes) -> list[Any]:
        """Return the items that the chunk completes.

        Raises:
            DocumentTooLarge: a document, or a line of text, has more than `max_document_bytes`, or
                `MAX_VALUES` values.
        """
        items: list[Any] = []
        at = 0
        while at < len(chunk):
            at = self._read(chunk, at, items)
        return items

    def close(self) -> list[Any]:
        """End the stream.

        Return the unfinished document as text, but those of its lines that are documents as
        documents.
        """
        items: list[Any] = []
        if self._read == self._read_text:
            self._finish(items)  # a line need not have an end: a whole body may be one JSON string
        else:
            self._give_up(items)
        return items

    # --- the reader's states: each reads some bytes from `at` on, and returns the offset of the
    # rest ---

    def _read_byte_order_mark(self, chunk: bytes, at: int, items: list[Any]) -> int:
        """Read the start of the stream, where there may be a byte order mark."""
        head = b"".join(self._pieces) + chunk
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._pieces = [head]
            return len(chunk)
        self._pieces = []
        self._read = self._read_gap
        items += self.feed(head.removeprefix(_BOM))
        return len(chunk)

    def _read_gap(self, chunk: bytes, at: int, items: list[Any]) -> int:
        """Read the gap between documents."""
        between = _GAP_IN_ARRAY if self._in_array else _GAP
        gap = between.match(chunk, at)
        if gap is not None:
            at = gap.end()
        first = chunk[at : at + 1]
        if first == b"]" and self._in_array:
            self._in_array = False
            return at + 1
        if first == b"[" and self._split_arrays and not self._in_array:
            self._keep(first)
            self._read = self._read_bracket
            return at + 1
        if first == b'"' and self._in_array:
            self._keep(first)
            self._in_string = True
            self._read = self._read_document
            return at + 1
        if first in _CLOSERS:
            self._read = self._read_document
        elif first:
            self._read = self._read_text
        return at

    def _read_bracket(self, chunk: bytes, at: int, items: list[Any]) -> int:
        """Read the first byte after an array's opening bracket, which decides whether the entries
        are items.
        """
        gap, end = _GAP.match(chunk, at), at
        if gap is not None:
            end = gap.end()
        first = chunk[end : end + 1]
        if not first:
            self._keep(chunk[at:end])
        elif first in b"{[]":
            self._forget()
            self._in_array = True
        else:
            self._keep(chunk[at:end])
            self._expected.append(b"]")
            self._read = self._read_document
        return end

    def _read_document(self, chunk: bytes, at: int, items: list[Any]) -> int:
        """Read on in an object, an array, or a string that is an array's entry."""
        start = at
        at += self._escaped and chunk[at : at + 1] != b"\n"
        self._escaped = False
        while mark := (_IN_STRING if self._in_string else _IN_DOCUMENT).match(chunk, at):
            at, sign = mark.end(), mark[1]
            if sign == b"\\":
                self._escaped = at == len(chunk)
            elif sign == b"\n" or (sign in b"}]" and self._expected[-1] != sign):
                self._keep(chunk[start:at])
                self._give_up(items)
                return at
            elif sign == b'"':
                self._in_string = not self._in_string
            elif sign in _CLOSERS:
                self._expected.append(_CLOSERS[sign])
                self._count_bracket()
            else:
                self._expected.pop()
            if not self._expected and not self._in_string:
                self._keep(chunk[start:at])
                self._finish(items)
                return at
        self._keep(chunk[start:])
        return len(chunk)

    def _read_text(self, chunk: bytes, at: int, items: list[Any]) -> int:
        """Read on in a line that is not JSON, or in an array's entry that is neither an object nor
        an array nor a string.
        """
        if self._in_array:
            end = _ENTRY_END.search(chunk, at)
        else:
            end = _LINE_END.search(chunk, at)
        if end is None:
            self._keep(chunk[at:])
            return len(chunk)
        stop = end.end()
        if self._in_array:
            stop = end.start()  # what ends an entry belongs to the gap
        self._keep(chunk[at:stop])
        self._finish(items)
        return stop

    # --- the unfinished document ---

    def _keep(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > self._limit:
            raise DocumentTooLarge(
                f"A JSON document, or a line of text, has more than {self._limit} bytes "
                f"({self._size} so far, and no end). "
                "Raise max_document_bytes if the server really sends documents of that size."
            )

    def _count_bracket(self) -> None:
        """Refuse a document of too many values before it is whole; they are counted then."""
        self._brackets += 1
        if self._brackets > MAX_VALUES:
            raise _too_many_values()

    def _forget(self) -> None:
        self._pieces, self._size, self._expected = [], 0, []
        self._brackets = 0
        self._in_string = self._escaped = False
        self._read = self._read_gap

    def _finish(self, items: list[Any]) -> None:
        """End a document or a line."""
        text = b"".join(self._pieces).decode("utf-8", "replace")
        item = item_of(text)
        if item is text and text.startswith(("{", "[")):  # its brackets match, but it is no JSON
            self._give_up(items)
        else:
            self._forget()
            items.append(item)

    def _give_up(self, items: list[Any]) -> None:
        """Give up the unfinished document: those of its lines that are documents are items, the
        others are text.
        """
        text = b"".join(self._pieces).decode("utf-8", "replace")
        self._forget()
        lost = ""
        for line in _LINE.findall(text):
            item: Any = line
            if line.startswith(("{", "[")):
                item = item_of(line)
            if isinstance(item, str):
                lost += line
                continue
            if lost:
                items.append(lost)
            items.append(item)
            lost = ""
        if lost:
            items.append(lost)
