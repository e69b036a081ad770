"""Formats of credentials: those of well-known services' keys, and tokens that are recognised by the text before them."""

import re
import string
from collections.abc import Iterator

from nbagent.gate.masking import Span

SHOWN_CHARS = 2
"""Characters of a credential that are shown."""

CHAR = r"[A-Za-z0-9_\-.~+/=]"
"""Expression for one character of a token."""
TOKEN_CHARS = string.ascii_letters + string.digits + "_-.~+/="
"""The same characters as a text."""

SHAPES = {
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
"""Expressions for the keys of well-known services, by the fixed head that each begins with: three characters.

Source: the key formats that GitHub's secret scanning documents
(https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns).
"""
SHAPED = rf"(?<![A-Za-z0-9])(?:{'|'.join(SHAPES.values())})"  # one look-behind for all is twenty times as fast as one for each
"""Expression for any of them, where no word goes on."""

# These are recognised by the text before them: a token after "Bearer", and after a user's name the password in a URL
# (https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1).
_AFTER_BEARER = r"(?i:\bbearer\s{1,8})"
_AFTER_USER = r"://[^\s/:@]{0,256}:"
CONTEXTUAL = re.compile(rf"{_AFTER_BEARER}({CHAR}{{16,}})|{_AFTER_USER}([^\s/:@]{{4,256}})@")
"""Matches a credential in its context; one of the two groups is the credential."""
CONTEXTUAL_BEGUN = re.compile(rf"{_AFTER_BEARER}({CHAR}*)\Z|{_AFTER_USER}([^\s/:@]{{0,256}})\Z")
"""Matches one that goes on at the end of the text."""
CONTEXT = re.compile("://|bearer", re.IGNORECASE)
"""Matches where the context of a credential may begin."""
_BEARER = "bearer"
_SLICE_CHARS = 65_536
USER_BEGUN = re.compile(r"://[^\s/:@]{0,256}\Z")
"""Matches the context of a password that goes on at the end of the text."""


def has_context(text: str) -> bool:
    """Return True if the text may hold a `CONTEXT`, in a sixth of the time that the expression takes."""
    if "://" in text:
        return True
    if len(text) <= _SLICE_CHARS:
        return _BEARER in text.lower()
    # A lower-case copy of a whole text may take four times its memory.
    slices = range(0, len(text), _SLICE_CHARS)
    return any(_BEARER in text[start : start + _SLICE_CHARS + len(_BEARER)].lower() for start in slices)


def contextual_spans(text: str, start: int = 0) -> Iterator[Span]:
    """Spans to mask of the credentials that are recognised by the text before them."""
    for found in CONTEXTUAL.finditer(text, start):
        number = found.lastindex or 0
        yield found.start(number) + SHOWN_CHARS, found.end(number)
