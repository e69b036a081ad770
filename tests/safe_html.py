"""Checker of HTML in a saved notebook: it must be well-formed, and must not run or load
anything.
"""

import re
from html.parser import HTMLParser

from nbagent.protocol.shared import words

VOID = {"br", "hr", "wbr", "col", "img", "input"}
BLOCK = words(
    "div p pre blockquote details summary ul ol li dl dt dd hr table caption thead tbody tfoot tr "
    "th td figure"
)
INLINE = words(
    "col colgroup span code samp kbd var b i u s em strong small sub sup mark del ins abbr cite q "
    "br wbr a img input figcaption"
    " style"
)
ELEMENTS = {*BLOCK, *INLINE, *(f"h{level}" for level in range(1, 7))}
ATTRIBUTES = {
    "style",
    "title",
    "open",
    "start",
    "aria-label",
    "href",
    "target",
    "rel",
    "download",
    "src",
    "alt",
    "class",
}
ATTRIBUTES |= {
    "type",
    "disabled",
    "checked",
    "colspan",
    "rowspan",
    "scope",
    "align",
    "valign",
    "reversed",
    "datetime",
    "dir",
}
ATTRIBUTES |= {"lang", "data-nbagent-twin", "role", "aria-level"}
LINKS = re.compile(
    r"https?://|mailto:|data:application/octet-stream;base64,[A-Za-z0-9+/=]*\Z", re.IGNORECASE
)
IMAGES = re.compile(
    r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=]+\Z", re.IGNORECASE
)


class SafeHtml(HTMLParser):
    """Parses a page, and fails on the first forbidden element or attribute.

    Attributes:
        elements: number of elements by name.
        text: visible text, block by block.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self._open: list[str] = []
        self._words: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], f"never closed: {self._open}"

    @property
    def text(self) -> list[str]:
        return [
            line
            for line in (" ".join(line.split()) for line in "".join(self._words).split("\n"))
            if line
        ]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ELEMENTS, tag
        self.elements.append(tag)
        assert len({name for name, _ in attrs}) == len(attrs), f"twice: {attrs}"
        for name, value in attrs:
            assert name in ATTRIBUTES, f"{tag} {name}"
            if name == "href":
                assert LINKS.match(value or ""), value
                assert not re.search(r"[\s\x00-\x1f]", value or ""), value
            if name == "src":
                assert IMAGES.match(value or ""), value
            if name == "style":
                assert not re.search(r"url|image|expression|var\(|position|[<>@\\]", value or ""), (
                    value
                )
        if tag == "input":
            assert dict(attrs)["type"] == "checkbox"
        if tag not in VOID:
            self._open.append(tag)
        if tag in BLOCK:
            self._words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, f"</{tag}> out of order"
        if tag in BLOCK:
            self._words.append("\n")

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["style"]:
            assert re.fullmatch(r"[\w\s\[\]{}:;()\"=,.*+@-]*", data), data
            assert "@import" not in data
        else:
            self._words.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")
