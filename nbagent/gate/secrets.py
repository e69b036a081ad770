"""Masks credentials in everything that is shown, saved or logged.

A credential is the value of an environment variable with a name like `OPENAI_API_KEY`, a value that a client authenticates with
(`register`), any text in the format of a well-known service's keys, a bearer token, or the password in a URL. It is masked in
place: its first two characters stay, every other one becomes a bullet. A text keeps its length, so an offset into it stays
valid.
"""

import html
import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from nbagent.gate.key_formats import CONTEXTUAL_BEGUN, SHAPED, SHAPES, SHOWN_CHARS, TOKEN_CHARS, contextual_spans, has_context
from nbagent.gate.masked_stream import MaskedStream
from nbagent.gate.masking import CutMarks, Span, bullets, mask_json

MIN_SECRET_CHARS = 8
"""Characters of the shortest credential; masking shorter values would spoil ordinary words."""

_NAMED = frozenset({"key", "apikey", "token", "secret", "password", "passwd", "passphrase", "credential", "credentials", "pat"})
_HEADERS = ("auth", "key", "token", "secret", "cookie", "password", "credential", "signature")

_lock = threading.Lock()
_registered: set[str] = set()


def register(*values: str | None) -> None:
    """Remember credentials, so that they are masked from now on in every run of this process.

    Args:
        values: the secrets themselves; None and values of less than 8 characters are ignored.
    """
    with _lock:
        _registered.update(value for value in values if value and len(value) >= MIN_SECRET_CHARS)


def is_credential(name: str) -> bool:
    """Return True if a header, or a parameter of a URL, has a name that marks a credential."""
    return any(word in name.lower() for word in _HEADERS)


def credentials_in(headers: Mapping[str, Any]) -> list[str]:
    """Return the credentials in the headers of a request: the last word of every header with such a name."""
    named = (value for name, value in headers.items() if is_credential(name))
    return [value.split()[-1] for value in named if isinstance(value, str) and value.strip()]


def credentials_of(source: Any) -> list[str]:
    """Return the credentials in the request behind an SDK's stream, or behind the error that it raised."""
    response = getattr(source, "response", None) or getattr(source, "_response", None)  # so the openai SDK's helpers
    headers = getattr(getattr(response, "request", None), "headers", None)
    return credentials_in(headers) if isinstance(headers, Mapping) else []


def mask(text: str) -> str:
    """Return the text with every known credential masked; as long as before."""
    return known().mask(text)


def known() -> "Secrets":
    """Return the credentials known now: the environment's, the registered ones, and the well-known formats."""
    values = {value for name, value in os.environ.items() if _is_secret(name, value)}
    with _lock:
        return _compiled(frozenset(values | _registered))


def is_credential_name(name: str) -> bool:
    """Return True if a variable or setting has a name that marks a credential, such as `OPENAI_API_KEY` or `password`."""
    return not _NAMED.isdisjoint(re.split(r"[^a-z]+", name.lower()))


def _is_secret(name: str, value: str) -> bool:
    # The path of a file with a key is not secret.
    return is_credential_name(name) and len(value) >= MIN_SECRET_CHARS and not value.startswith(("/", "~", "."))


_latest: "Secrets | None" = None


def _compiled(values: frozenset[str]) -> "Secrets":
    global _latest
    if _latest is None or _latest.values != values:
        _latest = Secrets(values)
    return _latest


class Secrets:
    """A set of credentials, compiled. Its repr does not show them.

    Args:
        values: exact texts; the well-known formats are always included.
    """

    warning: str | None = None
    """Says why texts are hidden. None: no text is, since the search for credentials takes linear time."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self.values = frozenset(values)
        self._written = {form: shown for value in self.values for form, shown in _forms(value)}
        exact = "|".join(re.escape(form) for form in sorted(self._written, key=len, reverse=True))
        self._streamed = re.compile(f"{exact}|{SHAPED}" if exact else SHAPED)
        self._heads = {form[: SHOWN_CHARS + 1] for form in self._written}
        self.heads = re.compile("|".join(re.escape(head) for head in sorted(self._heads | set(SHAPES))))
        """Matches where a credential may begin."""

    def __repr__(self) -> str:
        return f"<Secrets: {len(self.values)} values>"

    def mask(self, text: str, *, is_html: bool = False, cuts: CutMarks | None = None) -> str:
        """Return the text with every credential masked; as long as before.

        Args:
            text: the text.
            is_html: has no effect; all ways to write a credential are searched in any text.
            cuts: marks of omission. A credential that one of them cuts off is masked too.
        """
        if self.heads.search(text) is None and not has_context(text):  # nearly every text, in a third of the time
            return text
        masked = self.mask_streamed(text)
        masked = bullets(masked, contextual_spans(masked))
        if cuts is None:
            return masked
        return bullets(masked, (span for window in cuts.windows(text) for span in self._cut_off(text, cuts, *window)))

    def mask_json(self, value: Any, *, is_html: bool = False, cuts: CutMarks | None = None) -> Any:
        """Return a JSON value with every credential masked in its strings and keys; the same object if there is none."""
        return mask_json(value, partial(self.mask, cuts=cuts))

    def stream(self) -> MaskedStream:
        """Return a masker of one text that comes in pieces."""
        return MaskedStream(self)

    def mask_streamed(self, text: str) -> str:
        """Like `mask`, but only what is recognised by itself: exact values and formats."""
        return self._streamed.sub(self._masked, text)

    def _masked(self, match: "re.Match[str]") -> str:
        shown = self._written.get(match[0], SHOWN_CHARS)
        return match[0][:shown] + "•" * (len(match[0]) - shown)

    def _cut_off(self, text: str, cuts: CutMarks, start: int, stop: int) -> list[Span]:
        window = text[start:stop]
        begun = CONTEXTUAL_BEGUN.search(window)
        first = self.growing_in(window)
        spans = cuts.masked(start + first, stop) if first is not None else []
        if begun is not None and begun.lastindex:
            spans += cuts.masked(start + begun.start(begun.lastindex), stop)
        return [(first + SHOWN_CHARS, last) for first, last in spans]

    def is_beginning(self, text: str) -> bool:
        """Return True if an exact value begins with the text."""
        return any(form.startswith(text) for form in self._written)

    def growing_in(self, text: str) -> int | None:
        """Offset of the first credential that may continue after the end of the text; None if there is none."""
        tail = len(text.rstrip(TOKEN_CHARS))
        head = self.heads.search(text)
        while head is not None and not self._may_grow_from(text, head.start(), tail):
            head = self.heads.search(text, head.start() + 1)  # heads may overlap
        if head is None:
            return None
        # It may begin inside a complete one, which is masked as a whole or not at all.
        around = (found.start() for found in self._streamed.finditer(text) if found.start() < head.start() < found.end())
        return next(around, head.start())

    def _may_grow_from(self, text: str, start: int, tail: int) -> bool:
        """Return True if a credential that begins at `start` may continue; from `tail` on the text is one token."""
        size = len(text) - start
        if any(len(form) > size and form.startswith(text[start:]) for form in self._written):
            return True
        at_boundary = start == 0 or not (text[start - 1].isascii() and text[start - 1].isalnum())
        return at_boundary and start >= tail and text[start : start + 3] in SHAPES


def _forms(value: str) -> Iterator[tuple[str, int]]:
    """Yield a value as it may be written in a text, and the characters of each form that are shown."""
    yield value, SHOWN_CHARS
    writers: tuple[Callable[[str], str], ...] = (*_JSON_FORMS, html.escape, partial(quote, safe=""), _single_quoted)
    for write in writers:
        form = write(value)
        if form != value:
            yield form, max(SHOWN_CHARS, len(write(value[:SHOWN_CHARS])))


def _in_json(value: str, *, times: int, ascii_only: bool, slashes: bool = False) -> str:
    """Return the text as it stands in JSON, or in JSON that is a string in JSON."""
    for _ in range(times):
        value = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        value = value.replace("/", "\\/") if slashes else value
    return value


_JSON_FORMS: tuple[Callable[[str], str], ...] = tuple(
    partial(_in_json, times=times, ascii_only=ascii_only, slashes=slashes)
    for times in (1, 2)
    for ascii_only in (True, False)
    for slashes in (False, True)  # some servers write "\/"
)


def _single_quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")  # as in the repr of a text that has both quotes


class MaskingFilter(logging.Filter):
    """Masks credentials in a logger's records, tracebacks included."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record in place; every record passes."""
        secrets = known()
        record.msg, record.args = secrets.mask(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = secrets.mask(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


logging.getLogger("nbagent").addFilter(MaskingFilter())
