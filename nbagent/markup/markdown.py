"""Markdown to HTML that runs nothing and loads nothing, drawn as the view draws it (js/src/markdown/tree.ts).

Formulas stay TeX: JupyterLab, nbconvert and GitHub typeset them, and elsewhere they are read as they were written.
"""

import html
import re

from nbagent.markup.grammar import Token, parse
from nbagent.markup.text import plain, prose, words
from nbagent.markup.url import host_of, inline_image, safe_url, visible_url

_MAX_DEPTH = 50
_ALIGN = re.compile(r"text-align:(?:left|right|center)")
_BLOCKS = words("p h1 h2 h3 h4 h5 h6 ul ol li blockquote table thead tbody tr th td")
_INLINES = words("em strong s")
# Definitions would count for the whole page, and the others do more than typeset.
_MORE_THAN_TEX = re.compile(
    r"\\(?:[gex]?def|let|futurelet|(?:new|renew|provide)(?:command|environment)|require|href|url|class|style|cssId|data"
    r"|html\w*|includegraphics|label|unicode|mmlToken|begingroup|bbox)(?![a-zA-Z])"
)


def markdown_html(source: str) -> str:
    """A Markdown text as HTML.

    Raw HTML in it shows as text. Links keep http, https and mailto. A picture is drawn if its bytes are in its URL, any other
    is a link that names its host.
    """
    out: list[str] = []
    for token in parse(source):
        _block(token, out)
    return "".join(out)


def link_html(url: str, label: str, title: str | None = None) -> str:
    """A link that leaves the page. `url` is a safe one, `label` is HTML."""
    named = f' title="{html.escape(title)}"' if title else ""
    return f'<a href="{html.escape(url)}"{named} target="_blank" rel="noopener noreferrer nofollow">{label}</a>'


def image_html(src: str, alt: str) -> str:
    """A picture: drawn if its bytes are in the URL, else a link that says what it is and where it leads."""
    inline = inline_image(src)
    if inline is not None:
        return f'<img src="{inline}" alt="{html.escape(alt)}" style="max-width:100%">'
    href = safe_url(src)
    label = prose(f"image: {alt + ' ' if alt else ''}({visible_url(src) if href is None else host_of(href)})")
    return label if href is None else link_html(href, label)


def _block(token: Token, out: list[str]) -> None:
    match token.type:
        case "inline":
            if "task" in token.meta:
                out.append(f'<input type="checkbox" disabled{" checked" if token.meta["task"] else ""}> ')
            out.append(_Inline().html(token.children or []))
        case "hr":
            out.append("<hr>\n")
        case "code_block" | "fence":
            out.append(f"<pre><code>{plain(token.content)}</code></pre>\n")
        case "math_block" if token.meta["closed"]:
            out.append(f"<p>{_tex(token.content, '$$')}</p>\n")
        case "math_block":
            out.append(f"<p>{prose(token.markup)}</p>\n")
        case _ if not token.hidden and token.tag in _BLOCKS:
            out.append(_open(token) if token.nesting > 0 else _close(token))


def _open(token: Token) -> str:
    style = str(token.attrGet("style") or "")
    aligned = f' style="{style}"' if _ALIGN.fullmatch(style) else ""
    start = token.attrGet("start")
    numbered = f' start="{int(start)}"' if start is not None else ""
    before = '<div style="overflow-x:auto">' if token.tag == "table" else ""
    # JupyterLab's table of contents would list a model's headings among the notebook's own.
    listed = ' class="jp-toc-ignore"' if re.fullmatch("h[1-6]", token.tag) else ""
    return f"{before}<{token.tag}{listed}{numbered}{aligned}>"


def _close(token: Token) -> str:
    return f"</{token.tag}>{'</div>' if token.tag == 'table' else ''}\n"


class _Inline:
    """What stands inside one block. A link is written when its end is known."""

    def __init__(self) -> None:
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
                self._link = (_attr(token, "href"), _attr(token, "title") or None, len(self._out), [])
            elif token.type == "link_close" and self._link is not None:
                self._end_link(*self._link)
            else:
                self._leaf(token)
        return "".join(self._out)

    def _enter(self, tag: str) -> None:
        if len(self._open) >= _MAX_DEPTH:
            self._too_deep += 1
            return
        self._open.append(tag)
        self._out.append(f"<{tag}>")

    def _leave(self) -> None:
        if self._too_deep:
            self._too_deep -= 1
        elif self._open:
            self._out.append(f"</{self._open.pop()}>")

    def _end_link(self, raw: str, title: str | None, at: int, texts: list[str]) -> None:
        """A link that may be followed, or its text with the URL beside it."""
        self._link = None
        label = "".join(self._out[at:])
        del self._out[at:]
        href = safe_url(raw)
        if href is not None:
            self._out.append(link_html(href, label, title))
            return
        shown = visible_url(raw)
        self._out.append(label if shown in ("", "".join(texts)) else f"{label} ({prose(shown)})")

    def _leaf(self, token: Token) -> None:
        match token.type:
            case "text" | "text_special":
                self._out.append(prose(token.content))
            case "code_inline":
                self._out.append(f"<code>{plain(token.content)}</code>")
            case "softbreak":
                self._out.append("\n")
            case "hardbreak":
                self._out.append("<br>\n")
            case "math":
                self._out.append(_tex(token.content, token.markup))
            case "image":
                self._image(_attr(token, "src"), _words(token.children or []))
            case _:
                self._out.append(prose(token.content))
        if self._link is not None:
            self._link[3].append(token.content)

    def _image(self, src: str, alt: str) -> None:
        if self._link is None or inline_image(src) is not None:
            self._out.append(image_html(src, alt))
        else:
            self._out.append(prose(f"image: {alt}"))


def _attr(token: Token, name: str) -> str:
    return str(token.attrGet(name) or "")


def _words(tokens: list[Token]) -> str:
    """The alternative text of an image, without its markup."""
    words = []
    for token in tokens:
        if token.type == "image":
            words.append(_words(token.children or []))
        elif token.nesting == 0:
            words.append("\n" if token.type.endswith("break") else token.content)
    return "".join(words)


def _tex(tex: str, opener: str) -> str:
    if _MORE_THAN_TEX.search(tex):
        return f"<code>{plain(tex)}</code>"
    mark = html.escape({"$": "$", "\\(": "$"}.get(opener, "$$"))
    return f"{mark}{plain(tex)}{mark}"
