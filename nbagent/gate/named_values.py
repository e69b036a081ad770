"""Credentials with a name before them: `api_key = …`, `"token": "…"`, `--password …`."""

import re
from functools import lru_cache
from typing import NamedTuple

from nbagent.gate import credential_values as values
from nbagent.gate.cookies import cookies_in
from nbagent.gate.credential_names import Grade, credential_grade
from nbagent.gate.found import (
    MAX_VALUE_CHARS,
    PART_CHARS,
    SENTENCE_MARKS,
    TOKEN,
    TOKEN_REST,
    Found,
    chars_behind,
    end_of,
    is_random,
    is_sure,
    is_written,
    masked,
    opened,
    waiting,
)
from nbagent.gate.key_formats import SHOWN_CHARS
from nbagent.gate.masking import Span


def _cut(word: str) -> str:
    """Return an expression for a word's beginnings, the empty one and the word itself among
    them.
    """
    return "".join(f"(?:{character}" for character in word) + ")?" * len(word)


_NAME = re.compile(rf"[A-Za-z0-9_.\-]{{0,{PART_CHARS}}}")


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


_BARE_REST = re.compile(r"[^\s\"'\\,;&(){}\[\]<>`|•]*")


_WRITTEN = re.compile(rf"[^\s\"'\\,;(){{}}\[\]<>`|•]{{0,{MAX_VALUE_CHARS}}}")


_TYPED = re.compile(
    r"(?:\[[\w\[\], .|]{0,40})?(?:[ \t]{0,4}\|[ \t]{0,4}\w{0,20})?[ \t]{0,8}(?:(?P<equals>=)[ "
    r"\t]{0,8}|\Z)"
)


_LINE_BEGUN = re.compile(r"[ \t\-]{0,20}(?:\n|n\\|\Z)")  # backwards


_LINE_ENDED = re.compile(r"[ \t\r]{0,16}(?:(?P<end>\n|\\[nr]|#)|\Z)")


_FLAG_NAME = re.compile(r"[A-Za-z0-9\-]{0,40}")


class _Value(NamedTuple):
    """The beginning of a value behind a name.

    Attributes:
        text: that it stands in.
        begin: offset of the name.
        start: offset of the value.
        grade: of the name.
        is_whole: whether nothing follows the text.
    """

    text: str
    begin: int
    start: int
    grade: Grade
    is_whole: bool

    def may_grow(self, end: int) -> bool:
        """Return True if more text may come, and a value up to an offset is so short that it
        counts.
        """
        return not self.is_whole and end - self.start < MAX_VALUE_CHARS

    def is_cut(self, end: int) -> bool:
        """Return True if a value up to an offset may go on behind the end of the text."""
        return end == len(self.text) and self.may_grow(end)

    def opened(self, end: int) -> Found:
        """Return it as what may become a credential with what follows the text."""
        return opened(self.begin, self.start, end, self.grade)

    def masked(self, end: int, rest: re.Pattern[str]) -> Found:
        """Return it as a credential up to an offset; a long one to the end of what `rest`
        matches.
        """
        return masked(self.text, self.begin, self.start, end, rest)

    def is_written(self, end: int, *, is_line: bool) -> bool:
        """Return True if the value up to an offset, which stands without quotes, is a
        credential.
        """
        written = self.text[self.start : end].rstrip(SENTENCE_MARKS)
        return is_written(self.grade, written, is_line=is_line)


def named_spans(name: str, value: str) -> list[Span]:
    """Spans to mask of a value that stands by itself under a name, as in JSON."""
    grade = credential_grade(name)
    if grade is None:
        return []
    if "cookie" in name.lower() and (cookies := cookies_in(value, 0, 0, is_whole=True)):
        return cookies.spans
    start = 0
    scheme = _OPENING.match(value)
    if scheme is not None and scheme["scheme"] and not scheme["quote"]:
        start = scheme.end()
    elif re.search(r"\s", value):
        return []  # a sentence
    if not is_sure(grade, value[start : start + MAX_VALUE_CHARS]):
        return []
    return [(start + SHOWN_CHARS, len(value))]


def named_value(text: str, at: int, stop: int, is_whole: bool) -> Found | None:
    """The value after a name: `token = …`, `"token": "…"`, `token: …`, `<token>…`."""
    name_end = end_of(_NAME, text, stop)
    separator = _SEPARATOR.match(text, name_end)
    if separator is None:
        if _SEPARATOR_BEGUN.match(text, name_end):
            return waiting(text, at, is_whole)
        return None
    mark = separator["mark"]
    begin = at - chars_behind(_NAME, text, at)
    grade = _grade(text, begin, name_end, mark)
    if grade is None:
        return None
    opening = _OPENING.match(text, separator.end())
    if opening is None:
        return None
    value = _Value(text, begin, opening.end(), grade, is_whole)
    quote, scheme = opening["quote"], opening["scheme"]
    if _OPENING_BEGUN.match(text, value.start):
        return waiting(text, begin, is_whole)
    if "cookie" in text[at:name_end].lower() and not scheme:
        cookies = cookies_in(text, begin, value.start, is_whole=is_whole)
        if cookies is not None:
            return cookies
    if quote and mark == "," and not separator["pair"]:
        return _second_of_list(value, quote)
    if quote:
        return _quoted(value, quote)
    if scheme.lower().startswith(("digest", "aws4")):
        return None  # their fields have names of their own
    if scheme:
        return _after_scheme(value)
    return _unquoted(value, separator)


def _second_of_list(value: _Value, quote: str) -> Found | None:
    """A quoted text behind another one and a comma: two values of a list, if it is no name and
    its value.
    """
    if not value.is_whole and _PAIR_BEGUN.match(value.text, value.start):
        return waiting(value.text, value.begin, value.is_whole)
    return _quoted(value._replace(grade="maybe"), quote)


def _unquoted(value: _Value, separator: re.Match[str]) -> Found | None:
    """A value without quotes and scheme, after the separator behind its name."""
    begin, mark = value.begin, separator["mark"]
    if mark == ">":
        if value.text[begin - 1 : begin] != "<":
            return None
        return _element(value)
    if mark == "," or separator["close"]:
        return None  # numbers, null, code
    if mark == ":":
        return _after_colon(value)
    is_spaced = bool(separator["gap"] or separator["space"])
    is_shell = not is_spaced and value.text[begin : separator.start()].isupper()
    return _assigned(value, is_spaced=is_spaced, is_shell=is_shell)


def _grade(text: str, begin: int, name_end: int, mark: str) -> Grade | None:
    name, before = text[begin:name_end].strip("-."), text[begin - 1 : begin]
    if mark == "=":
        return credential_grade(name, is_parameter=True, in_address=before in ("?", "&", "#"))
    if mark == ":" and before == " ":  # "API key: …"
        word = text[max(0, begin - 1 - PART_CHARS) : begin - 1].rpartition(" ")[2]
        grade = credential_grade(f"{word}_{name}")
        if grade is not None:
            return grade
    return credential_grade(name)


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


def _quoted(value: _Value, quote: str) -> Found | None:
    text = value.text
    inside, rest = _inside(quote)
    end = end_of(inside, text, value.start)
    has_end = text[end : end + len(quote)].rstrip("\\")
    if not has_end and value.may_grow(end):
        return value.opened(end)
    is_long = end - value.start >= MAX_VALUE_CHARS
    if text[end : end + 1].isspace() and not is_long:
        return None  # a sentence
    if not is_sure(value.grade, text[value.start : end]):
        return None
    return value.masked(end, rest)


def _after_scheme(value: _Value) -> Found | None:
    end = end_of(TOKEN, value.text, value.start)
    if value.is_cut(end):
        return value.opened(end)
    if not value.is_written(end, is_line=True):
        return None
    return value.masked(end, TOKEN_REST)


def _assigned(value: _Value, *, is_spaced: bool, is_shell: bool) -> Found | None:
    text, begin = value.text, value.begin
    before = text[max(0, begin - 2) : begin]
    in_call = before.endswith(("(", ",")) or before == ", "
    word = _BARE
    if is_shell and not in_call:
        word = _SHELL
    end = end_of(word, text, value.start)
    if value.is_cut(end):
        return value.opened(end)
    following = text[end : end + 1]
    if following in ("(", "[", "{"):
        return None
    written = text[value.start : end].rstrip(SENTENCE_MARKS)
    if value.grade == "sure":
        in_code = is_spaced or in_call or following in (",", ")")
        is_one = values.is_assigned_credential(written, in_code=in_code)
    else:
        is_one = is_random(written, value.grade)
    if not is_one:
        return None
    return value.masked(end, _BARE_REST)


def _after_colon(value: _Value) -> Found | None:
    text = value.text
    end = end_of(_WRITTEN, text, value.start)
    if value.is_cut(end):
        return value.opened(end)
    typed = _TYPED.match(text, end)
    if typed is not None and typed["equals"]:
        return _default(value, end, typed.end())
    line = _LINE_ENDED.match(text, end)
    if value.may_grow(end):
        # A type, the end of the line or an escaped one may follow.
        may_end_line = line is not None and not line["end"]
        if typed is not None or may_end_line or text[end:] == "\\":
            return value.opened(end)
    if text[end : end + 1] in ("(", "[", "{"):
        return None
    before = text[max(0, value.begin - PART_CHARS) : value.begin][::-1]
    is_line = line is not None and _LINE_BEGUN.match(before) is not None
    if not value.is_written(end, is_line=is_line):
        return None
    return value.masked(end, _BARE_REST)


def _default(value: _Value, end: int, at: int) -> Found | None:
    """The default of a parameter or a field with a type: `api_key: str = "…"`.

    Args:
        value: the type.
        end: offset of its end.
        at: offset behind the sign of equality.
    """
    opening = _OPENING.match(value.text, at)
    if opening is None or _OPENING_BEGUN.match(value.text, opening.end()):
        if value.is_whole:
            return None
        return value.opened(end)
    if not opening["quote"]:
        return None
    return _quoted(value._replace(start=opening.end()), opening["quote"])


def _element(value: _Value) -> Found | None:
    """The text of an element: `<password>…</password>`."""
    end = end_of(_BARE, value.text, value.start)
    if value.is_cut(end):
        return value.opened(end)
    is_closed = value.text[end : end + 1] == "<"
    if not is_closed or not is_sure(value.grade, value.text[value.start : end]):
        return None
    return value.masked(end, _BARE_REST)


def flag_value(text: str, at: int, stop: int, is_whole: bool) -> Found | None:
    """The value after an option of a command: `--password …`."""
    name_end = end_of(_FLAG_NAME, text, stop)
    if name_end == len(text):
        return waiting(text, at, is_whole)
    grade = credential_grade(text[stop:name_end])
    if grade is None or text[name_end] != " ":
        return None
    opening = _OPENING.match(text, name_end + 1)
    if opening is None or _OPENING_BEGUN.match(text, opening.end()):
        return waiting(text, at, is_whole)
    quote = opening["quote"]
    if quote:
        return _quoted(_Value(text, at, opening.end(), grade, is_whole), quote)
    value = _Value(text, at, name_end + 1, grade, is_whole)
    end = end_of(_BARE, text, value.start)
    if value.is_cut(end):
        return value.opened(end)
    written = text[value.start : end]
    if written.startswith("-") or not is_written(grade, written, is_line=False):
        return None
    return value.masked(end, _BARE_REST)
