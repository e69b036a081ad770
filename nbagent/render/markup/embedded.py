r"""Markdown inside of a document that a converter makes of a notebook: it means to pandoc what it
means to the view.

nbconvert has pandoc make LaTeX of Markdown. To pandoc a backslash is TeX in many places: before a
letter, in `\\(…\\)`, in a code block that only the view takes for one. TeX then reads files
(`\input`) and writes them (`\openout`). So the text is parsed with the view's grammar and written
again in a form that has one reading: no backslash stands in prose, all code is in closed fences,
and a formula has only what typesets. https://pandoc.org/MANUAL.html#pandocs-markdown
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from nbagent.render.markup.grammar import Token, parse
from nbagent.render.markup.markdown import alternative, attr, image_label, only_typesets
from nbagent.render.markup.mathml import mathml
from nbagent.render.markup.text import fenced
from nbagent.render.markup.url import safe_url, visible_url

_SPECIAL = re.compile(r"[\\`$<>^~@{}\[\]|*]|(?<!\w)_|_(?!\w)|&(?=[#\w])")
# At the beginning of a line: a heading, a list, a term's definition, a title.
_LINE_START = re.compile(r"^(\d{0,9})([#+=.):%-])")
_LANGUAGE = re.compile(r"\s*([\w+#.-]+)")
_COMMAND = re.compile(r"\\[A-Za-z]|\^\^")
# `%` begins a comment, `#` is a macro's argument, `$` ends the formula.
_NO_PART_OF_A_FORMULA = re.compile(r"(?<!\\)[%#$]|\n[ \t]*\n")
_CITATION = re.compile(r"data-(?=cite)", re.IGNORECASE)
_ITEM_INDENT = 4


def embedded_markdown(text: str) -> str:
    """Return a Markdown text for a place within a document: headings as bold lines, nothing that
    only pandoc reads.
    """
    return "\n\n".join(_blocks(iter(parse(text))))


def without_citations(text: str) -> str:
    """Return a text without HTML attributes `data-cite`, which nbconvert makes commands of TeX,
    also in code.

    https://github.com/jupyter/nbconvert/blob/main/nbconvert/filters/citation.py
    """
    return _CITATION.sub("data -", text)


def is_plain_tex(tex: str) -> bool:
    r"""Return True if TeX has only commands that typeset mathematics, none that LaTeX would run,
    such as `\input`.
    """
    if _NO_PART_OF_A_FORMULA.search(tex) or not only_typesets(tex):
        return False
    if not _COMMAND.search(tex):
        braces = re.findall(r"(?<!\\)[{}]", tex)
        return braces.count("{") == braces.count("}")
    # A command that latex2mathml does not know is in its result as it stands.
    found = mathml(tex, display=False)
    return found is not None and _COMMAND.search(found) is None and "^^" not in tex


def _blocks(tokens: Iterator[Token], end: str = "") -> list[str]:
    """Return the blocks up to the token that ends the one around them."""
    blocks: list[str] = []
    for token in tokens:
        if token.type == end:
            break
        write = _BLOCKS.get(token.type)
        if write is not None:
            blocks.append(write(token, tokens))
        elif token.type == "inline":
            line = _TASK_MARKS[token.meta.get("task")] + _inline(token.children or [])
            blocks += filter(None, [line])
    return blocks


_TASK_MARKS = {True: "[x] ", False: "[ ] ", None: ""}


def _heading(token: Token, tokens: Iterator[Token]) -> str:
    return _bold(" ".join(_blocks(tokens, "heading_close")))


def _rule(token: Token, tokens: Iterator[Token]) -> str:
    return "***"


def _code(token: Token, tokens: Iterator[Token]) -> str:
    language = _LANGUAGE.match(token.info)
    return fenced(token.content.removesuffix("\n"), language[1] if language else "")


def _quote(token: Token, tokens: Iterator[Token]) -> str:
    return _indented("\n\n".join(_blocks(tokens, "blockquote_close")), "> ", "> ")


def _table(token: Token, tokens: Iterator[Token]) -> str:
    return "\n".join(_rows(tokens))


def _indented(text: str, first: str, others: str) -> str:
    head, *rest = text.split("\n")
    indented = [(others + line).rstrip() for line in rest]
    return "\n".join([first + head, *indented])


def _bold(line: str) -> str:
    line = " ".join(line.split())
    if not line:
        return ""
    mark = next((mark for mark in ("**", "__") if mark[0] not in line), "")
    return f"{mark}{line}{mark}"


def _math_block(token: Token, tokens: Iterator[Token]) -> str:
    if not token.meta["closed"]:
        lines = token.markup.split("\n")
        return "\n".join(_escaped(line.strip(), is_line_start=True) for line in lines)
    if is_plain_tex(token.content):
        return f"$$\n{token.content}\n$$"
    return fenced(token.content)


def _list(opened: Token, tokens: Iterator[Token]) -> str:
    number = int(opened.attrGet("start") or 1)
    end = opened.type.replace("open", "close")
    items: list[str] = []
    is_tight = True
    for token in tokens:
        if token.type == end:
            break
        if token.type != "list_item_open":
            continue
        inside = _until(tokens, "list_item_close")
        # The paragraphs of a tight list are hidden.
        if any(each.type == "paragraph_open" and not each.hidden for each in inside):
            is_tight = False
        marker = "-"
        if opened.tag != "ul":
            marker = f"{number + len(items)}{opened.markup}"
        # pandoc takes a line for a part of the item at four spaces, whatever the marker's width.
        first = f"{marker} ".ljust(_ITEM_INDENT)
        items.append(_indented("\n\n".join(_blocks(iter(inside))), first, " " * len(first)))
    if is_tight:
        return "\n".join(items)
    return "\n\n".join(items)


def _until(tokens: Iterator[Token], end: str) -> list[Token]:
    """Return the tokens up to the end of the block that they are in."""
    inside: list[Token] = []
    depth = 0
    opener = end.replace("close", "open")
    for token in tokens:
        if token.type == end and depth == 0:
            break
        depth += (token.type == opener) - (token.type == end)
        inside.append(token)
    return inside


def _rows(tokens: Iterator[Token]) -> Iterator[str]:
    cells: list[str] = []
    aligns: list[str] = []
    for token in tokens:
        if token.type == "table_close":
            return
        if token.type in ("th_open", "td_open"):
            cells.append("")
            aligns.append(_ALIGNS.get(str(token.attrGet("style")), "---"))
        elif token.type == "inline":
            cell = _inline(token.children or [], in_table=True)
            cells[-1] = cell.replace("|", "\\|")
        elif token.type == "tr_close":
            yield _row(cells)
            cells.clear()
        elif token.type == "thead_close":
            yield _row(aligns)


_ALIGNS = {"text-align:left": ":---", "text-align:center": ":---:", "text-align:right": "---:"}


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


_BLOCKS: dict[str, Callable[[Token, Iterator[Token]], str]] = {
    "heading_open": _heading,
    "hr": _rule,
    "fence": _code,
    "code_block": _code,
    "math_block": _math_block,
    "blockquote_open": _quote,
    "bullet_list_open": _list,
    "ordered_list_open": _list,
    "table_open": _table,
}
"""Writers of the blocks, by the token that begins one. Each takes the tokens of its block."""


def _inline(tokens: Sequence[Token], *, in_table: bool = False) -> str:
    writer = _InlineWriter(in_table=in_table)
    for token in tokens:
        writer.write(token)
    return writer.written


class _InlineWriter:
    """Writer of the inline content of one block.

    Attributes:
        written: the content so far.
    """

    def __init__(self, *, in_table: bool) -> None:
        self.written = ""
        self._in_table = in_table
        self._links: list[tuple[int, str]] = []

    def write(self, token: Token) -> None:
        """Write a token."""
        write = self._WRITERS.get(token.type, _InlineWriter._text)
        write(self, token)

    def _text(self, token: Token) -> None:
        # A dollar beside a digit ends no formula.
        if self.written.endswith("$") and token.content[:1].isalnum():
            self.written += " "
        is_line_start = self.written[-1:] in ("", "\n")
        self.written += _escaped(token.content, is_line_start=is_line_start)

    def _mark(self, token: Token) -> None:
        self.written += token.markup

    def _soft_break(self, token: Token) -> None:
        self.written += "\n"

    def _hard_break(self, token: Token) -> None:
        self.written += "\\\n"

    def _code(self, token: Token) -> None:
        self.written += _code_span(token.content)

    def _math(self, token: Token) -> None:
        tex = token.content
        if self._in_table:
            tex = tex.replace("|", "\\vert ")
        self.written = _with_formula(self.written, tex, token.markup)

    def _image(self, token: Token) -> None:
        label = image_label(attr(token, "src"), alternative(token.children or []))
        self.written += _escaped(label)

    def _link_open(self, token: Token) -> None:
        self._links.append((len(self.written), attr(token, "href")))

    def _link_close(self, token: Token) -> None:
        start, url = self._links.pop()
        self.written = self.written[:start] + _link(self.written[start:], url)

    _WRITERS: ClassVar[dict[str, Callable[["_InlineWriter", Token], None]]] = {
        "strong_open": _mark,
        "strong_close": _mark,
        "em_open": _mark,
        "em_close": _mark,
        "s_open": _mark,
        "s_close": _mark,
        "softbreak": _soft_break,
        "hardbreak": _hard_break,
        "code_inline": _code,
        "math": _math,
        "image": _image,
        "link_open": _link_open,
        "link_close": _link_close,
    }


def _escaped(text: str, *, is_line_start: bool = False) -> str:
    """Return a text with all that begins markup as character references."""
    text = _SPECIAL.sub(lambda found: _reference(found[0]), text)
    if is_line_start:
        text = _LINE_START.sub(lambda found: found[1] + _reference(found[2]), text)
    return text


def _reference(character: str) -> str:
    return f"&#{ord(character)};"


def _code_span(code: str) -> str:
    marks = "`" * (max(map(len, re.findall("`+", code)), default=0) + 1)
    # One space at each end is no part of the code.
    if code.startswith(("`", " ")) or code.endswith(("`", " ")):
        code = f" {code} "
    return f"{marks}{code}{marks}"


def _with_formula(written: str, tex: str, opener: str) -> str:
    """Return the text with a formula behind it."""
    if not is_plain_tex(tex):
        return written + _code_span(" ".join(tex.split()))
    if opener in ("$$", "\\["):
        return f"{written}$${tex}$$"
    # A dollar beside a letter or digit is money.
    if written[-1:].isalnum():
        written += " "
    return f"{written}${' '.join(tex.split())}$"


def _link(label: str, url: str) -> str:
    target = safe_url(url)
    if target is not None:
        target = target.replace("$", "%24").replace("|", "%7C").replace("&", "&amp;")
        return f"[{label}](<{target}>)"
    shown = _escaped(visible_url(url))
    if shown in ("", label):
        return label
    return f"{label} ({shown})"
