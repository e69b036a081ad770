"""Credentials that are recognised by the text around them: a name before them, a scheme of HTTP, an
address, a PEM block.

`found_in` reads a text from anchor to anchor: words of which names of credentials are made, and
marks such as `://`. Each has a rule, which looks a bounded way back and ahead.
"""

import re
from collections.abc import Iterator

from nbagent.gate.command_values import command_password, netrc_password
from nbagent.gate.found import CONTEXT_CHARS, PART_CHARS, Found, end_of
from nbagent.gate.marked_values import (
    bot_token,
    login_password,
    scheme_token,
    user_info,
    webhook_token,
)
from nbagent.gate.masking import Span
from nbagent.gate.named_values import flag_value, named_value
from nbagent.gate.private_keys import private_key

_SLICE_CHARS = 65_536  # a copy of a whole text in small letters may take four times its memory

_SEPARATED = (
    rf"(?=[a-z0-9_.\-]{{0,{PART_CHARS}}}+"
    r"(?:[\"'\\\]]{0,9}[ \t]{0,8}(?:[:=]|!=|value=)|[\"'][ \t]{0,8},|>| (?:provided|is|was)[ :=]))"
)
# Grouped by their first letters, which `re` finds fast.
_ANCHOR = re.compile(
    rf"k(?:ey|ennwort){_SEPARATED}|token{_SEPARATED}|s(?:ecret|ess|ig|as){_SEPARATED}"
    rf"|p(?:ass|wd?|at){_SEPARATED}|private key|password[ \t]"
    rf"|c(?:red|ookie|ode|onnection|onn_?str){_SEPARATED}"
    rf"|auth{_SEPARATED}|jwt{_SEPARATED}|response{_SEPARATED}"
    r"|b(?:earer|asic )|hooks|:(?://|aa)|-(?:u |-user[ =]|-|(?=[paw]))"
)
"""Matches an anchor in small letters.

Each alternative begins with a character, so that `re` skips all others fast.
"""

_CONTEXT_MARKS = (":", "=", "--", " -p", " -a", " -w", "hooks", ">", '",', "',")
_UNFINISHED_CHARS = 72
_UNFINISHED = re.compile(r"[A-Za-z0-9_.\-\"'\\\] \t]*[/:]{0,2}")  # backwards


def may_hold_context(text: str) -> bool:
    """Return True if the text may hold the context of a credential, in a small part of the time
    that `found_in` takes.
    """
    for mark in _CONTEXT_MARKS:  # faster than one expression for all
        if mark in text:
            return True
    if len(text) <= _SLICE_CHARS:
        return _holds_scheme(text.lower())
    slices = range(0, len(text), _SLICE_CHARS)
    return any(
        _holds_scheme(text[start : start + _SLICE_CHARS + len("bearer")].lower())
        for start in slices
    )


def _holds_scheme(small: str) -> bool:
    return "bearer" in small or "basic " in small or "sword " in small


def contextual_spans(text: str) -> list[Span]:
    """Spans to mask of the credentials that are recognised by the text around them."""
    return [span for found in found_in(text) for span in found.spans]


def found_in(text: str, start: int = 0, *, is_whole: bool = True) -> Iterator[Found]:
    """Yield the credentials in a text, in order, and what is open: contexts without a value yet,
    and at last one with a value.

    Args:
        text: the text.
        start: offset of the first anchor.
        is_whole: whether nothing follows the text, so that nothing is open.
    """
    for at, stop in _anchors(text, start):
        if at < start:
            continue
        found = _rule(text, at, stop, is_whole)
        if found is None:
            continue
        yield found
        if not found.is_open:
            start = found.end
        elif found.value < len(text):
            return


def unfinished_from(text: str) -> int:
    """Offset from which on an anchor may be that is complete only with what follows the text."""
    tail = text[: -_UNFINISHED_CHARS - 1 : -1]
    return len(text) - end_of(_UNFINISHED, tail, 0)


def _anchors(text: str, start: int) -> Iterator[Span]:
    for first in range(start, len(text), _SLICE_CHARS):
        small = text[first : first + _SLICE_CHARS + CONTEXT_CHARS].lower()
        if "̇" in small:  # of "İ", the only letter that becomes two
            small = text[first : first + _SLICE_CHARS + CONTEXT_CHARS].replace("İ", "i").lower()
        for anchor in _ANCHOR.finditer(small):
            at, stop = anchor.span()
            if at < _SLICE_CHARS:
                yield first + at, first + stop


def _rule(text: str, at: int, stop: int, is_whole: bool) -> Found | None:
    match text[at]:
        case ":" if text[stop - 1] in "aA":  # ":AA"
            rule = bot_token
        case ":":
            rule = user_info
        case "-" if stop == at + 1:
            rule = command_password
        case "-" if stop == at + 2:  # "--"
            rule = flag_value
        case "-":
            rule = login_password
        case "b" | "B":
            rule = scheme_token
        case "h" | "H":
            rule = webhook_token
        case "p" | "P" if text[stop - 1] in "yY":
            rule = private_key
        case "p" | "P" if text[stop - 1] in " \t":
            rule = netrc_password
        case _:
            rule = named_value
    return rule(text, at, stop, is_whole)
