"""HTML from a tool's result (a DataFrame's table, say), copied by the allow-list of the view (js/src/markdown/sanitize.ts).

Nothing of the source is passed on: what is listed is written anew, element by element, every element closed.
"""

import html
import re
from html.parser import HTMLParser

from nbagent.markup.markdown import image_html
from nbagent.markup.text import prose, words
from nbagent.markup.url import safe_url

_TAGS = words(
    "table caption colgroup col thead tbody tfoot tr th td div span p pre code samp kbd var b i u s em strong small sub sup"
    " mark del ins abbr cite q br hr wbr ul ol li dl dt dd h1 h2 h3 h4 h5 h6 blockquote details summary figure figcaption"
    " a img"
)
_VOID = words("br hr wbr col img")
_DROPPED = words(
    "script style iframe frameset noframes object applet form button select option optgroup textarea svg math template title"
    " noscript noembed xmp plaintext audio video canvas dialog slot portal"
)
_ATTRS = words("colspan rowspan scope title align valign start reversed open datetime dir lang")
_STYLES = words(
    "color background-color font-weight font-style font-family font-size text-align text-decoration vertical-align white-space"
    " width min-width max-width height padding padding-left padding-right border border-left border-right border-top"
    " border-bottom border-collapse"
)
# No url(), image-set(), var() or expression(): a value is words, numbers and plain colours.
_SAFE_VALUE = re.compile(r"(?:[\w\s.,%#+-]|\b(?:rgb|rgba|hsl|hsla)\([\d\s.,%/]+\)){1,100}", re.IGNORECASE | re.ASCII)
# The classes of pandas' tables: Jupyter has styles for the first.
_CLASS = re.compile(r"dataframe|data|blank|index_name|(?:row|col)_heading|level\d+|row\d+|col\d+")
_MAX_DEPTH = 100


def sanitize(source: str) -> str:
    """The HTML with nothing in it that runs, loads, covers or reaches out of its place.

    Links keep http, https and mailto; images only where their bytes are in the URL, others become links; ids, names, event
    handlers and unknown attributes stay behind. It may be cut anywhere: what is open at the end is closed.
    """
    copier = _Copier()
    end = source.rfind(">") + 1  # behind it is no whole tag, and Python's parser looks for one in quadratic time
    copier.feed(source[:end])
    copier.close()
    copier.handle_data(html.unescape(source[end:]))
    return copier.html()


class _Copier(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._open: list[str] = []  # as in the source; those that were not copied stand with a "-" before their name
        self._dropping: list[str] = []

    def html(self) -> str:
        while self._open:
            self._end(self._open.pop())
        return "".join(self._out)

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        """`<![…`: a comment that went wrong, to a browser; to Python's parser an error."""
        return self.parse_bogus_comment(i, report=False)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            self._dropping.append(tag)
        if self._dropping or tag not in _TAGS:
            return
        values = {name: value or "" for name, value in reversed(attrs)}
        if tag == "img":
            self._out.append(image_html(values.get("src", ""), values.get("alt", "")))
            return
        if len(self._open) >= _MAX_DEPTH:
            return
        href = safe_url(values.get("href", "")) if tag == "a" else None
        shown = "span" if tag == "a" and href is None else tag
        linked = f' href="{html.escape(href)}" target="_blank" rel="noopener noreferrer nofollow"' if href else ""
        self._out.append(f"<{shown}{_attributes(values)}{linked}>")
        if tag not in _VOID:
            self._open.append(shown if shown == tag else f"{tag}:{shown}")

    def handle_endtag(self, tag: str) -> None:
        if self._dropping:
            if tag in self._dropping:
                while self._dropping.pop() != tag:
                    pass
            return
        names = [each.partition(":")[0] for each in self._open]
        if tag not in names:
            return
        while True:
            each = self._open.pop()
            self._end(each)
            if each.partition(":")[0] == tag:
                return

    def _end(self, each: str) -> None:
        tag, _, shown = each.partition(":")
        self._out.append(f"</{shown or tag}>")

    def handle_data(self, data: str) -> None:
        if not self._dropping:
            self._out.append(prose(data))


def _attributes(values: dict[str, str]) -> str:
    kept = {name: value for name, value in values.items() if name in _ATTRS}
    styles = []
    for declaration in values.get("style", "").split(";"):
        name, _, value = declaration.partition(":")
        if name.strip().lower() in _STYLES and _SAFE_VALUE.fullmatch(value.strip()):
            styles.append(f"{name.strip().lower()}:{value.strip()}")
    if styles:
        kept["style"] = ";".join(styles)
    if classes := [name for name in values.get("class", "").split() if _CLASS.fullmatch(name)]:
        kept["class"] = " ".join(classes)
    return "".join(f' {name}="{html.escape(value)}"' for name, value in kept.items())
