"""Credentials that are recognised by the text around them: a name before them, a scheme of HTTP, an
address, a PEM block.

`found_in` reads a text from anchor to anchor: words of which names of credentials are made, and
marks such as `://`. Each has a rule, which looks a bounded way back and ahead.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from nbagent.gate import credential_values as values
from nbagent.gate.credential_names import Grade, credential_grade
from nbagent.gate.key_formats import CHAR, SHOWN_CHARS
from nbagent.gate.masking import Span

CONTEXT_CHARS = 192
"""Characters before a value that its rule may read."""
MAX_VALUE_CHARS = 512
"""Characters of a value by which it is judged. A longer one is masked to its end, or not at all."""

_SLICE_CHARS = 65_536  # a copy of a whole text in small letters may take four times its memory
_MIN_BEARER_CHARS = 16
_MIN_PASSWORD_CHARS = 4
_MIN_PEM_LINE_CHARS = 16
_MAX_PEM_CHARS = 16_384
_MAX_COOKIES_CHARS = 4096
_PART_CHARS = 24  # of a name, before and after the anchor in it

_SEPARATED = (
    rf"(?=[a-z0-9_.\-]{{0,{_PART_CHARS}}}+"
    r"(?:[\"'\\\]]{0,9}[ \t]{0,8}(?:[:=]|!=|value=)|[\"'][ \t]{0,8},|>| (?:provided|is|was)[ :=]))"
)
# Grouped by their first letters, which `re` finds fast.
_ANCHOR = re.compile(
    rf"k(?:ey|ennwort){_SEPARATED}|token{_SEPARATED}|s(?:ecret|ess|ig|as){_SEPARATED}"
    rf"|p(?:ass|wd?|at){_SEPARATED}|private key"
    rf"|c(?:red|ookie|ode|onnection|onn_?str){_SEPARATED}"
    rf"|auth{_SEPARATED}|jwt{_SEPARATED}|response{_SEPARATED}"
    r"|b(?:earer|asic )|hooks|:(?://|aa)|-(?:u |-user[ =]|-)"
)
"""Matches an anchor in small letters.

Each alternative begins with a character, so that `re` skips all others fast.
"""

_UNFINISHED_CHARS = 72
_UNFINISHED = re.compile(r"[A-Za-z0-9_.\-\"'\\\] \t]*[/:]{0,2}")  # backwards


def _cut(word: str) -> str:
    """Return an expression for a word's beginnings, the empty one and the word itself among
    them.
    """
    return "".join(f"(?:{character}" for character in word) + ")?" * len(word)


_NAME = re.compile(rf"[A-Za-z0-9_.\-]{{0,{_PART_CHARS}}}")
_SEPARATOR = re.compile(
    r"(?P<close>(?:\\{0,7}[\"'])?)\]?(?: (?:provided|is|was))?(?P<gap>[ \t]{0,8})"
    r"(?P<mark>[:=!]?=>?|:|,|>|value=)(?P<space>[ \t]{0,8})"
    # {"name": "API_KEY", "value": "…"}
    r"(?P<pair>(?:\\{0,7}[\"']value\\{0,7}[\"'][ \t]{0,8}:[ \t]{0,8})?)"
)
_OPENING = re.compile(
    r"(?:[bfru]{1,2}(?=\\{0,7}[\"']))?(?P<quote>(?:\\{0,7}[\"'])?)(?P<scheme>(?i:(?:"
    r"bearer|basic|token|digest|apikey|api-key|key|bot|splunk|negotiate|aws4-hmac-sha256|jwt)[ "
    r"\t]{1,8})?)"
)
# The same at the end of a text that they may go on in.
_VERB_BEGUN = "|".join(map(_cut, ("provided", "is", "was")))
_SEPARATOR_BEGUN = re.compile(
    rf"[\"'\\\]]{{0,9}}(?: (?:{_VERB_BEGUN}))?[ \t]{{0,8}}{_cut('value')}!?\Z"
)
_OPENING_BEGUN = re.compile(r"[bfru]{0,2}\\{0,7}\Z")
_PAIR_BEGUN = re.compile(r"value\\{0,7}[\"']?[ \t]{0,8}\Z")
_BARE = re.compile(rf"[^\s\"'\\,;&(){{}}\[\]<>`|•]{{0,{MAX_VALUE_CHARS}}}")
_SHELL = re.compile(rf"[^\s\"'\\;&`|<>•]{{0,{MAX_VALUE_CHARS}}}")
_TOKEN = re.compile(rf"{CHAR}{{0,{MAX_VALUE_CHARS}}}")
_BARE_REST = re.compile(r"[^\s\"'\\,;&(){}\[\]<>`|•]*")
_TOKEN_REST = re.compile(f"{CHAR}*")
_WRITTEN = re.compile(rf"[^\s\"'\\,;(){{}}\[\]<>`|•]{{0,{MAX_VALUE_CHARS}}}")
_TYPED = re.compile(
    r"(?:\[[\w\[\], .|]{0,40})?(?:[ \t]{0,4}\|[ \t]{0,4}\w{0,20})?[ \t]{0,8}(?:(?P<equals>=)[ "
    r"\t]{0,8}|\Z)"
)
_LINE_BEGUN = re.compile(r"[ \t\-]{0,20}(?:\n|n\\|\Z)")  # backwards
_LINE_ENDED = re.compile(r"[ \t\r]{0,16}(?:(?P<end>\n|\\[nr]|#)|\Z)")
_SENTENCE_MARKS = ".,;:!?"

_FLAG_NAME = re.compile(r"[A-Za-z0-9\-]{0,40}")
_SPACES = re.compile(r"[ \t]{1,8}")
_USER = re.compile(r"[^\s/:@?#\"'<>\\]{0,256}")
_PORT = re.compile(r"\d{0,5}(?:(?P<end>[/?#\s\"'<>\\),])|\Z)")
_PASSWORD = re.compile(r"[^\s\"'<>\\@]{0,256}")
_MORE_PASSWORD = re.compile(r"@[^\s/\"'<>\\?#@]{0,256}")
_USER_TOKEN = re.compile(r"[A-Za-z0-9_\-~%+=$!*]{1,256}")

_LOGIN_BEGUN = re.compile(r"(?i:-u|--user)[ =][\"']?[^\s:\"'/]{0,64}\Z")
_LOGIN = re.compile(r"(?i:-u|--user)[ =][\"']?[^\s:\"'/]{1,64}:([^\s\"'\\/]{0,256})")

_COOKIE = re.compile(r"([\w!#$%&*+\-.^|~]{1,64})(?:=([^;\s\"'\\,]*))?")
_EXPIRES = re.compile(r"expires=[^;\"'\n\\]{0,40}", re.IGNORECASE)
_COOKIE_GAP = re.compile(r"; {0,2}")
_COOKIE_ATTRIBUTES = frozenset({"path", "domain", "expires", "max-age", "samesite", "priority"})

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

_TELEGRAM_ID = re.compile(r"\d{8,10}(?!\d)")  # backwards
_TELEGRAM = re.compile(r"AA[A-Za-z0-9_\-]{0,33}")
_TELEGRAM_CHARS = 35
_WEBHOOK = re.compile(
    r"(?i:hooks\.slack\.com/(?:services|workflows|triggers)"
    r"|hooks)/(?:[\w\-]{0,40}/){0,2}([\w\-]{0,512})"
)


class Found(NamedTuple):
    """A credential in its context, or what may become one.

    Attributes:
        begin: offset of its context.
        value: offset of the value.
        end: offset after the value.
        spans: to mask.
        is_open: whether the rest of the value, or what decides about it, may come after the end of
            the text.
        rest: matches how the value goes on where it is longer than any key, and reaches the end of
            the text.
        is_sure: whether what is open has a context that is no everyday data's.
    """

    begin: int
    value: int
    end: int
    spans: list[Span]
    is_open: bool = False
    rest: re.Pattern[str] | None = None
    is_sure: bool = False

    def is_cut_credential(self, text: str) -> bool:
        """Return True if the text ends in what is, or may be, the beginning of a credential."""
        if self.is_open and self.is_sure:
            return not values.is_placeholder(text[self.value : self.end])
        return self.is_open and _is_random(text[self.value : self.end])


def may_hold_context(text: str) -> bool:
    """Return True if the text may hold the context of a credential, in a small part of the time
    that `found_in` takes.
    """
    if (
        ":" in text
        or "=" in text
        or "--" in text
        or "hooks" in text
        or ">" in text
        or '",' in text
        or "'," in text
    ):
        return True
    if len(text) <= _SLICE_CHARS:
        return _holds_scheme(text.lower())
    slices = range(0, len(text), _SLICE_CHARS)
    return any(
        _holds_scheme(text[start : start + _SLICE_CHARS + len("bearer")].lower())
        for start in slices
    )


def _holds_scheme(small: str) -> bool:
    return "bearer" in small or "basic " in small


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
    return len(text) - _end(_UNFINISHED, tail, 0)


def named_spans(name: str, value: str) -> list[Span]:
    """Spans to mask of a value that stands by itself under a name, as in JSON."""
    grade = credential_grade(name)
    if grade is None:
        return []
    if "cookie" in name.lower() and (cookies := _cookies(value, 0, 0, is_whole=True)):
        return cookies.spans
    scheme = _OPENING.match(value)
    start = scheme.end() if scheme is not None and scheme["scheme"] and not scheme["quote"] else 0
    is_value = start or not re.search(r"\s", value)
    return (
        [(start + SHOWN_CHARS, len(value))]
        if is_value and _is_sure(grade, value[start : start + MAX_VALUE_CHARS])
        else []
    )


def cookie_values(header: str) -> list[str]:
    """Return the values of the cookies in a `Cookie` or `Set-Cookie` header."""
    pairs = [pair.partition("=") for pair in header.split(";")]
    return [
        value.strip().strip('"')
        for name, _, value in pairs
        if name.strip().lower() not in _COOKIE_ATTRIBUTES
    ]


def _is_sure(grade: Grade, value: str) -> bool:
    return values.is_quoted_credential(value) if grade == "sure" else _is_random(value)


def _is_random(value: str) -> bool:
    return values.looks_random(value.rstrip(_SENTENCE_MARKS)) and not values.is_placeholder(value)


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
        case ":":
            rule = _telegram if text[stop - 1] in "aA" else _user_info
        case "-":
            rule = _flag if stop == at + 2 else _login
        case "b" | "B":
            rule = _scheme
        case "h" | "H":
            rule = _webhook
        case "p" | "P" if text[stop - 1] in "yY":
            rule = _pem
        case _:
            rule = _named
    return rule(text, at, stop, is_whole)


def _masked(text: str, begin: int, value: int, end: int, rest: re.Pattern[str]) -> Found:
    """Return a credential; if it is longer than `MAX_VALUE_CHARS`, to the end of what `rest`
    matches.
    """
    if end - value < MAX_VALUE_CHARS:
        return Found(begin, value, end, [(value + SHOWN_CHARS, end)])
    last = _end(rest, text, end)
    return Found(
        begin, value, last, [(value + SHOWN_CHARS, last)], rest=rest if last == len(text) else None
    )


def _opened(begin: int, value: int, end: int, grade: Grade = "sure") -> Found:
    return Found(begin, value, end, [], is_open=True, is_sure=grade == "sure")


def _waiting(text: str, begin: int) -> Found:
    """Return a context whose value has not begun, at the end of the text."""
    return _opened(begin, len(text), len(text))


def _end(expression: re.Pattern[str], text: str, at: int) -> int:
    found = expression.match(text, at)
    return at if found is None else found.end()


def _behind(expression: re.Pattern[str], text: str, at: int) -> int:
    """Return how many characters before an offset an expression matches; it is written for the
    reversed text.
    """
    return _end(expression, text[max(0, at - _PART_CHARS) : at][::-1], 0)


# --- names ---


def _named(text: str, at: int, stop: int, is_whole: bool) -> Found | None:
    name_end = _end(_NAME, text, stop)
    separator = _SEPARATOR.match(text, name_end)
    if separator is None:
        is_begun = not is_whole and _SEPARATOR_BEGUN.match(text, name_end) is not None
        return _waiting(text, at) if is_begun else None
    mark = separator["mark"]
    begin = at - _behind(_NAME, text, at)
    grade = _grade(text, begin, name_end, mark)
    if grade is None:
        return None
    opening = _OPENING.match(text, separator.end())
    if opening is None:
        return None
    value, quote, scheme = opening.end(), opening["quote"], opening["scheme"]
    if _OPENING_BEGUN.match(text, value):
        return None if is_whole else _waiting(text, begin)
    if "cookie" in text[at:name_end].lower() and not scheme:
        cookies = _cookies(text, begin, value, is_whole=is_whole)
        if cookies is not None:
            return cookies
    if quote:
        if mark == "," and not separator["pair"]:
            is_pair = not is_whole and _PAIR_BEGUN.match(text, value) is not None
            return (
                _waiting(text, begin)
                if is_pair
                else _quoted(text, begin, value, quote, "maybe", is_whole)
            )
        return _quoted(text, begin, value, quote, grade, is_whole)
    if scheme:
        # their fields have names of their own
        is_other = scheme.lower().startswith(("digest", "aws4"))
        return None if is_other else _after_scheme(text, begin, value, grade, is_whole)
    if mark == ">":
        return (
            _element(text, begin, value, grade, is_whole)
            if text[begin - 1 : begin] == "<"
            else None
        )
    if mark == "," or separator["close"]:
        return None  # numbers, null, code
    if mark == ":":
        return _after_colon(text, begin, value, grade, is_whole)
    is_spaced = bool(separator["gap"] or separator["space"])
    is_shell = not is_spaced and text[begin:name_end].isupper()
    return _assigned(text, begin, value, grade, is_whole, is_spaced=is_spaced, is_shell=is_shell)


def _grade(text: str, begin: int, name_end: int, mark: str) -> Grade | None:
    name, before = text[begin:name_end].strip("-."), text[begin - 1 : begin]
    if mark == ":" and before == " ":  # "API key: …"
        word = text[max(0, begin - 1 - _PART_CHARS) : begin - 1].rpartition(" ")[2]
        grade = credential_grade(f"{word}_{name}")
        if grade is not None:
            return grade
    return credential_grade(
        name, is_parameter=mark == "=", in_address=mark == "=" and before in ("?", "&", "#")
    )


@lru_cache(maxsize=64)
def _inside(quote: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the expressions for the text up to that closing quote or a space, and for the rest of
    a long one.
    """
    mark = quote[-1]
    character = rf"(?:[^{mark}\\\s]|\\[^\s])"
    if len(quote) > 1:  # JSON inside a string of JSON
        character = rf"(?:(?!{re.escape(quote)})(?:[^{mark}\\\s]|\\+[^\s\\]))"
    return re.compile(rf"{character}{{0,{MAX_VALUE_CHARS}}}"), re.compile(f"{character}*")


def _quoted(
    text: str, begin: int, value: int, quote: str, grade: Grade, is_whole: bool
) -> Found | None:
    inside, rest = _inside(quote)
    end = _end(inside, text, value)
    is_long = end - value >= MAX_VALUE_CHARS
    is_cut = not text[end : end + len(quote)].rstrip("\\")
    if is_cut and not is_long and not is_whole:
        return _opened(begin, value, end, grade)
    if text[end : end + 1].isspace() and not is_long:
        return None  # a sentence
    return _masked(text, begin, value, end, rest) if _is_sure(grade, text[value:end]) else None


def _after_scheme(text: str, begin: int, value: int, grade: Grade, is_whole: bool) -> Found | None:
    end = _end(_TOKEN, text, value)
    if end == len(text) and end - value < MAX_VALUE_CHARS and not is_whole:
        return _opened(begin, value, end, grade)
    token = text[value:end].rstrip(_SENTENCE_MARKS)
    is_one = (
        values.is_written_credential(token, is_line=True) if grade == "sure" else _is_random(token)
    )
    return _masked(text, begin, value, end, _TOKEN_REST) if is_one else None


def _assigned(
    text: str,
    begin: int,
    value: int,
    grade: Grade,
    is_whole: bool,
    *,
    is_spaced: bool,
    is_shell: bool,
) -> Found | None:
    before = text[max(0, begin - 2) : begin]
    in_call = before.endswith(("(", ",")) or before == ", "
    end = _end(_SHELL if is_shell and not in_call else _BARE, text, value)
    if end == len(text) and end - value < MAX_VALUE_CHARS and not is_whole:
        return _opened(begin, value, end, grade)
    following = text[end : end + 1]
    if following and following in "([{":
        return None
    written = text[value:end].rstrip(_SENTENCE_MARKS)
    in_code = is_spaced or in_call or (following in ",)" and following != "")
    is_one = (
        values.is_assigned_credential(written, in_code=in_code)
        if grade == "sure"
        else _is_random(written)
    )
    return _masked(text, begin, value, end, _BARE_REST) if is_one else None


def _after_colon(text: str, begin: int, value: int, grade: Grade, is_whole: bool) -> Found | None:
    end = _end(_WRITTEN, text, value)
    is_long = end - value >= MAX_VALUE_CHARS
    if end == len(text) and not is_long and not is_whole:
        return _opened(begin, value, end, grade)
    typed = _TYPED.match(text, end)
    if typed is not None and typed["equals"]:  # `api_key: str = "…"`
        opening = _OPENING.match(text, typed.end())
        if opening is None or _OPENING_BEGUN.match(text, opening.end()):
            return None if is_whole else _opened(begin, value, end, grade)
        if not opening["quote"]:
            return None
        return _quoted(text, begin, opening.end(), opening["quote"], grade, is_whole)
    line = _LINE_ENDED.match(text, end)
    is_undecided = typed is not None or (line is not None and not line["end"]) or text[end:] == "\\"
    if is_undecided and not is_long and not is_whole:
        return _opened(begin, value, end, grade)
    if text[end : end + 1] in ("(", "[", "{"):
        return None
    before = text[max(0, begin - _PART_CHARS) : begin][::-1]
    is_line = line is not None and _LINE_BEGUN.match(before) is not None
    written = text[value:end].rstrip(_SENTENCE_MARKS)
    is_one = (
        values.is_written_credential(written, is_line=is_line)
        if grade == "sure"
        else _is_random(written)
    )
    return _masked(text, begin, value, end, _BARE_REST) if is_one else None


def _element(text: str, begin: int, value: int, grade: Grade, is_whole: bool) -> Found | None:
    """`<password>…</password>`."""
    end = _end(_BARE, text, value)
    if end == len(text) and end - value < MAX_VALUE_CHARS and not is_whole:
        return _opened(begin, value, end, grade)
    is_one = text[end : end + 1] == "<" and _is_sure(grade, text[value:end])
    return _masked(text, begin, value, end, _BARE_REST) if is_one else None


def _flag(text: str, at: int, stop: int, is_whole: bool) -> Found | None:
    """`--password …`."""
    name_end = _end(_FLAG_NAME, text, stop)
    if name_end == len(text):
        return None if is_whole else _waiting(text, at)
    grade = credential_grade(text[stop:name_end])
    value = name_end + 1
    if grade is None or text[name_end] != " ":
        return None
    opening = _OPENING.match(text, value)
    if opening is None or _OPENING_BEGUN.match(text, opening.end()):
        return None if is_whole else _waiting(text, at)
    if opening["quote"]:
        return _quoted(text, at, opening.end(), opening["quote"], grade, is_whole)
    end = _end(_BARE, text, value)
    if end == len(text) and end - value < MAX_VALUE_CHARS and not is_whole:
        return _opened(at, value, end, grade)
    written = text[value:end]
    is_one = (
        values.is_written_credential(written, is_line=False)
        if grade == "sure"
        else _is_random(written)
    )
    return (
        _masked(text, at, value, end, _BARE_REST)
        if is_one and not written.startswith("-")
        else None
    )


def _cookies(text: str, begin: int, value: int, *, is_whole: bool) -> Found | None:
    """The values of all cookies in a header; https://www.rfc-editor.org/rfc/rfc6265#section-4."""
    spans: list[Span] = []
    at = value
    while at - value < _MAX_COOKIES_CHARS:
        expires = _end(_EXPIRES, text, at)
        cookie = _COOKIE.match(text, at)
        if cookie is None or (at == value and cookie[2] is None):
            break
        at = max(expires, cookie.end())
        if cookie[2] is not None and cookie[1].lower() not in _COOKIE_ATTRIBUTES:
            start, end = cookie.span(2)
            if values.is_quoted_credential(text[start : min(end, start + MAX_VALUE_CHARS)]):
                spans.append((start + SHOWN_CHARS, end))
        following = _end(_COOKIE_GAP, text, at)
        if following == at:
            break
        at = following
    if at == value:
        return None
    if at == len(text) and not is_whole and at - value < _MAX_COOKIES_CHARS:
        return _opened(begin, value, at)
    return Found(begin, value, at, spans)


# --- marks ---


def _scheme(text: str, at: int, stop: int, is_whole: bool) -> Found | None:
    """A token after `Bearer`, and a user's name and password after `Basic`."""
    before = text[at - 1 : at]
    is_basic = text[stop - 1] == " "
    value = _end(_SPACES, text, stop - 1 if is_basic else stop)
    if before.isalnum() or before == "_" or (value == stop and not is_basic and value < len(text)):
        return None
    if value == len(text):
        return None if is_whole else _waiting(text, at)
    end = _end(_TOKEN, text, value)
    if end == len(text) and end - value < MAX_VALUE_CHARS and not is_whole:
        return _opened(at, value, end)
    token = text[value:end]
    if is_basic:
        is_one = end - value >= values.MIN_NAMED_CHARS and values.is_basic(token)
    else:
        is_one = end - value >= _MIN_BEARER_CHARS and not (
            values.is_placeholder(token) or values.is_words(token)
        )
    return _masked(text, at, value, end, _TOKEN_REST) if is_one else None


def _user_info(text: str, at: int, stop: int, is_whole: bool) -> Found | None:
    """The password in an address, or the token before its host;
    https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1.
    """
    user_end = _end(_USER, text, stop)
    is_cut = user_end == len(text) and not is_whole
    if text[user_end : user_end + 1] != ":":
        end = _end(_USER_TOKEN, text, stop)
        if end == len(text) and end > stop and not is_whole:
            return _opened(at, stop, end, "maybe")
        if is_cut:
            return _waiting(text, at)
        is_one = text[end : end + 1] == "@" and _is_random(text[stop:end])
        return Found(at, stop, end, [(stop + SHOWN_CHARS, end)]) if is_one else None
    value = user_end + 1
    port = _PORT.match(text, value)
    if port is not None and (port["end"] or is_whole):
        return None
    end = _end(_PASSWORD, text, value)
    following = _end(_MORE_PASSWORD, text, end)
    while following < len(text) and text[following] == "@" and following > end:
        end, following = following, _end(_MORE_PASSWORD, text, following)
    if following == len(text) and not is_whole:
        return _opened(at, value, end)
    is_one = (
        text[end : end + 1] == "@"
        and end - value >= _MIN_PASSWORD_CHARS
        and not values.is_template(text[value:end])
    )
    return Found(at, value, end, [(value + SHOWN_CHARS, end)]) if is_one else None


def _login(text: str, at: int, stop: int, is_whole: bool) -> Found | None:
    """The password of `curl -u user:password`."""
    login = _LOGIN.match(text, at)
    if login is None:
        is_begun = not is_whole and _LOGIN_BEGUN.match(text, at) is not None
        return _waiting(text, at) if is_begun else None
    value, end = login.span(1)
    if end == len(text) and not is_whole:
        return _opened(at, value, end)
    written = text[value:end]
    is_one = values.is_assigned_credential(written, in_code=False)
    return Found(at, value, end, [(value + SHOWN_CHARS, end)]) if is_one else None


def _pem(text: str, at: int, stop: int, is_whole: bool) -> Found | None:
    """The lines of a private key; https://www.rfc-editor.org/rfc/rfc7468, and OpenPGP's armor."""
    begun = _PEM_BEGUN.search(text[max(0, at - 64) : at])
    mark = _PEM_MARK.match(text, at)
    if begun is None or mark is None:
        is_begun = begun is not None and len(text) - stop < _PEM_MARK_CHARS and not is_whole
        return _waiting(text, at) if is_begun else None
    spans: list[Span] = []
    short: list[Span] = []  # the last line of a key, and a checksum
    end = begin = mark.end()
    while end - begin < _MAX_PEM_CHARS:
        start = _end(_PEM_GAP, text, end)
        last = _end(_PEM_LINE, text, start)
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
        last = _end(_PEM_REST, text, end)
        return Found(
            at, begin, last, [*spans, (end, last)], rest=_PEM_REST if last == len(text) else None
        )
    is_cut = "-----END".startswith(text[end:]) or (
        bool(short) and _PEM_HEADER_BEGUN.match(text, short[-1][0]) is not None
    )
    if is_cut and not is_whole:
        return _opened(at, begin - SHOWN_CHARS, end)
    return Found(at, begin, end, spans) if spans else None


def _telegram(text: str, at: int, stop: int, is_whole: bool) -> Found | None:
    """The token of a bot; https://core.telegram.org/bots/api#authorizing-your-bot."""
    if not _behind(_TELEGRAM_ID, text, at):
        return None
    value = at + 1
    end = _end(_TELEGRAM, text, value)
    if end == len(text) and not is_whole:
        return _opened(at, value, end)
    is_one = end - value == _TELEGRAM_CHARS and not re.match(r"[\w\-]", text[end : end + 1])
    return Found(at, value, end, [(value + SHOWN_CHARS, end)]) if is_one else None


def _webhook(text: str, at: int, stop: int, is_whole: bool) -> Found | None:
    """The last part of an address to which messages of Slack or Discord are posted."""
    found = _WEBHOOK.match(text, at)
    if found is None:
        return (
            None
            if is_whole or re.search(r"\s", text[stop:]) or len(text) - stop > _PART_CHARS
            else _waiting(text, at)
        )
    value, end = found.span(1)
    if end == len(text) and not is_whole:
        return _opened(at, value, end)
    return (
        Found(at, value, end, [(value + SHOWN_CHARS, end)]) if _is_random(text[value:end]) else None
    )
