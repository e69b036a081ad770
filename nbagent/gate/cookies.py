"""Cookies: the values in a header; https://www.rfc-editor.org/rfc/rfc6265#section-4."""

import re

from nbagent.gate import credential_values as values
from nbagent.gate.found import MAX_VALUE_CHARS, Found, end_of, opened
from nbagent.gate.key_formats import SHOWN_CHARS
from nbagent.gate.masking import Span

_MAX_COOKIES_CHARS = 4096


_COOKIE = re.compile(r"([\w!#$%&*+\-.^|~]{1,64})(?:=([^;\s\"'\\,]*))?")


_EXPIRES = re.compile(r"expires=[^;\"'\n\\]{0,40}", re.IGNORECASE)


_COOKIE_GAP = re.compile(r"; {0,2}")


_COOKIE_ATTRIBUTES = frozenset({"path", "domain", "expires", "max-age", "samesite", "priority"})


def cookie_values(header: str) -> list[str]:
    """Return the values of the cookies in a `Cookie` or `Set-Cookie` header."""
    pairs = [pair.partition("=") for pair in header.split(";")]
    return [
        value.strip().strip('"')
        for name, _, value in pairs
        if name.strip().lower() not in _COOKIE_ATTRIBUTES
    ]


def cookies_in(text: str, begin: int, value: int, *, is_whole: bool) -> Found | None:
    """The values of all cookies in a header; https://www.rfc-editor.org/rfc/rfc6265#section-4."""
    spans: list[Span] = []
    at = value
    while at - value < _MAX_COOKIES_CHARS:
        expires = end_of(_EXPIRES, text, at)
        cookie = _COOKIE.match(text, at)
        if cookie is None or (at == value and cookie[2] is None):
            break
        at = max(expires, cookie.end())
        if cookie[2] is not None and cookie[1].lower() not in _COOKIE_ATTRIBUTES:
            start, end = cookie.span(2)
            if values.is_quoted_credential(text[start : min(end, start + MAX_VALUE_CHARS)]):
                spans.append((start + SHOWN_CHARS, end))
        following = end_of(_COOKIE_GAP, text, at)
        if following == at:
            break
        at = following
    if at == value:
        return None
    if at == len(text) and not is_whole and at - value < _MAX_COOKIES_CHARS:
        return opened(begin, value, at)
    return Found(begin, value, at, spans)
