"""Masks credentials in everything that is shown, saved or logged.

A credential is the value of an environment variable with a name like `OPENAI_API_KEY`, a value that
a client authenticates with (`register`), any text in the format of a well-known service's keys
(`key_formats`), or one that its context shows to be one: a name such as `password`, a scheme of
HTTP, an address, a PEM block (`contexts`). It is masked in place: its first two characters stay,
every other one becomes a bullet. A text keeps its length, so an offset into it stays valid.
"""

import html
import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, product
from typing import Any
from urllib.parse import quote

from nbagent.errors import causes
from nbagent.gate.contexts import contextual_spans, found_in, may_hold_context
from nbagent.gate.cookies import cookie_values
from nbagent.gate.credential_names import (
    credential_grade,
    is_credential_name,
    is_credential_parameter,
)
from nbagent.gate.credential_values import is_file, is_path, looks_random, password_of
from nbagent.gate.key_formats import (
    SHAPED,
    SHOWN_CHARS,
    TOKEN_CHARS,
    beginnings,
    may_hold_key,
    may_start_with_key,
)
from nbagent.gate.masked_stream import MaskedStream
from nbagent.gate.masking import CutMarks, DistinctNames, Span, bullets
from nbagent.gate.named_values import named_spans

MIN_SECRET_CHARS = 8
"""Characters of the shortest credential; masking shorter values would spoil ordinary words."""

_NEVER_PATHS = re.compile("secret|token|passw|key", re.IGNORECASE)

_lock = threading.Lock()
registered: set[str] = set()
"""Credentials that `register` was given. It only grows."""


def register(*values: str | None) -> None:
    """Remember credentials, so that they are masked from now on in every run of this process.

    Args:
        values: the secrets themselves; None and values of less than 8 characters are ignored.
    """
    with _lock:
        registered.update(value for value in values if value and len(value) >= MIN_SECRET_CHARS)


def credentials_in(headers: Mapping[str, Any]) -> list[str]:
    """Return the credentials in headers, or in the parameters of a URL, with such names.

    Of a cookie header that is each value, of the Basic scheme the password too, and of any other
    header its last word.
    """
    found: list[str] = []
    for name, value in headers.items():
        if not isinstance(value, str) or not value.strip() or not is_credential_parameter(name):
            continue
        found.append(value.split()[-1])
        if "cookie" in name.lower():
            found += cookie_values(value)
        if value.lower().startswith("basic "):
            password = password_of(found[-1])
            if password:
                found.append(password)
    return found


def credentials_of(source: Any) -> list[str]:
    """Return the credentials in the request behind an SDK's stream, or behind the error that it
    raised.
    """
    # so the openai SDK's helpers
    response = getattr(source, "response", None) or getattr(source, "_response", None)
    headers = getattr(getattr(response, "request", None), "headers", None)
    if not isinstance(headers, Mapping):
        return []
    return credentials_in(headers)


def mask(text: str) -> str:
    """Return the text with every known credential masked; as long as before."""
    return known().mask(text)


def known() -> "Secrets":
    """Return the credentials known now: the environment's, the registered ones, and the well-known
    formats.
    """
    values = {value for name, value in os.environ.items() if _is_secret(name, value)}
    with _lock:
        return _compiled(frozenset(values | registered))


def without_secrets(error: BaseException | None) -> BaseException | None:
    """Return the error, or None if its message, or that of one that it came from, holds a
    credential.
    """
    if error is None:
        return None
    for each in causes(error):
        text = str(each)
        if mask(text) != text:
            return None
    return error


def mask_error(error: BaseException) -> None:
    """Mask the credentials in the texts of an exception and of those that it came from, in place.

    A service's words are in an exception's `args`, which its text and its traceback show. Its other
    attributes stay.
    """
    known_now = known()
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        masked: list[Any] = []
        for value in each.args:
            if isinstance(value, str):
                value = known_now.mask(value)
            masked.append(value)
        if tuple(masked) != each.args:
            each.args = tuple(masked)
        waiting += [each.__cause__, each.__context__]


def _is_secret(name: str, value: str) -> bool:
    if len(value) < MIN_SECRET_CHARS:
        return False
    if not is_credential_name(name) and not (credential_grade(name) and looks_random(value)):
        return False
    if not value.startswith(("/", "~", ".")):
        return True
    # The path of a file with a key is not secret; one of 64 keys of AWS begins with "/".
    if is_file(value):
        return False
    return _NEVER_PATHS.search(name) is not None or not is_path(value)


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
    """Says why texts are hidden.

    None: no text is, since the search for credentials takes linear time.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self.values = frozenset(values)
        self._written: dict[str, int] = {}  # each form of each value, and how much of it is shown
        for value in self.values:
            self._written.update(_forms(value))
        exact = sorted(self._written, key=len, reverse=True)
        self._streamed = re.compile("|".join([*map(re.escape, exact), SHAPED]))
        heads = {form[: SHOWN_CHARS + 1] for form in self._written}
        self._head: re.Pattern[str] | None = None  # matches where one of them may begin
        if heads:
            self._head = re.compile("|".join(map(re.escape, sorted(heads))))

    def __repr__(self) -> str:
        return f"<Secrets: {len(self.values)} values>"

    def mask(self, text: str, *, is_html: bool = False, cuts: CutMarks | None = None) -> str:
        """Return the text with every credential masked; as long as before.

        Args:
            text: the text.
            is_html: has no effect; all ways to write a credential are searched in any text.
            cuts: marks of omission. A credential that one of them cuts off is masked too.
        """
        may_hold = may_hold_context(text)
        masked = self.mask_streamed(text)
        if may_hold:
            masked = bullets(masked, contextual_spans(masked))
        if cuts is None:
            return masked
        return bullets(
            masked,
            (span for window in cuts.windows(text) for span in self._cut_off(text, cuts, *window)),
        )

    def mask_json(self, value: Any, *, is_html: bool = False, cuts: CutMarks | None = None) -> Any:
        """Return a JSON value with every credential masked; the same object if there is none.

        A text is masked too where the key before it is the name of a credential.
        """
        return self._mask_value(value, "", cuts)

    def _mask_value(self, value: Any, name: str, cuts: CutMarks | None) -> Any:
        """Return the masked value, which stands under a name."""
        if isinstance(value, str):
            masked = self.mask(value, cuts=cuts)
            if not name:
                return masked
            return bullets(masked, named_spans(name, value))
        if isinstance(value, dict):
            return self._mask_object(value, name, cuts)
        if isinstance(value, (list, tuple)):
            items = [self._mask_value(item, name, cuts) for item in value]
            if items != list(value):
                return items
        return value

    def _mask_object(
        self, pairs: dict[Any, Any], name: str, cuts: CutMarks | None
    ) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        names = DistinctNames()  # keys may differ only in masked text
        for key, item in pairs.items():
            shown = key
            if isinstance(key, str):
                shown = names.add(self.mask(key, cuts=cuts))
            made[shown] = self._mask_value(item, _name_of(key, pairs, name), cuts)
        if made == pairs:
            return pairs
        return made

    def stream(self) -> MaskedStream:
        """Return a masker of one text that comes in pieces."""
        return MaskedStream(self)

    def mask_streamed(self, text: str) -> str:
        """Like `mask`, but only what is recognised by itself: exact values and formats."""
        if not (self.may_begin_in(text) or may_start_with_key(text)):
            # Nearly every text, in a small part of the time.
            return text
        return self._streamed.sub(self._masked, text)

    def may_begin_in(self, text: str) -> bool:
        """Return True if a credential that is recognised by itself may begin in the text, after its
        first character.
        """
        if self._head is not None and self._head.search(text):
            return True
        return may_hold_key(text)

    def _masked(self, match: "re.Match[str]") -> str:
        shown = self._written.get(match[0], SHOWN_CHARS)
        return match[0][:shown] + "•" * (len(match[0]) - shown)

    def _cut_off(self, text: str, cuts: CutMarks, start: int, stop: int) -> list[Span]:
        window = text[start:stop]
        spans: list[Span] = []
        first = self.growing_in(window)
        if first is not None:
            spans += cuts.masked(start + first, stop)
        for found in found_in(window, is_whole=False):
            if found.is_cut_credential(window):
                spans += cuts.masked(start + found.value, stop)
        return [(first + SHOWN_CHARS, last) for first, last in spans]

    def is_beginning(self, text: str) -> bool:
        """Return True if an exact value begins with the text."""
        return any(form.startswith(text) for form in self._written)

    def growing_in(self, text: str) -> int | None:
        """Offset of the first credential that may continue after the end of the text; None if there
        is none.
        """
        tail = len(text.rstrip(TOKEN_CHARS))  # from there on the text is one token
        first = min(chain(self._growing_forms(text), beginnings(text, tail)), default=None)
        if first is None:
            return None
        # It may begin inside a complete one, which is masked as a whole or not at all.
        for found in self._streamed.finditer(text):
            if found.start() < first < found.end():
                return found.start()
        return first

    def _growing_forms(self, text: str) -> Iterator[int]:
        """Yield the first offset of an exact value that goes on after the end of the text."""
        if self._head is None:
            return
        head = self._head.search(text)
        while head is not None:
            start = head.start()
            rest = text[start:]
            if any(form.startswith(rest) and form != rest for form in self._written):
                yield start
                return
            head = self._head.search(text, start + 1)  # heads may overlap


def _name_of(key: Any, pairs: dict[Any, Any], parent: str) -> str:
    """Return the name under which a value stands in JSON: its key, or what tells more than that."""
    if "cookie" in parent.lower():  # each cookie is a credential, whatever its name
        return parent
    if key == "value":  # `{"name": "API_KEY", "value": "…"}`
        key = pairs.get("name", pairs.get("key"))
    if not isinstance(key, str):
        return ""
    return key


def _forms(value: str) -> Iterator[tuple[str, int]]:
    """Yield a value as it may be written in a text, and the characters of each form that are
    shown.
    """
    yield value, SHOWN_CHARS
    writers: tuple[Callable[[str], str], ...] = (
        *_JSON_FORMS,
        html.escape,
        partial(quote, safe=""),
        _single_quoted,
    )
    for write in writers:
        form = write(value)
        if form != value:
            yield form, max(SHOWN_CHARS, len(write(value[:SHOWN_CHARS])))


def _in_json(value: str, *, times: int, ascii_only: bool, slashes: bool = False) -> str:
    """Return the text as it stands in JSON, or in JSON that is a string in JSON."""
    for _ in range(times):
        value = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        if slashes:  # some servers write "\/"
            value = value.replace("/", "\\/")
    return value


_JSON_FORMS: tuple[Callable[[str], str], ...] = tuple(
    partial(_in_json, times=times, ascii_only=ascii_only, slashes=slashes)
    for times, ascii_only, slashes in product((1, 2), (True, False), (False, True))
)


def _single_quoted(value: str) -> str:
    # as in the repr of a text that has both quotes
    return value.replace("\\", "\\\\").replace("'", "\\'")


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


# not for its children: a filter sees only its own logger's records
logging.getLogger("nbagent").addFilter(MaskingFilter())
