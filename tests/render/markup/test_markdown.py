"""Markdown in the saved notebook: the specification's examples, and the deliberate differences."""

import json
import re
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from types import FrameType
from typing import Any
from xml.etree import ElementTree

import pytest
from campaign import WHOLE, figure
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from safe_html import SafeHtml

from nbagent.render.markup.grammar import _kept_children
from nbagent.render.markup.markdown import markdown_html
from nbagent.render.markup.mathml import mathml

CORPORA = Path(__file__).parents[2] / "corpora" / "markdown"
WITH_HTML = MarkdownIt("commonmark")


def has_raw_html(markdown: str) -> bool:
    tokens = WITH_HTML.parse(markdown)
    return any(
        token.type == "html_block"
        or any(child.type == "html_inline" for child in token.children or [])
        for token in tokens
    )


class Shape(HTMLParser):
    """Elements and text in order, without links and pictures (which follow rules of their own) and
    spaces between blocks.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("a", "span", "div"):
            self.found.append(("element", tag.replace("del", "s")))

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("a", "span", "div"):
            self.found.append(("end", tag.replace("del", "s")))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] == "text":
            data = self.found.pop()[1] + data
        if data.strip():
            self.found.append(("text", data))


def shape(html: str) -> list[tuple[str, str]]:
    return [(kind, " ".join(text.split())) for kind, text in Shape(html).found]


def examples(name: str) -> list[dict[str, Any]]:
    found = json.loads((CORPORA / name).read_text())
    return [each for each in found if not has_raw_html(each["markdown"])]


HEADING = re.compile(
    r'<div role="heading" aria-level="(\d)" style="[^"]*"><strong>(.*?)</strong></div>', re.DOTALL
)


def same(example: dict[str, Any]) -> bool:
    html = HEADING.sub(
        lambda found: f"<h{int(found[1]) - 3}>{found[2]}</h{int(found[1]) - 3}>",
        markdown_html(example["markdown"]),
    )
    return shape(html) == shape(example["html"])


def test_the_examples_of_commonmark_are_drawn_as_specified() -> None:
    # Links without a scheme are shown with their URL, and bare URLs are links, as in GFM.
    found = [
        each
        for each in examples("commonmark_0.31.2.json")
        if "<a " not in each["html"] and "<img" not in each["html"]
    ]
    wrong = [each["example"] for each in found if not same(each)]
    figure(
        "saved notebook",
        "CommonMark examples without links and raw HTML drawn as specified",
        f"{len(found) - len(wrong)} of {len(found)}",
    )
    assert len(found) == 449
    assert wrong == []


def test_the_examples_of_gfm_are_drawn_as_specified() -> None:
    extensions = ("Tables (extension)", "Task list items (extension)", "Strikethrough (extension)")
    # "~one tilde~" is text here: "~5 to ~10".
    found = [
        each
        for each in examples("gfm_spec.json")
        if each["section"] in extensions and "~Hello~" not in each["markdown"]
    ]
    assert len(found) >= 10
    assert [each["markdown"] for each in found if not same(each)] == []


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("<b>raw</b>", "<p>&lt;b&gt;raw&lt;/b&gt;</p>"),
        ("[a](javascript:x)", "<p>a (javascript:x)</p>"),
        ("[a](b.md)", "<p>a (b.md)</p>"),
        ("README.md and www.a.example", "<p>README.md and www.a.example</p>"),
        (
            "![](data:image/png;base64,AAAA)",
            '<p><img src="data:image/png;base64,AAAA" alt="" style="max-width:100%"></p>',
        ),
        ("- [x] a", '<ul><li><input type="checkbox" disabled checked> a</li></ul>'),
        ("$5 and $10", "<p><span>$</span>5 and <span>$</span>10</p>"),
        ("$a_1$", "<p>$a_1$</p>"),
        (r"\[" + "\nx < y\n" + r"\]", "<p>$$x &lt; y$$</p>"),
        ("$$\nx\n\ny", "<p><span>$</span><span>$</span>x</p><p>y</p>"),
    ],
)
def test_what_differs_from_the_specification(markdown: str, html: str) -> None:
    assert markdown_html(markdown).replace("\n<", "<").replace(">\n", ">").strip() == html


def test_a_heading_is_none_of_the_document_around_it() -> None:
    html = markdown_html("# Result\n\nEnd\n===")
    assert re.sub(' style="[^"]*"', "", html) == (
        '<div role="heading" aria-level="4"><strong>Result</strong></div>\n'
        '<div role="heading" aria-level="4"><strong>End</strong></div>\n'
    )


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("$a^2$", "<p>{}<mrow><msup><mi>a</mi><mn>2</mn></msup></mrow></math></p>"),
        ("$$\nx < y\n$$", "<p>{}<mrow><mi>x</mi><mo>&lt;</mo><mi>y</mi></mrow></math></p>"),
        (r"$\frac$", r"<p><code>\frac</code></p>"),
        (r"$\href{javascript:x}{y}$", r"<p><code>\href{javascript:x}{y}</code></p>"),
        (r"$\style{color:red}{y}$", r"<p><code>\style{color:red}{y}</code></p>"),
    ],
)
def test_a_formula_is_mathml_where_nothing_typesets_it(markdown: str, html: str) -> None:
    math = f'<math display="{"block" if "$$" in markdown else "inline"}">'
    assert markdown_html(markdown, typeset=True).strip() == html.replace("{}", math)


@pytest.mark.parametrize(
    "tex",
    [
        r"\href{javascript:alert(1)}{x}",
        r"\style{background:url(https://a.example)}{x}",
        r"\class{jp-Cell}{x}",
        r"\textcolor{url(https://a.example)}{x}",
        r"\unicode{x3c}script\unicode{x3e}",
        r"\text{<script>}&lt;img src=x onerror=alert(1)&gt;",
    ],
)
def test_a_formula_can_do_nothing_but_be_drawn(tex: str) -> None:
    drawn = mathml(tex, display=True) or ""
    assert not re.search(r"<(?!/?m(ath|row|style|text|i|o|n)\b)|href|url|class=|style=", drawn)


@pytest.mark.parametrize(
    ("tex", "is_drawn"),
    [
        (r"\rule{2em}{1em} + \hspace{10 pt}", True),
        (r"\rule{9999em}{9999em}", False),
        (r"\raise 21em x", False),
        (r"\begin{matrix}a\\[9em]b\\[9em]c\\[9em]d\end{matrix}", False),
        (r"\kern" + "9" * 400 + "mu", False),
    ],
)
def test_a_formula_with_lengths_of_a_page_stays_code(tex: str, is_drawn: bool) -> None:
    assert (f"${tex}$" in markdown_html(f"${tex}$")) is is_drawn


@given(
    st.text(alphabet="\\{}^_&$ab12<>\"' \n", max_size=60)
    | st.sampled_from(["{" * 4000, "\\frac" * 700, "a^" * 2000])
)
def test_any_formula_is_well_formed_or_refused(tex: str) -> None:
    drawn = mathml(tex, display=False)
    assert drawn is None or ElementTree.fromstring(drawn).tag == "math"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("see https://a.example/x?y=1.", "https://a.example/x?y=1"),
        ("(https://a.example/b_(c))", "https://a.example/b_(c)"),
        ("https://a.example:8080/~u, or", "https://a.example:8080/~u"),
        ("**https://a.example**", "https://a.example"),
    ],
)
def test_a_bare_url_is_a_link_without_the_marks_around_it(text: str, url: str) -> None:
    assert f'<a href="{url}" ' in markdown_html(text)


def test_a_direction_override_is_written_out_in_prose_and_code() -> None:
    html = markdown_html("user\u202etxt.exe `a\u2066b`\n\n```\nif \u202e} begin\n```")
    assert "user‹U+202E›txt.exe" in html
    assert "<code>a‹U+2066›b</code>" in html
    assert "if ‹U+202E›} begin" in html


def test_an_isolate_stays_in_prose_as_languages_from_right_to_left_need_it() -> None:
    assert markdown_html("\u2067ghi\u2069") == "<p>\u2067ghi\u2069</p>\n"


def test_a_picture_elsewhere_is_a_link_that_names_its_host() -> None:
    html = markdown_html("![chart](https://a.example/secret?x=1)")
    assert "<img" not in html
    assert ">image: chart (a.example)</a>" in html


# --- hostile texts ---

Parts = list[tuple[str, int]]
"""A text: units, and how often each is repeated."""

PATHOLOGICAL: dict[str, Parts] = {
    case["name"]: case["parts"]
    for case in json.loads((CORPORA / "cmark_gfm_pathological.json").read_text())
} | {
    "open math": [("\\( ", 60_000)],
    "money": [("$a ", 60_000)],
    "bare URLs": [("https://a.", 20_000)],
}


def text_of(parts: Parts, chars: int) -> str:
    """Return the text, its repetitions cut in proportion so that it has about so many
    characters.
    """
    whole = sum(len(unit) * count for unit, count in parts)
    return "".join(unit * max(1, min(count, count * chars // whole)) for unit, count in parts)


def calls_in(source: str) -> int:
    """Return the number of function calls that drawing the text takes: its cost, independent of the
    machine's load.
    """
    calls = 0
    _kept_children.cache_clear()

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        markdown_html(source)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_twice_the_text_is_at_most_twice_the_work(name: str) -> None:
    chars = 2_000 if WHOLE else 600
    once, twice = text_of(PATHOLOGICAL[name], chars), text_of(PATHOLOGICAL[name], 2 * chars)
    markdown_html(once)  # what is made once is no part of it
    assert calls_in(twice) <= 2.2 * calls_in(once)


def test_no_text_makes_many_times_its_size_of_html() -> None:
    slowest = 0.0
    for parts in PATHOLOGICAL.values():
        text = text_of(parts, 1_000_000 if WHOLE else 10_000)
        begun = time.process_time()
        drawn = markdown_html(text)
        slowest = max(slowest, time.process_time() - begun)
        SafeHtml(drawn)
        assert len(drawn) < 40 * len(text)
    figure(
        "saved notebook",
        "slowest of 19 pathological Markdown texts, kernel CPU",
        f"{slowest:.1f} s",
    )


def test_a_text_that_grows_is_written_like_one_that_comes_whole() -> None:
    text = (
        "- [x] done\n- [ ] *open*\n\nSee [one] and `code`.\n\n"
        "| a | b |\n|---|---|\n| $x$ | \\* |\n\nSee [one] and `code`.\n\n"
        "[one]: https://example.org/\n\n- [x] done\n"
    )
    grown = [markdown_html(text[:end]) for end in range(len(text) + 1)]
    for end, written in enumerate(grown):
        _kept_children.cache_clear()
        assert written == markdown_html(text[:end])
