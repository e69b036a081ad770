"""Values that may be credentials: the look of a random one, and what stands in place of one in
documentation and code.
"""

import base64
import binascii
import re
from functools import lru_cache
from pathlib import Path

from nbagent.gate.credential_names import words_of

MIN_NAMED_CHARS = 6
"""Characters of the shortest value that a name alone makes a credential."""

_MIN_RANDOM_CHARS = 16
_MIN_HEX_CHARS = 32  # shorter ones are ids of objects
_MIN_JOINED_CHARS = 24
_MIN_JOINED_RUN_CHARS = 8  # of the longest of the runs that are joined
_RANDOM_CHANGES = 0.25
"""Changes between small letters, capitals and digits a character.

Words have fewer, base64 has 0.44 and hexadecimal 0.47.
"""
_JOINED_CHANGES = 0.33
_MIN_SECRET_PATH_PARTS = 2

_RUN = re.compile(r"[A-Za-z0-9]+")
_CHANGE = re.compile(r"(?<=[a-z])[A-Z0-9]|(?<=[A-Z])[0-9]|(?<=[0-9])[A-Za-z]")
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_PLAIN_RANDOM = re.compile(r"[A-Za-z0-9_\-.~+/=%:|*!$]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ].*)?")
_NUMBER = re.compile(r"[-+]?[\d.,_]+(?:[eE][-+]?\d+)?%?")

_WORDS = words_of(
    "string strings str text bytes object integer number boolean bool float varchar callable "
    "optional required none"
    " null nil true false undefined missing invalid incorrect wrong expired unknown hidden masked "
    "redacted removed"
    " filtered secret password passwd token apikey key value values example sample changeme "
    "change-me notgiven"
    " not_given replaceme placeholder dummy fake test testing foobar unused empty anything "
    "nothing ollama lm-studio"
    " lmstudio not-needed not-used no-key no-key-required vllm local default disabled enabled "
    "forbidden denied"
    " accepted refused rejected revoked rotated changed updated created deleted stored encrypted "
    "hashed plaintext"
    " visible public private confidential authorization authentication authenticated unauthorized "
    "bearer basic digest"
    " header headers cookie cookies session sessions username account random generated automatic "
    "manual prompt"
)
_ASKED_FOR = re.compile(
    r"(?:your|my|the|some|an?|our|this|that|insert|replace|enter|put|paste|fill|add|use|set"
    r"|example|sample|dummy|fake|test|any"
    r"|no|new|old|user|admin|db|database|openai|service|client|app|api|access|auth|secret"
    r"|azure|github|hf|aws|actual|real|here"
    r"|key|keys|token|tokens|password|passwd|secrets|credential|credentials|apikey|value|name"
    r"|id|me|with|goes|from|env|is|not|in"
    r"|anthropic|google|gemini|project|private|public|personal|bot|account|string|own|be|to|of"
    r"|for|it|and|needed|required)"
)
_PLACEHOLDER_WORDS = re.compile(
    rf"{_ASKED_FOR.pattern}(?:[-_ .]?{_ASKED_FOR.pattern})*[-_.]?\d{{0,2}}", re.IGNORECASE
)
_CREDENTIAL_WORD = re.compile("key|token|secret|passw|credential|pwd|kennwort", re.IGNORECASE)
_FILLED = re.compile(r"(?:[xX*•·_\-.#0?…]|\\u2022)+")
_TEMPLATE = re.compile(r"[<{$%\[(]|&lt;|.*(?:\.\.\.|…|\$\{|\{\{|•|\*\*\*)")
_METHOD = re.compile(
    r"(?i)(?:base\d\d|sha\d*|md5|utf\d*|oauth\d?|[herp]s\d{3}|argon2\w*|pbkdf2\w*|ed25519"
    r"|aes\d*|rsa\d*|bcrypt|scrypt|hmac|v\d+"
    r"|x\d+|h\d|t\d|[a-z]+|\d+)"
)
_CAPITALS = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+\.?")
_SCHEME = re.compile(r"[a-z][a-z0-9+.\-]*://")
_HYPHENED_WORDS = re.compile(r"[a-z]{1,15}(?:-[a-z]{1,15})+")


def looks_random(value: str) -> bool:
    """Return True if a text looks as if a generator of keys had written it, and no person."""
    if len(value) < _MIN_RANDOM_CHARS or _PLAIN_RANDOM.fullmatch(value) is None:
        return False
    if is_uuid(value):
        return False
    runs = _RUN.findall(value)
    longest = max(runs, key=len, default="")
    if len(longest) >= _MIN_RANDOM_CHARS and _changes(longest) >= _RANDOM_CHANGES:
        return len(longest) >= _MIN_HEX_CHARS or _HEX.fullmatch(longest) is None
    joined = "".join(runs)
    if len(joined) < _MIN_JOINED_CHARS or len(longest) < _MIN_JOINED_RUN_CHARS:
        return False
    return _changes(joined) >= _JOINED_CHANGES


def is_uuid(value: str) -> bool:
    """Return True if a text is a UUID."""
    return _UUID.fullmatch(value) is not None


def _changes(text: str) -> float:
    """Return the changes between small letters, capitals and digits a character; 0 for letters of
    one case.
    """
    if text.isalpha() and (text.islower() or text.isupper()):
        return 0.0
    return len(_CHANGE.findall(text)) / len(text)


def is_template(value: str) -> bool:
    """Return True if a text is to be filled in, `<your key>` or `${VAR}`, or was blacked out:
    `xxx`, `***`.
    """
    return _FILLED.fullmatch(value) is not None or _TEMPLATE.match(value) is not None


def is_placeholder(value: str) -> bool:
    """Return True if a text stands for a credential, `<your key>`, `YOUR_API_KEY`, `${VAR}`, or
    says what one is.
    """
    if is_template(value):
        return True
    if value.lower() in _WORDS or _PLACEHOLDER_WORDS.fullmatch(value):
        return True
    return _CAPITALS.fullmatch(value) is not None and _CREDENTIAL_WORD.search(value) is not None


def is_words(value: str) -> bool:
    """Return True if a text is small words joined by hyphens."""
    return _HYPHENED_WORDS.fullmatch(value) is not None


def is_path(value: str) -> bool:
    """Return True if a text is a file's path by its look."""
    if not value.startswith(("/", "~", "./", "../", "file:")):
        return False
    if value.count("/") < _MIN_SECRET_PATH_PARTS or "+" in value or "=" in value:
        return False
    return not looks_random(value)


@lru_cache(maxsize=256)
def is_file(value: str) -> bool:
    """Return True if there is a file or folder at that path."""
    try:
        return Path(value).expanduser().exists()
    except (OSError, RuntimeError, ValueError):
        return False


def is_quoted_credential(value: str) -> bool:
    """Return True if a text in quotes is a credential where a name is sure to mark one."""
    if len(value) < MIN_NAMED_CHARS or is_placeholder(value):
        return False
    return not (_DATE.fullmatch(value) or _SCHEME.match(value) or is_path(value))


def is_assigned_credential(value: str, *, in_code: bool) -> bool:
    """Return True if a text without quotes is a credential after `=`, where a name is sure to mark
    one.

    Args:
        value: the text.
        in_code: whether it may be an expression, as in a call. Otherwise it is a line of a shell, a
            DSN or a URL.
    """
    if not is_quoted_credential(value) or _NUMBER.fullmatch(value):
        return False
    if looks_random(value):
        return True
    if in_code and _DOTTED.fullmatch(value):
        return False
    if in_code and _IDENTIFIER.fullmatch(value):
        return _has_digit(value) and _CREDENTIAL_WORD.search(value) is None
    return True


def is_written_credential(value: str, *, is_line: bool) -> bool:
    """Return True if a text without quotes is a credential after a colon, where a name is sure to
    mark one.

    Args:
        value: the text.
        is_line: whether it is all of a line's text, as in YAML. Otherwise it may be prose.
    """
    if not is_quoted_credential(value) or _NUMBER.fullmatch(value):
        return False
    if looks_random(value):
        return True
    if not is_line and not _has_digit(value):
        return False
    parts = [part for part in re.split(r"[-_./]", value) if part]
    if len(parts) > 1 or not is_line:
        return not all(_METHOD.fullmatch(part) for part in parts)
    if _METHOD.fullmatch(value) is None:
        return True
    return value.isalpha() and _CREDENTIAL_WORD.search(value) is None


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def is_basic(value: str) -> bool:
    """Return True if a text is a user's name and password as HTTP's Basic scheme writes them.

    Source: https://www.rfc-editor.org/rfc/rfc7617#section-2.
    """
    return password_of(value) is not None


def password_of(value: str) -> str | None:
    """Return the password in the credentials of HTTP's Basic scheme; None if the text is none."""
    try:
        text = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    _, colon, password = text.partition(":")
    if not colon or not text.isprintable():
        return None
    return password
