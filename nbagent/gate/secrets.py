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
import string
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from nbagent.gate.masking import CutMarks, Span, bullets, mask_json

MIN_SECRET_CHARS = 8
"""Characters of the shortest credential; masking shorter values would spoil ordinary words."""

MAX_TOKEN_CHARS = 512
"""Characters of a key that are held back in a stream before its end has come."""

_SHOWN_CHARS = 2
_MIDDLE = "0"  # stands for any character inside a word
_NAMED = frozenset({"key", "apikey", "token", "secret", "password", "passwd", "passphrase", "credential", "credentials", "pat"})
_HEADERS = ("auth", "key", "token", "secret", "cookie", "password", "credential", "signature")
_CHAR = r"[A-Za-z0-9_\-.~+/=]"

# Each begins with a fixed head of three characters or more, by which it is found in a stream.
# Sources: the key formats that GitHub's secret scanning documents
# (https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns).
_SHAPES = {
    "sk-": r"sk-[A-Za-z0-9_\-]{16,}",  # OpenAI, Anthropic and many that copy them
    "sk_": r"sk_(?:live|test)_[A-Za-z0-9]{16,}",  # Stripe
    "rk_": r"rk_(?:live|test)_[A-Za-z0-9]{16,}",
    "xai": r"xai-[A-Za-z0-9]{20,}",  # xAI
    "gsk": r"gsk_[A-Za-z0-9]{20,}",  # Groq
    "ghp": r"ghp_[A-Za-z0-9]{30,}",  # GitHub
    "gho": r"gho_[A-Za-z0-9]{30,}",
    "ghu": r"ghu_[A-Za-z0-9]{30,}",
    "ghs": r"ghs_[A-Za-z0-9]{30,}",
    "ghr": r"ghr_[A-Za-z0-9]{30,}",
    "git": r"github_pat_[A-Za-z0-9_]{20,}",
    "glp": r"glpat-[A-Za-z0-9_\-]{16,}",  # GitLab
    "xox": r"xox[abeoprs]-[A-Za-z0-9\-]{10,}",  # Slack
    "AKI": r"AKIA[A-Z0-9]{16}(?![A-Z0-9])",  # AWS
    "ASI": r"ASIA[A-Z0-9]{16}(?![A-Z0-9])",
    "AIz": r"AIza[A-Za-z0-9_\-]{35}",  # Google
    "hf_": r"hf_[A-Za-z0-9]{20,}",  # Hugging Face
    # JSON web tokens; with no end to the first part, a text of nothing but their heads would take quadratic time.
    "eyJ": r"eyJ[A-Za-z0-9_\-]{8,4096}+\.eyJ[A-Za-z0-9_\-]{8,}+\.[A-Za-z0-9_\-]{8,}",
}
_SHAPED = (
    rf"(?<![A-Za-z0-9])(?:{'|'.join(_SHAPES.values())})"  # one look-behind for all is twenty times as fast as one for each
)
# These are recognised by the text before them: a token after "Bearer", and after a user's name the password in a URL
# (https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1).
_AFTER_BEARER = r"(?i:\bbearer\s{1,8})"
_AFTER_USER = r"://[^\s/:@]{0,256}:"
_CONTEXTUAL = re.compile(rf"{_AFTER_BEARER}({_CHAR}{{16,}})|{_AFTER_USER}([^\s/:@]{{4,256}})@")
_CONTEXTUAL_BEGUN = re.compile(rf"{_AFTER_BEARER}({_CHAR}*)\Z|{_AFTER_USER}([^\s/:@]{{0,256}})\Z")
_CONTEXT = re.compile("://|bearer", re.IGNORECASE)
_USER_BEGUN = re.compile(r"://[^\s/:@]{0,256}\Z")
_MAX_CONTEXT_CHARS = 24
"""Characters of a text that was shown in which the word before a token may begin."""
_TOKEN_CHARS = string.ascii_letters + string.digits + "_-.~+/="
_NOT_TOKEN = re.compile(rf"(?!{_CHAR}).", re.DOTALL)

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


def _is_secret(name: str, value: str) -> bool:
    # The path of a file with a key is not secret.
    is_named = not _NAMED.isdisjoint(re.split(r"[^a-z]+", name.lower()))
    return is_named and len(value) >= MIN_SECRET_CHARS and not value.startswith(("/", "~", "."))


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
        self._streamed = re.compile(f"{exact}|{_SHAPED}" if exact else _SHAPED)
        self._heads = {form[: _SHOWN_CHARS + 1] for form in self._written}
        self.heads = re.compile("|".join(re.escape(head) for head in sorted(self._heads | set(_SHAPES))))
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
        masked = self.mask_streamed(text)
        masked = bullets(masked, _contextual_spans(masked))
        if cuts is None:
            return masked
        return bullets(masked, (span for window in cuts.windows(text) for span in self._cut_off(text, cuts, *window)))

    def mask_json(self, value: Any, *, is_html: bool = False, cuts: CutMarks | None = None) -> Any:
        """Return a JSON value with every credential masked in its strings and keys; the same object if there is none."""
        return mask_json(value, partial(self.mask, cuts=cuts))

    def stream(self) -> "MaskedStream":
        """Return a masker of one text that comes in pieces."""
        return MaskedStream(self)

    def mask_streamed(self, text: str) -> str:
        """Like `mask`, but only what is recognised by itself: exact values and formats."""
        return self._streamed.sub(self._masked, text)

    def _masked(self, match: "re.Match[str]") -> str:
        shown = self._written.get(match[0], _SHOWN_CHARS)
        return match[0][:shown] + "•" * (len(match[0]) - shown)

    def _cut_off(self, text: str, cuts: CutMarks, start: int, stop: int) -> list[Span]:
        window = text[start:stop]
        begun = _CONTEXTUAL_BEGUN.search(window)
        first = self.growing_in(window)
        spans = cuts.masked(start + first, stop) if first is not None else []
        if begun is not None and begun.lastindex:
            spans += cuts.masked(start + begun.start(begun.lastindex), stop)
        return [(first + _SHOWN_CHARS, last) for first, last in spans]

    def is_beginning(self, text: str) -> bool:
        """Return True if an exact value begins with the text."""
        return any(form.startswith(text) for form in self._written)

    def growing_in(self, text: str) -> int | None:
        """Offset of the first credential that may continue after the end of the text; None if there is none."""
        tail = len(text.rstrip(_TOKEN_CHARS))
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
        return at_boundary and start >= tail and text[start : start + 3] in _SHAPES


def _forms(value: str) -> Iterator[tuple[str, int]]:
    """Yield a value as it may be written in a text, and the characters of each form that are shown."""
    yield value, _SHOWN_CHARS
    writers: tuple[Callable[[str], str], ...] = (*_JSON_FORMS, html.escape, partial(quote, safe=""), _single_quoted)
    for write in writers:
        form = write(value)
        if form != value:
            yield form, max(_SHOWN_CHARS, len(write(value[:_SHOWN_CHARS])))


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


def _contextual_spans(text: str, start: int = 0) -> Iterator[Span]:
    """Spans to mask of the credentials that are recognised by the text before them."""
    for found in _CONTEXTUAL.finditer(text, start):
        number = found.lastindex or 0
        yield found.start(number) + _SHOWN_CHARS, found.end(number)


class MaskedStream:
    """Masks credentials in a text that comes in pieces, wherever it was cut.

    Text is held back only while it may be part of a credential, from its third character on: the first two are always shown.
    So ordinary prose passes unchanged.

    Args:
        secrets: the credentials.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._exact = _ExactStream(secrets)
        self._contextual = _ContextualStream()

    def feed(self, text: str) -> str:
        """Return the masked text that can be shown now."""
        return self._contextual.feed(self._exact.feed(text))

    def close(self) -> str:
        """Return the rest that was held back, since the text is over."""
        return self._contextual.feed(self._exact.close()) + self._contextual.close()


class _ContextualStream:
    """Masks the credentials that are recognised by the text before them."""

    def __init__(self) -> None:
        self._before = " "  # end of the text that was shown; its first character only tells whether a word begins after it
        self._held = ""
        self._swallowing = False  # the rest of a token that is longer than any key

    def feed(self, text: str) -> str:
        if not self._held and not self._swallowing:
            seen = self._before + text
            if "://" not in seen and "bearer" not in seen.lower():  # a sixth of the time that the expression takes
                self._before = seen[-_MAX_CONTEXT_CHARS:]
                return text
        return self._release(text, last=False)

    def close(self) -> str:
        return self._release("", last=True)

    def _release(self, text: str, *, last: bool) -> str:
        swallowed = ""
        if self._swallowing:
            end_of_token = _NOT_TOKEN.search(text)
            if end_of_token is None:
                return "•" * len(text)
            swallowed, text = "•" * end_of_token.start(), text[end_of_token.start() :]
            self._swallowing, self._before = False, "a"
        seen = self._before + self._held + text
        begun = None if last else _CONTEXTUAL_BEGUN.search(seen, 1)
        end = len(seen)
        if begun is not None:
            end = max(len(self._before), min(end, begun.start(begun.lastindex or 0) + _SHOWN_CHARS))
        shown = swallowed + bullets(seen, _contextual_spans(seen, 1))[len(self._before) : end]
        if len(seen) - end > MAX_TOKEN_CHARS:
            self._swallowing, self._held = True, ""
            return shown + "•" * (len(seen) - end)
        context = begun or _USER_BEGUN.search(seen)
        keep = end - _MAX_CONTEXT_CHARS
        if context is not None:
            keep = min(keep, context.start() - 1)
        else:  # a word that nothing follows any more need not be looked at again
            keep = max(keep, *(found.end() - 1 for found in _CONTEXT.finditer(seen) if found.end() < end), 0)
        self._before, self._held = seen[max(0, keep) : end], seen[end:]
        return shown


class _ExactStream:
    """Masks the credentials that are recognised by themselves: exact values and formats."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._before = ""  # end of the text that was shown: a credential may have begun there
        self._held = ""
        self._swallowing = False

    def feed(self, text: str) -> str:
        if not self._held and not self._swallowing:
            seen = self._before + text
            if self._secrets.heads.search(seen) is None:
                self._before = seen[-_SHOWN_CHARS - 1 :]  # as `_context`: where there is no head, no credential begins
                return text
        return self._slowly(text)

    def close(self) -> str:
        return self._release(self._held, "")

    def _slowly(self, text: str) -> str:
        bullets = ""
        if self._swallowing:
            end = _NOT_TOKEN.search(text)
            if end is None:
                return "•" * len(text)
            self._swallowing = False
            bullets, text = "•" * end.start(), text[end.start() :]
            self._before = ""
        text = self._held + text
        seen = self._before + text
        start = self._secrets.growing_in(seen)
        if start is None:
            return bullets + self._release(text, "")
        held = max(0, start + _SHOWN_CHARS - len(self._before))
        return bullets + self._hold(text[:held], text[held:], seen[start:])

    def _hold(self, shown: str, held: str, credential: str) -> str:
        if len(credential) <= MAX_TOKEN_CHARS or self._secrets.is_beginning(credential):
            return self._release(shown, held)
        # Longer than any key: mask everything up to the end of the token.
        self._swallowing = True
        return self._release(shown, "") + "•" * len(held)

    def _release(self, text: str, held: str) -> str:
        self._held = held
        masked = self._secrets.mask_streamed(self._before + text)[len(self._before) :]
        self._before = _context(self._before + text)
        return masked


def _context(text: str) -> str:
    """Return the end of a text in which a credential may have begun: two characters, and a stand-in for the text before."""
    boundary = text[-_SHOWN_CHARS - 1 : -_SHOWN_CHARS]
    return (_MIDDLE if boundary.isascii() and boundary.isalnum() else boundary and " ") + text[-_SHOWN_CHARS:]


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
