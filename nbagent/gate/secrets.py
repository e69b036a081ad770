"""Credentials, and how they are kept out of everything that is shown, saved or logged.

What counts as one: the value of an environment variable that is named like one (`OPENAI_API_KEY`), what a client sends to
prove who it is (`register`), and any text in the shape that well-known services give their keys. Each is masked in place, its
first two characters kept and every other one a bullet: a text keeps its length, so an offset into it stays valid.
"""

import logging
import os
import re
import string
import threading
from collections.abc import Iterable, Mapping
from typing import Any

SHORTEST = 8
"""Characters; what is shorter is no secret worth the name, and masking it would spoil ordinary words."""

LONGEST_TOKEN = 512
"""Characters of a key that are held back in a stream before it is known where the key ends."""

_SHOWN = 2
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
_SHAPED = rf"(?<![A-Za-z0-9])(?:{'|'.join(_SHAPES.values())})"  # one look behind for all: twenty times as fast as one for each
# These need what stands before them, and are masked in whole texts only.
_SAID = rf"(?i:\bbearer\s+)({_CHAR}{{16,}})|://[^\s/:@]*:([^\s/:@]{{4,}})@"
_TOKEN_CHARS = string.ascii_letters + string.digits + "_-.~+/="
_NOT_TOKEN = re.compile(rf"(?!{_CHAR}).", re.DOTALL)

_lock = threading.Lock()
_registered: set[str] = set()


def register(*values: str | None) -> None:
    """Remember credentials, so that they are masked from now on in every run of this process.

    Args:
        values: the secrets themselves; None and what is shorter than 8 characters is passed over.
    """
    with _lock:
        _registered.update(value for value in values if value and len(value) >= SHORTEST)


def is_credential(name: str) -> bool:
    """Whether a header, or a parameter of an address, is named like one that says who sends it."""
    return any(word in name.lower() for word in _HEADERS)


def credentials_in(headers: Mapping[str, Any]) -> list[str]:
    """The credentials among the headers of a request: the last word of every one that is named like a credential."""
    named = (value for name, value in headers.items() if is_credential(name))
    return [value.split()[-1] for value in named if isinstance(value, str) and value.strip()]


def credentials_of(source: Any) -> list[str]:
    """What an SDK's stream, or the error that it gave instead, sent to prove who it is: its response has the request."""
    response = getattr(source, "response", None) or getattr(source, "_response", None)  # so the openai SDK's helpers
    headers = getattr(getattr(response, "request", None), "headers", None)
    return credentials_in(headers) if isinstance(headers, Mapping) else []


def mask(text: str) -> str:
    """The text with every known credential masked; as long as before."""
    return known().mask(text)


def known() -> "Secrets":
    """What is secret at this moment: the environment's, what was registered, and the well-known shapes."""
    values = {value for name, value in os.environ.items() if _is_secret(name, value)}
    with _lock:
        return _compiled(frozenset(values | _registered))


def _is_secret(name: str, value: str) -> bool:
    # A key that is kept in a file is named by a path, and a path is no secret.
    is_named = not _NAMED.isdisjoint(re.split(r"[^a-z]+", name.lower()))
    return is_named and len(value) >= SHORTEST and not value.startswith(("/", "~", "."))


_latest: "Secrets | None" = None


def _compiled(values: frozenset[str]) -> "Secrets":
    global _latest
    if _latest is None or _latest.values != values:
        _latest = Secrets(values)
    return _latest


class Secrets:
    """A set of credentials, ready to be masked. Its repr does not show them.

    Args:
        values: exact texts; the well-known shapes are always among them.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self.values = frozenset(values)
        exact = "|".join(re.escape(value) for value in sorted(self.values, key=len, reverse=True))
        self._streamed = re.compile(f"{exact}|{_SHAPED}" if exact else _SHAPED)
        self._whole = re.compile(f"{self._streamed.pattern}|{_SAID}")
        self._heads = {value[: _SHOWN + 1] for value in self.values}
        self.heads = re.compile("|".join(re.escape(head) for head in sorted(self._heads | set(_SHAPES))))
        """Finds the places where a credential may begin."""

    def __repr__(self) -> str:
        return f"<Secrets: {len(self.values)} values>"

    def mask(self, text: str) -> str:
        """The text with every credential masked; as long as before."""
        return self._whole.sub(_masked, text)

    def mask_json(self, value: Any) -> Any:
        """A JSON value with every credential masked in its strings and keys; the same object if there is none."""
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, dict):
            made = {self.mask(key) if isinstance(key, str) else key: self.mask_json(item) for key, item in value.items()}
            return made if made != value else value
        if isinstance(value, list | tuple):
            items = [self.mask_json(item) for item in value]
            return items if items != list(value) else value
        return value

    def stream(self) -> "MaskedStream":
        """What masks one text that comes in pieces."""
        return MaskedStream(self)

    def mask_streamed(self, text: str) -> str:
        """Like `mask`, for what can be known in a stream: exact values and shapes."""
        return self._streamed.sub(_masked, text)

    def growing_in(self, text: str) -> int | None:
        """Where the first credential begins that may go on behind the end of the text; None if none does."""
        tail = len(text.rstrip(_TOKEN_CHARS))
        head = self.heads.search(text)
        while head is not None and not self._may_grow_from(text, head.start(), tail):
            head = self.heads.search(text, head.start() + 1)  # not after its end: heads may overlap
        if head is None:
            return None
        # It may begin inside one that is whole: that is masked as a whole or not at all.
        around = (found.start() for found in self._streamed.finditer(text) if found.start() < head.start() < found.end())
        return next(around, head.start())

    def _may_grow_from(self, text: str, start: int, tail: int) -> bool:
        """Whether a credential may begin at `start`; from `tail` on the text is one token."""
        size = len(text) - start
        if any(len(value) > size and value.startswith(text[start:]) for value in self.values):
            return True
        at_boundary = start == 0 or not (text[start - 1].isascii() and text[start - 1].isalnum())
        return at_boundary and start >= tail and text[start : start + 3] in _SHAPES


def _masked(match: re.Match[str]) -> str:
    said = next((group for group in match.groups() if group is not None), None) if match.re.groups else None
    whole = match[0]
    if said is None:
        return whole[:_SHOWN] + "•" * (len(whole) - _SHOWN)
    start = whole.rindex(said)
    return whole[:start] + said[:_SHOWN] + "•" * (len(said) - _SHOWN) + whole[start + len(said) :]


class MaskedStream:
    """Masks credentials in a text that comes in pieces, wherever it was cut.

    Text is held back only while it may be a credential that goes on: its third character at the earliest, since the first two
    are shown anyway. So ordinary prose passes as it comes.

    Args:
        secrets: what is secret.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._before = ""  # the last characters that were let through: a credential may have begun there
        self._held = ""
        self._swallowing = False

    def feed(self, text: str) -> str:
        """What may be shown now."""
        if not self._held and not self._swallowing and self._secrets.heads.search(self._before + text) is None:
            self._before = _context(self._before + text)
            return text
        return self._slowly(text)

    def close(self) -> str:
        """What was held back: the text is over."""
        return self._pass(self._held, "")

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
            return bullets + self._pass(text, "")
        held = max(0, start + _SHOWN - len(self._before))
        return bullets + self._hold(text[:held], text[held:], seen[start:])

    def _hold(self, shown: str, held: str, credential: str) -> str:
        if len(credential) <= LONGEST_TOKEN or any(value.startswith(credential) for value in self._secrets.values):
            return self._pass(shown, held)
        # Longer than any key: all of it up to the token's end is one.
        self._swallowing = True
        return self._pass(shown, "") + "•" * len(held)

    def _pass(self, text: str, held: str) -> str:
        self._held = held
        masked = self._secrets.mask_streamed(self._before + text)[len(self._before) :]
        self._before = _context(self._before + text)
        return masked


def _context(text: str) -> str:
    """What a credential may have begun in: the last two characters, and before them only whether a word goes on there."""
    boundary = text[-_SHOWN - 1 : -_SHOWN]
    return (_MIDDLE if boundary.isascii() and boundary.isalnum() else boundary and " ") + text[-_SHOWN:]


class MaskingFilter(logging.Filter):
    """Keeps credentials out of a logger's records, tracebacks included."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record in place; every record passes."""
        secrets = known()
        record.msg, record.args = secrets.mask(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = secrets.mask(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


logging.getLogger("nbagent").addFilter(MaskingFilter())
