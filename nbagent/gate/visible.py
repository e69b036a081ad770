"""Reduces a text to the characters that its reader sees: without markup and invisible characters,
in one form of each letter.

Markdown: https://spec.commonmark.org/0.31.2/. The forms of letters: NFKC,
https://www.unicode.org/reports/tr15/, of each character alone. As it is only searched, and never
shown, all that could be markup counts as markup.
"""

import functools
import html
import re
import unicodedata

from nbagent.gate.decoded import Replacement

_ENTITY = r"(?P<entity>&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)"
_REST = r"(?P<space>\s{2,}|[^\S\n ]|(?<=\s)\s)|(?P<other>[^\x00-\x7f\s]+)"
# Emphasis, code and strikethrough; an underscore between two letters is one that the reader sees.
_MARKDOWN = re.compile(
    rf"{_ENTITY}|\\(?P<literal>[!-/:-@\[-`{{-~])"
    r"|(?P<markup>[*`]+|~{2,}|(?<=~)~|(?<![^\W_])_{1,8}+|_{1,8}+(?![^\W_]))"
    rf"|{_REST}"
)
_INCOMPLETE = re.compile(r"(?:&(?:#?[A-Za-z0-9]{0,32})|\\|(?<=[^\W_])_{1,8}|~)\Z")
_MAX_INCOMPLETE_CHARS = 34
_INLINE = (
    "a|abbr|b|bdi|bdo|big|cite|code|del|em|font|i|ins|kbd|mark|q|s|samp|small|span|strong"
    "|sub|sup|tspan|tt|u|var|wbr"
)
_HTML = re.compile(
    rf"{_ENTITY}|(?P<markup><!--.*?(?:-->|\Z)|</?(?:{_INLINE})(?=[\s/>])[^<>]*>)"
    rf"|(?P<block><[a-z/!?][^<>]*>)|{_REST}",
    re.IGNORECASE | re.DOTALL,
)
# Default_Ignorable_Code_Point (https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point),
# and format characters (Cf).
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd\U00013430-\U0001343f]+"
)


def markdown_markup(text: str, start: int = 0) -> tuple[list[Replacement], int]:
    """Return the replacements by which Markdown's reader sees the text, and the offset up to which
    they are final.
    """
    found = _replacements(_MARKDOWN, text, start)
    stop = start
    if found:
        stop = found[-1].stop
    cut = _INCOMPLETE.search(text, max(start, len(text) - _MAX_INCOMPLETE_CHARS))
    if cut is None or (cut.start() < stop and text[cut.start()] != "_"):
        return found, len(text)
    while found and found[-1].stop > cut.start():
        found.pop()
    return found, cut.start()


def html_markup(text: str, start: int = 0) -> tuple[list[Replacement], int]:
    """Return the replacements for HTML or SVG: tags within a line are left out, others become a
    line break.
    """
    return _replacements(_HTML, text, start), len(text)


def _replacements(tokens: re.Pattern[str], text: str, start: int) -> list[Replacement]:
    found: list[Replacement] = []
    for token in tokens.finditer(text, start):
        first, last = token.span()
        match token.lastgroup:
            case "entity":
                found.append(Replacement(first, last, _normal(html.unescape(token[0]))))
            case "literal":
                found.append(Replacement(first, last, token[0][1]))
            case "markup":
                found.append(Replacement(first, last, ""))
            case "block":
                found.append(Replacement(first, last, "\n"))
            case "space":
                shown = _space(token[0], text[max(0, first - 1) : first])
                if token[0] != shown:
                    found.append(Replacement(first, last, shown))
            case _:
                found += _letters(token[0], first)
    return found


def _space(text: str, before: str) -> str:
    """Return white space as one space or line break; "" if it goes on with the white space before
    it.
    """
    if before == "\n" or (before.isspace() and "\n" not in text):
        return ""
    return "\n" if "\n" in text else " "


def _letters(text: str, start: int) -> list[Replacement]:
    if unicodedata.is_normalized("NFKC", text) and _IGNORABLE.search(text) is None:
        return []
    found: list[Replacement] = []
    for at, letter in enumerate(text, start):
        normal = _normal(letter)
        if normal != letter:
            found.append(Replacement(at, at + 1, normal))
    return found


@functools.lru_cache(4096)
def _normal(text: str) -> str:
    return _IGNORABLE.sub("", unicodedata.normalize("NFKC", text))
