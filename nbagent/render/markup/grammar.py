"""The Markdown grammar of the view (js/src/markdown/grammar.ts), in its Python port.

CommonMark, GFM tables, strikethrough and task lists, bare URLs, math; raw HTML is text.
"""

import contextlib
import functools
import re
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore, inline, text_join
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from nbagent.protocol.shared import LIMITS
from nbagent.render.markup.linkify import match_url

__all__ = ["Token", "match_math", "parse", "parsed_once"]

_CLOSE = {"$": "$", "$$": "$$", "\\(": "\\)", "\\[": "\\]"}
_LOOKS_LIKE_MONEY = re.compile(r"\d[^\\^_={}+*/<>]*\s")
_WORD = re.compile(r"[^\W_]")
_SCHEME = re.compile(r"(?<![\w.+-])(https?|ftp)\Z", re.IGNORECASE)
_TASK = re.compile(r"\[([ xX])\]\s+(?=\S|\Z)")

_KEPT_TEXTS = 2048
"""Paragraphs, cells and the like of which the parsed content is kept, of those read last."""
_MAX_KEPT_CHARS = 2000
"""Length of the longest of them."""

_parsed: ContextVar[dict[str, list[Token]] | None] = ContextVar("parsed", default=None)
"""Tokens of each text that was parsed inside of `parsed_once`."""


def parse(source: str) -> list[Token]:
    """Return the block tokens of a Markdown text; `children` of the inline ones are parsed too.

    The children are shared with other calls: an answer is parsed for each copy of it, and most of
    it was there before.
    """
    parsed = _parsed.get()
    if parsed is None:
        return _grammar().parse(source)
    if source not in parsed:
        parsed[source] = _grammar().parse(source)
    return parsed[source]


@contextlib.contextmanager
def parsed_once() -> Iterator[None]:
    """Parse each text once inside of this context, in however many forms it is written.

    Parsing takes two thirds of the time of a copy's HTML, and of its Markdown (issue 34).
    """
    before = _parsed.set({})
    try:
        yield
    finally:
        _parsed.reset(before)


@functools.cache
def _grammar() -> MarkdownIt:
    # Each "[" looks ahead as many levels as may be nested: with the view's 100, a text of brackets
    # takes a minute.
    grammar = MarkdownIt("js-default", {"maxNesting": 40})
    # Every link is parsed; whether it may be followed is decided where it is written (url.py).
    grammar.validateLink = lambda url: True  # type: ignore[method-assign]
    grammar.inline.ruler.before("escape", "math", _inline_math)
    ends = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    grammar.block.ruler.before("fence", "math_block", _block_math, ends)  # type: ignore[arg-type]
    grammar.core.ruler.at("inline", _inlines)
    grammar.core.ruler.disable("text_join")
    grammar.core.ruler.push("task_items", _task_items)
    grammar.inline.ruler.at("linkify", _bare_url)
    return grammar


def _inlines(state: StateCore) -> None:
    """Rule: parse the content of the inline tokens."""
    references = state.env.get("references")
    for token in state.tokens:
        if token.type == "inline":
            is_kept = not references and len(token.content) <= _MAX_KEPT_CHARS
            parsed = _kept_children(token.content) if is_kept else _children(token, state.env)
            token.children = parsed


@functools.lru_cache(_KEPT_TEXTS)
def _kept_children(content: str) -> list[Token]:
    token = Token("inline", "", 0, content=content)
    return _children(token, {})


def _children(token: Token, env: Any) -> list[Token]:
    alone = StateCore("", _grammar(), env, [token])
    inline(alone)
    text_join(alone)
    return token.children or []


def _bare_url(state: StateInline, silent: bool) -> bool:
    """Rule: a URL with a scheme, as it stands. Names without one, "README.md", are text."""
    if state.linkLevel > 0 or not state.src.startswith("://", state.pos):
        return False
    scheme = _SCHEME.search(state.src, max(0, state.pos - 6), state.pos)
    if scheme is None:
        return False
    url = match_url(state.src, scheme.start(1))
    if url is None:
        return False
    url = url.rstrip("*")  # of the emphasis around it
    if not silent:
        state.pending = state.pending[: -len(scheme[1])]
        state.push("link_open", "a", 1).attrs = {"href": state.md.normalizeLink(url)}
        state.push("text", "", 0).content = url
        state.push("link_close", "a", -1)
    state.pos = scheme.start(1) + len(url)
    return True


def match_math(text: str, start: int, end: int, opener: str) -> tuple[int, str] | None:
    """Offset of the end of the inline math that begins at `start`, and its TeX; None if this is no
    math.

    A single `$` opens only before, and closes only after, something other than white space; it
    stays on its line, does not touch a word or number outside, and "$5, or 6$" is money. So "$5 and
    $10" stays text.
    """
    begin = start + len(opener)
    at = _find_close(text, begin, min(end, begin + LIMITS["inline_tex_chars"]), _CLOSE[opener])
    if at < 0:
        return None
    tex = text[begin:at]
    if not _WORD.search(tex):
        return None
    if opener == "$":
        if tex != tex.strip() or "\n" in tex or _LOOKS_LIKE_MONEY.match(tex):
            return None
        if _WORD.match(text[start - 1 : start]) or _WORD.match(text[at + 1 : at + 2]):
            return None
    return at + len(_CLOSE[opener]), tex.strip()


def _find_close(text: str, begin: int, end: int, close: str) -> int:
    at = text.find(close, begin, end)
    while at >= 0:
        before = text[begin:at]
        if (len(before) - len(before.rstrip("\\"))) % 2 == 0:
            return at
        at = text.find(close, at + 1, end)
    return -1


@functools.lru_cache(4)
def _last(text: str, mark: str) -> int:
    """Offset of the last closing mark; without it a text of opening marks takes quadratic time."""
    return text.rfind(mark)


def _inline_math(state: StateInline, silent: bool) -> bool:
    opener = state.src[state.pos : state.pos + 2]
    if opener not in _CLOSE:
        opener = opener[:1]
    if opener not in _CLOSE:
        return False
    found = None
    if state.pos < _last(state.src, _CLOSE[opener]):
        found = match_math(state.src, state.pos, state.posMax, opener)
    if found is None:
        if opener != "$$":
            return False
        # Both dollars are text: the second must not open math of its own.
        if not silent:
            state.pending += opener
        state.pos += 2
        return True
    end, tex = found
    if not silent:
        token = state.push("math", "", 0)
        token.content = tex
        token.markup = opener
    state.pos = end
    return True


def _block_math(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Rule: display math on lines of its own.

    Like TeX it holds no blank line, so one line decides where it ends.
    """
    if state.sCount[start_line] - state.blkIndent >= 4:
        return False
    first = _line(state, start_line)
    close = _close_of_block(first)
    if close is None:
        return False
    head = first[2:].rstrip()
    lines = [head]
    closed = close in head
    if closed:
        # "$$ x $$ and more" is a paragraph with math in it.
        if head.index(close) + 2 != len(head) or not _WORD.search(head):
            return False
        lines = [head[:-2]]
    if silent:
        return True
    line = start_line + 1
    while not closed and line < end_line and _goes_on(state, line):
        content, mark, _ = _line(state, line).rstrip().partition(close)
        lines.append(content)
        closed = bool(mark)
        line += 1
    token = state.push("math_block", "", 0)
    token.block = True
    token.content = "\n".join(lines).strip()
    token.markup = state.getLines(start_line, line, state.blkIndent, False).strip()
    token.meta = {"closed": closed}
    token.map = [start_line, line]
    state.line = line
    return True


def _close_of_block(first: str) -> str | None:
    """Return what ends the display math that a line begins; None if it begins none."""
    if first.startswith("$$") and first[2:3] != "$":
        return "$$"
    if re.match(r"\\\[(?:\s|$)|\\\[.*\\\]\s*$", first):
        return "\\]"
    return None


def _goes_on(state: StateBlock, line: int) -> bool:
    """Return True if a line belongs to the block of the line before it."""
    return not state.isEmpty(line) and state.sCount[line] >= state.blkIndent


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _task_items(state: StateCore) -> None:
    """Rule: GFM task list items, "[ ] " or "[x] " at the start of an item's first paragraph."""
    tokens: list[Any] = state.tokens
    # An item begins with two tokens, of the item and of its paragraph, and has its text next.
    for item, token in zip(tokens, tokens[2:], strict=False):
        if item.type != "list_item_open" or token.type != "inline" or not token.children:
            continue
        text = token.children[0]
        mark = _TASK.match(text.content)
        if text.type != "text" or mark is None:
            continue
        if len(token.children) == 1 and mark.end() == len(text.content):
            continue
        text = text.copy(content=text.content[mark.end() :])
        token.children = [text, *token.children[1:]]
        token.meta = {"task": mark[1] != " "}
