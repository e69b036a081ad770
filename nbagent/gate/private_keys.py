"""Private keys in PEM blocks; https://www.rfc-editor.org/rfc/rfc7468, and OpenPGP's armor."""

import re

from nbagent.gate.found import Found, end_of, opened, waiting
from nbagent.gate.key_formats import SHOWN_CHARS
from nbagent.gate.masking import Span

_MIN_PEM_LINE_CHARS = 16


_MAX_PEM_CHARS = 16_384


_PEM_BEGUN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}\Z")


_PEM_MARK = re.compile(r"(?i:private key)(?: BLOCK)?-----")


_PEM_MARK_CHARS = len(" BLOCK-----")


_PEM_END = "-----END"


_PEM_GAP = re.compile(
    r"(?:\\+[nrt]|[\s\"'+,|>\\]|(?:Proc-Type|DEK-Info|Version|Comment|Hash"
    r"|Charset):[^\n\\]{0,200}+)*+"
)


_PEM_HEADER_BEGUN = re.compile(r"(?:Proc|DEK)-[A-Za-z]{0,4}\Z")


_PEM_LINE = re.compile(r"[A-Za-z0-9+/=]*+")


_PEM_REST = re.compile(r"[A-Za-z0-9+/=\s\\]*")


def private_key(text: str, at: int, stop: int, is_whole: bool) -> Found | None:
    """The lines of a private key; https://www.rfc-editor.org/rfc/rfc7468, and OpenPGP's armor."""
    begun = _PEM_BEGUN.search(text[max(0, at - 64) : at])
    mark = _PEM_MARK.match(text, at)
    if begun is None:
        return None
    if mark is None:
        if len(text) - stop < _PEM_MARK_CHARS:
            return waiting(text, at, is_whole)
        return None
    begin = mark.end()
    spans, short, end = _lines(text, begin)
    ends_begun = _PEM_END.startswith(text[end:])  # also by nothing, at the end of the text
    if spans and (ends_begun or text.startswith(_PEM_END, end)):
        spans += short
    if end - begin >= _MAX_PEM_CHARS:
        last = end_of(_PEM_REST, text, end)
        found = Found(at, begin, last, [*spans, (end, last)])
        if last == len(text):
            found = found._replace(rest=_PEM_REST)
        return found
    is_header = bool(short) and _PEM_HEADER_BEGUN.match(text, short[-1][0]) is not None
    if (ends_begun or is_header) and not is_whole:
        return opened(at, begin - SHOWN_CHARS, end)
    if not spans:
        return None
    return Found(at, begin, end, spans)


def _lines(text: str, begin: int) -> tuple[list[Span], list[Span], int]:
    """Return the lines of a key from an offset on, the short ones that end it, and the offset after
    them.

    A short line before a long one is one of the key's. The last line of a key is short too, and so
    is a checksum.
    """
    spans: list[Span] = []
    short: list[Span] = []
    end = begin
    while end - begin < _MAX_PEM_CHARS:
        start = end_of(_PEM_GAP, text, end)
        end = end_of(_PEM_LINE, text, start)
        if end == start:
            break
        if end - start < _MIN_PEM_LINE_CHARS:
            short.append((start, end))
        else:
            spans += [*short, (start, end)]
            short = []
    return spans, short, end
