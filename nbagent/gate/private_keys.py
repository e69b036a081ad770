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
    if begun is None or mark is None:
        is_begun = begun is not None and len(text) - stop < _PEM_MARK_CHARS and not is_whole
        return waiting(text, at) if is_begun else None
    spans: list[Span] = []
    short: list[Span] = []  # the last line of a key, and a checksum
    end = begin = mark.end()
    while end - begin < _MAX_PEM_CHARS:
        start = end_of(_PEM_GAP, text, end)
        last = end_of(_PEM_LINE, text, start)
        if last == start:
            end = start
            break
        end = last
        if last - start < _MIN_PEM_LINE_CHARS:
            short.append((start, last))
            continue
        spans += [*short, (start, last)]
        short = []
    if end == len(text) or text.startswith("-----END", end) or "-----END".startswith(text[end:]):
        spans += short if spans else []
    if end - begin >= _MAX_PEM_CHARS:
        last = end_of(_PEM_REST, text, end)
        return Found(
            at, begin, last, [*spans, (end, last)], rest=_PEM_REST if last == len(text) else None
        )
    is_cut = "-----END".startswith(text[end:]) or (
        bool(short) and _PEM_HEADER_BEGUN.match(text, short[-1][0]) is not None
    )
    if is_cut and not is_whole:
        return opened(at, begin - SHOWN_CHARS, end)
    return Found(at, begin, end, spans) if spans else None
