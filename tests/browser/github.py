"""HTML as GitHub leaves it: a simulation of the allow-list by which it shows what is in notebooks
and READMEs.

https://github.com/gjtorikian/html-pipeline/blob/main/lib/html_pipeline/sanitization_filter.rb
"""

import html
from html.parser import HTMLParser

ELEMENTS = frozenset(
    """
    h1 h2 h3 h4 h5 h6 br b i strong em a pre code img tt div ins del sup sub p picture ol ul table
    thead tbody tfoot blockquote dl dt dd kbd q samp var hr ruby rt rp li tr td th s strike summary
    details caption figure figcaption abbr bdo cite dfn mark small source span time wbr
    """.split()
)
ATTRIBUTES = frozenset(
    """
    abbr accept align alt axis border cellpadding cellspacing char charset checked clear cols
    colspan color compact coords datetime dir disabled enctype for frame headers height hreflang
    hspace ismap label lang longdesc maxlength media method multiple name nohref noshade nowrap open
    progress prompt readonly rel rev role rows rowspan rules scope selected shape size span start
    summary tabindex title type usemap valign value width itemprop aria-label src href
    """.split()
)
GONE_WITH_CONTENT = {"script", "style", "iframe", "object", "embed"}


class _GitHub(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.skip = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.skip += tag in GONE_WITH_CONTENT
        if self.skip or tag not in ELEMENTS:
            return
        kept = "".join(
            f' {name}="{html.escape(value or "")}"' for name, value in attrs if name in ATTRIBUTES
        )
        self.out.append(f"<{tag}{kept}>")

    def handle_endtag(self, tag: str) -> None:
        if not self.skip and tag in ELEMENTS:
            self.out.append(f"</{tag}>")
        self.skip -= tag in GONE_WITH_CONTENT

    def handle_data(self, data: str) -> None:
        if not self.skip:
            self.out.append(html.escape(data))


def as_on_github(source: str) -> str:
    """Return the HTML without style, script, classes, `data-` attributes and other parts that
    GitHub removes.
    """
    github = _GitHub()
    github.feed(source)
    github.close()
    return "".join(github.out)
