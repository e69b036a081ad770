"""Markdown to HTML that runs nothing and loads nothing, drawn as the view draws it
(js/src/markdown/tree.ts).

In a notebook formulas stay TeX, which JupyterLab and nbconvert typeset: where a notebook is not
trusted, JupyterLab and GitHub take MathML's elements away and would leave `a2` of `a^2`. In a
document of its own they are MathML.
"""

import html
import re

from nbagent.protocol.shared import LIMITS, MARKUP, words
from nbagent.render.markup.grammar import Token, parse
from nbagent.render.markup.mathml import mathml
from nbagent.render.markup.table import LEFT
from nbagent.render.markup.text import prose, visible, without_tex
from nbagent.render.markup.url import host_of, inline_image, safe_url, visible_url

_ALIGN = re.compile(r"text-align:(?:left|right|center)")
_BLOCKS = words(MARKUP["markdown"]["blocks"])
_INLINES = words(MARKUP["markdown"]["inlines"])
# Commands that define macros for the whole page, or do more than typeset.
_MORE_THAN_TEX = re.compile(
    r"\\(?:[gex]?def|let|futurelet|(?:new|renew|provide)(?:command|environment)|require|href"
    r"|url|class|style|cssId|data"
    r"|html\w*|includegraphics|label|unicode|mmlToken|begingroup|bbox)(?![a-zA-Z])"
)
# A number with one of the units that MathJax knows.
_LENGTH = re.compile(
    r"(\d+(?:[.,]\d*)?|[.,]\d+)\s*(em|ex|mu|px|pt|bp|dd|pc|cc|in|cm|mm)(?![a-zA-Z])"
)
_EM_PER_UNIT = {"em": 1, "ex": 0.5, "mu": 0.06, "px": 0.07, "pt": 0.1, "bp": 0.1, "dd": 0.1}
_EM_PER_UNIT |= {"pc": 1.2, "cc": 1.2, "in": 7.2, "cm": 2.8, "mm": 0.28}
_MAX_LENGTHS_EM = 20
"""Sum of the lengths in a formula, as in `\\rule{2em}{1em}`; the view's limit for one
(js/src/parts/math.ts).
"""

_LEVELS_BELOW = 3
"""Levels by which headings are below those of the page around them."""
# On its own ground in light and dark: the pages that a notebook is exported to have none for code
# in an output.
_CODE_BLOCK = (
    ' style="margin:.5em 0;padding:.6em '
    '.8em;border-radius:6px;background:rgba(128,128,128,.12);overflow-x:auto"'
)
_CHECKBOXES = {
    True: '<input type="checkbox" disabled checked> ',
    False: '<input type="checkbox" disabled> ',
    None: "",
}
"""HTML before the text of a task, by whether it is done; nothing before any other text."""
_HEADING = ' style="margin:.8em 0 .3em;font-size:1.1em"'

LINK_ATTRIBUTES = f'target="{MARKUP["link"]["target"]}" rel="{MARKUP["link"]["rel"]}"'
"""HTML attributes of every link that leaves the page."""


def markdown_html(source: str, *, typeset: bool = False) -> str:
    """Return a Markdown text as HTML.

    Raw HTML in it shows as text. Links keep http, https and mailto. A picture is drawn if its bytes
    are in its URL, any other is a link that names its host. A heading is no `<h1>` but has its
    role, so that no outline of a page or document lists it.

    Args:
        source: Markdown.
        typeset: write formulas as MathML. Otherwise they stay TeX, for a page that has MathJax.
    """
    out: list[str] = []
    for token in parse(source):
        _block(token, out, typeset)
    return "".join(out)


def link_html(url: str, label: str, title: str | None = None) -> str:
    """Return a link that leaves the page. `url` is a safe one, `label` is HTML."""
    named = ""
    if title:
        named = f' title="{html.escape(title)}"'
    return f'<a href="{html.escape(url)}"{named} {LINK_ATTRIBUTES}>{label}</a>'


def image_html(src: str, alt: str, *, in_link: bool = False) -> str:
    """Return a picture if its bytes are in the URL, else a link that says what it is and where it
    leads.

    Links cannot be nested: with `in_link` only the text of the link is returned.
    """
    inline = inline_image(src)
    if inline is not None:
        return f'<img src="{inline}" alt="{html.escape(alt)}" style="max-width:100%">'
    href = safe_url(src)
    label = without_tex(html.escape(image_label(src, alt)))
    if href is None or in_link:
        return label
    return link_html(href, label)


def image_label(src: str, alt: str) -> str:
    """Return the text that stands for a picture which is not drawn: what it is and where it
    leads.
    """
    href = safe_url(src)
    where = visible_url(src)
    if href is not None:
        where = host_of(href)
    named = f"{alt} " if alt else ""
    return visible(f"image: {named}({where})")


def only_typesets(tex: str) -> bool:
    """Return True if TeX has no command that MathJax takes for more than typesetting, and fits into
    a page.
    """
    if _MORE_THAN_TEX.search(tex):
        return False
    total_em = 0.0  # infinite for a number of very many digits
    for number, unit in _LENGTH.findall(tex):
        total_em += float(number.replace(",", ".")) * _EM_PER_UNIT[unit]
    return total_em <= _MAX_LENGTHS_EM


def _block(token: Token, out: list[str], typeset: bool) -> None:
    match token.type:
        case "inline":
            out.append(_CHECKBOXES[token.meta.get("task")])
            out.append(_Inline(typeset).html(token.children or []))
        case "hr":
            out.append("<hr>\n")
        case "code_block" | "fence":
            out.append(f"<pre{_CODE_BLOCK}>{_code(token.content)}</pre>\n")
        case "math_block":
            out.append(f"<p>{_math_block(token, typeset)}</p>\n")
        case "heading_open":
            level = int(token.tag[1]) + _LEVELS_BELOW
            out.append(f'<div role="heading" aria-level="{level}"{_HEADING}><strong>')
        case "heading_close":
            out.append("</strong></div>\n")
        case _ if not token.hidden and token.tag in _BLOCKS:
            out.append(_tag(token))


def _math_block(token: Token, typeset: bool) -> str:
    if token.meta["closed"]:
        return _tex(token.content, "$$", typeset)
    return _prose(token.markup)


def _tag(token: Token) -> str:
    if token.nesting <= 0:
        return _close(token)
    attributes = ""
    start = token.attrGet("start")
    if start is not None:
        attributes += f' start="{int(start)}"'
    style = attr(token, "style")
    if _ALIGN.fullmatch(style):
        attributes += f' style="{style}"'
    elif token.tag in ("th", "td"):
        attributes += LEFT
    opened = f"<{token.tag}{attributes}>"
    if token.tag == "table":
        return f'<div style="overflow-x:auto">{opened}'
    return opened


def _close(token: Token) -> str:
    if token.tag == "table":
        return "</table></div>\n"
    return f"</{token.tag}>\n"


class _Inline:
    """Writer of the inline content of one block. A link is written when its end is known."""

    def __init__(self, typeset: bool) -> None:
        self._typeset = typeset
        self._out: list[str] = []
        self._open: list[str] = []
        self._link: tuple[str, str | None, int, list[str]] | None = None
        self._too_deep = 0

    def html(self, tokens: list[Token]) -> str:
        for token in tokens:
            if token.tag in _INLINES and token.nesting > 0:
                self._enter(token.tag)
            elif token.tag in _INLINES and token.nesting < 0:
                self._leave()
            elif token.type == "link_open":
                # A link may not stand in a link; the grammar sees to it.
                self._link = (attr(token, "href"), attr(token, "title") or None, len(self._out), [])
            elif token.type == "link_close" and self._link is not None:
                self._end_link(*self._link)
            else:
                self._leaf(token)
        return "".join(self._out)

    def _enter(self, tag: str) -> None:
        if len(self._open) >= LIMITS["markdown_depth"]:
            self._too_deep += 1
            return
        self._open.append(tag)
        self._out.append(f"<{tag}>")

    def _leave(self) -> None:
        if self._too_deep:
            self._too_deep -= 1
        elif self._open:
            self._out.append(f"</{self._open.pop()}>")

    def _end_link(self, raw: str, title: str | None, start: int, texts: list[str]) -> None:
        """Write a link that may be followed, or its text with the URL beside it."""
        self._link = None
        label = "".join(self._out[start:])
        del self._out[start:]
        href = safe_url(raw)
        if href is not None:
            self._out.append(link_html(href, label, title))
            return
        shown = visible_url(raw)
        if shown not in ("", "".join(texts)):
            label += f" ({_prose(shown)})"
        self._out.append(label)

    def _leaf(self, token: Token) -> None:
        match token.type:
            case "code_inline":
                self._out.append(_code(token.content))
            case "softbreak":
                self._out.append("\n")
            case "hardbreak":
                self._out.append("<br>\n")
            case "math":
                self._out.append(_tex(token.content, token.markup, self._typeset))
            case "image":
                src, alt = attr(token, "src"), alternative(token.children or [])
                self._out.append(image_html(src, alt, in_link=self._link is not None))
            case _:
                self._out.append(_prose(token.content))
        if self._link is not None:
            self._link[3].append(token.content)


def attr(token: Token, name: str) -> str:
    """Return an attribute of a token; empty if it has none of that name."""
    return str(token.attrGet(name) or "")


def alternative(tokens: list[Token]) -> str:
    """Return the alternative text of an image, without its markup."""
    texts = []
    for token in tokens:
        if token.type == "image":
            texts.append(alternative(token.children or []))
        elif token.type.endswith("break"):
            texts.append("\n")
        elif token.nesting == 0:
            texts.append(token.content)
    return "".join(texts)


def _prose(text: str) -> str:
    return without_tex(html.escape(prose(text)))


def _code(text: str) -> str:
    return f"<code>{html.escape(visible(text))}</code>"


def _tex(tex: str, opener: str, typeset: bool) -> str:
    if not only_typesets(tex):
        return _code(tex)
    if typeset:
        return mathml(tex, display=opener in ("$$", "\\[")) or _code(tex)
    mark = html.escape({"$": "$", "\\(": "$"}.get(opener, "$$"))
    return f"{mark}{html.escape(visible(tex))}{mark}"
