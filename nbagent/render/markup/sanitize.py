"""HTML from a tool's result (a DataFrame's table, say), by the allow-list of the view
(js/src/markdown/sanitize.ts).

nh3 (ammonia) parses as browsers do and writes a new document of what is listed. This module adds
what it cannot do: checks of addresses and styles by their values, links instead of pictures, a
limit on depth, visible control characters, and a limit on the work, since hostile HTML can cost any
HTML5 parser quadratic time and memory.
"""

import functools
import html
import re
from typing import TYPE_CHECKING

from nbagent.events.jsonable import text_safe
from nbagent.protocol.shared import LIMITS, MARKUP, words
from nbagent.render.markup.markdown import LINK_ATTRIBUTES, image_html
from nbagent.render.markup.text import readable, without_tex
from nbagent.render.markup.url import SCHEMES, safe_url

if TYPE_CHECKING:
    import nh3

NOT_SHOWN = "HTML is not shown: the package nh3, which makes it safe, is missing here"

_ALLOWED = MARKUP["html"]
_TAGS = words(_ALLOWED["tags"])
_STYLES = words(_ALLOWED["styles"])
_STYLE_VALUE = re.compile(_ALLOWED["style_value"], re.IGNORECASE | re.ASCII)
# The classes of pandas' tables: Jupyter has styles for the first, and any other could pass for a
# part of the page.
_CLASS = re.compile(_ALLOWED["class"], re.ASCII)
_VOID = words("br hr wbr col img")

# A parser repeats formatting elements that were never closed in each paragraph that follows
# ("reconstruct the active formatting elements",
# https://html.spec.whatwg.org/#list-of-active-formatting-elements): 256 KB became 487 MB. Under a
# name that means nothing to the parser they are elements like any other. So are html and body,
# whose attributes it merges in quadratic time: 9 s.
_SPECIAL = words("a b big code em font i nobr s small strike strong tt u html body")
_SPECIAL_TAG = re.compile(rf"<(/?)({'|'.join(_SPECIAL)})(?=[\s/>])", re.IGNORECASE)
_PREFIX = "x-"

_TAG = re.compile(r"<(/?)([a-z][^\s/>]*)", re.IGNORECASE)
# Void elements, and elements that the next one of their kind closes: they do not nest. In SVG and
# MathML these names have no special meaning.
_FLAT = words(
    "p li dt dd td th tr tbody thead tfoot caption colgroup area base br col embed hr img input "
    "link meta wbr"
)
_MAX_STEPS = 100_000_000
"""Elements that the parser may visit: each tag may make it walk through all open ones.

This many take about 0.5 s.
"""

# As nh3 writes them: attributes in double quotes, and no "<" or ">" but those of tags.
_PIECE = re.compile(
    r'<(?P<end>/?)(?P<tag>[\w-]+)(?P<attributes>(?:[^"<>]|"[^"]*")*)>|(?P<text>[^<]+)'
)
_ATTRIBUTE = re.compile(r' ([\w-]+)="([^"]*)"')
_HREF = re.compile(r' href="[^"]*"')


def sanitize(source: str) -> str:
    """Return the HTML without anything that runs, loads, or covers other parts of the page.

    Links keep http, https and mailto; images only where their bytes are in the URL, others become
    links; ids, names, event handlers and unknown attributes are dropped. The source may be cut
    anywhere: elements open at its end are closed. A source that would take too long to parse ends
    early, with "…". Without the package nh3 none of it is shown.
    """
    try:
        cleaner = _cleaner()
    except ModuleNotFoundError:
        return f"<p>{NOT_SHOWN}</p>"
    end = _affordable_end(source)
    clean = cleaner.clean(_SPECIAL_TAG.sub(rf"<\1{_PREFIX}\2", text_safe(source[:end])))
    written = _Writer().html(clean)
    return f"{written}…" if end < len(source) else written


def _affordable_end(source: str) -> int:
    """Offset at which the steps of parsing may exceed `_MAX_STEPS`, if no element were ever
    closed.
    """
    steps = nested = 0
    flat = _FLAT
    for tag in _TAG.finditer(source):
        is_end, name = tag[1], tag[2].lower()
        if name in ("svg", "math"):
            flat = frozenset()
        if not is_end and name not in flat:
            nested += 1
        steps += nested
        if steps > _MAX_STEPS:
            return tag.start()
    return len(source)


@functools.cache
def _cleaner() -> "nh3.Cleaner":
    import nh3  # with the first HTML that is written

    attributes = words(_ALLOWED["attributes"]) | {"style", "class"}
    return nh3.Cleaner(
        tags=_TAGS - _SPECIAL | {f"{_PREFIX}{tag}" for tag in _TAGS & _SPECIAL},
        clean_content_tags=words(_ALLOWED["dropped"]),
        attributes={"*": attributes, f"{_PREFIX}a": {"href"}, "img": {"src", "alt"}},
        attribute_filter=_attribute,
        url_schemes=SCHEMES | {"data"},
        link_rel=None,
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Return the attribute's value to keep; None to drop the attribute."""
    match name:
        case "href":
            return safe_url(value)
        case "class":
            return " ".join(filter(_CLASS.fullmatch, value.split())) or None
        case "style":
            return ";".join(filter(None, map(_declaration, value.split(";")))) or None
    return value


def _declaration(written: str) -> str:
    """Return the style declaration; empty if it is not listed or could fetch something: no url(),
    image-set() or var().
    """
    name, _, value = written.partition(":")
    name, value = name.strip().lower(), value.strip()
    if name not in _STYLES or not 0 < len(value) < LIMITS["style_value_chars"]:
        return ""
    return f"{name}:{value}" if _STYLE_VALUE.fullmatch(value) else ""


class _Writer:
    """Writes the output of nh3: well-formed, with allowed elements and attributes only."""

    def __init__(self) -> None:
        # the end tags of the elements that are open, empty for one that is left out
        self._open: list[str] = []

    def html(self, clean: str) -> str:
        return "".join(map(self._piece, _PIECE.finditer(clean)))

    def _piece(self, piece: re.Match[str]) -> str:
        if piece["text"] is not None:
            return without_tex(html.escape(readable(html.unescape(piece["text"]))))
        tag, attributes = piece["tag"].removeprefix(_PREFIX), piece["attributes"]
        if piece["end"]:
            return self._open.pop()
        if tag == "img":
            values = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(attributes)}
            src, alt = values.get("src", ""), values.get("alt", "")
            return image_html(src, alt, in_link="</a>" in self._open)
        if tag in _VOID:
            return f"<{tag}{attributes}>"
        if len(self._open) >= LIMITS["html_depth"]:
            self._open.append("")
            return ""
        if tag == "a" and ' href="' in attributes and "</a>" not in self._open:
            attributes += f" {LINK_ATTRIBUTES}"
        elif tag == "a":
            # A link needs an address, and a link inside another would end the outer one.
            tag, attributes = "span", _HREF.sub("", attributes)
        self._open.append(f"</{tag}>")
        return f"<{tag}{attributes}>"
