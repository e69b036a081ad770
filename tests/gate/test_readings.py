"""Patterns match what a reader sees, through markup, invisible characters and escapes, wherever a
stream is cut.
"""

import json
from itertools import pairwise

import pytest
import regex
from campaign import EXAMPLES, WHOLE
from hypothesis import given, settings
from hypothesis import strategies as st

from nbagent.gate.decoded import Decoded, Replacement
from nbagent.gate.patterns import Patterns
from nbagent.gate.visible import html_markup, markdown_markup

CARD = "4111111111111111"


def streamed(patterns: Patterns, text: str, cuts: list[int]) -> str:
    stream = patterns.stream()
    edges = [0, *sorted(min(at, len(text)) for at in cuts), len(text)]
    return "".join([*(stream.feed(text[a:b]) for a, b in pairwise(edges)), stream.close()])


@pytest.mark.parametrize(
    "text",
    [
        "4111**1111**1111*1111*",
        "_4111_**1111**_1111_**1111**",
        "4111`1111`11111111",
        "~~4111~~1111~~11111111~~",
        "4111&#49;11111111111",
        "4111&#x31;11111111111",
        "4111\u200b1111\u200c1111\u20601111",
        "4111\u00ad1111&shy;11111111",
        "4111\ufe0f1111\U000e00411111\u202e1111",
        "４１１１1111１１１１1111",
        "𝟒𝟏𝟏𝟏111111111111",
        json.dumps("4111\u200b111111111111"),
        json.dumps(json.dumps("4111\u200b１１１１11111111")),
    ],
)
def test_a_pattern_matches_what_markdown_shows(text: str) -> None:
    patterns = Patterns([r"\d{16}"])
    shown = patterns.mask(text)
    assert "•" in shown
    assert len(shown) == len(text)
    assert not any(digit in shown for digit in "14１４")
    assert streamed(patterns, text, list(range(len(text)))) == shown


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (
            "<td>4111<b>1111</b>1111<!-- x -->1111</td>",
            "<td>••••<b>••••</b>••••<!-- x -->••••</td>",
        ),
        (
            "<text>4111<tspan dx='1'>111111111111</tspan></text>",
            "<text>••••<tspan dx='1'>••••••••••••</tspan></text>",
        ),
        ("4111&#49;11111111111", "••••" + "•" * 16),
        ("<td>41111111</td><td>11111111</td>", "<td>41111111</td><td>11111111</td>"),
        ("4111*111111111111", "4111*111111111111"),
    ],
)
def test_a_pattern_matches_what_html_shows(html: str, expected: str) -> None:
    assert Patterns([r"\d{16}"]).mask(html, is_html=True) == expected


@pytest.mark.parametrize(
    "text",
    [
        "John Smith",
        "John\nSmith",
        "John  \n\tSmith",
        "John\n\nSmith",
        "**John** Smith",
        "John&nbsp;Smith",
        "John\\nSmith",
    ],
)
def test_a_space_in_a_pattern_matches_what_shows_as_one(text: str) -> None:
    for rule in (
        "John Smith",
        r"John\ Smith",
        r"John[[:space:] ]Smith",
        r"John\s+Smith",
        "John[ -]Smith",
    ):
        shown = Patterns([rule]).mask(text)
        assert "John" not in shown, rule
        assert "Smith" not in shown, rule


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (r"\d{16}", f"see {CARD}, and `1` *2* file_name_2024 &amp; 3"),
        (r"\d+", "1*2*3 and\n4\u200b5"),
        (r"Name: .*", f"Name: {CARD}\nnext **line**\nand more"),
        (r"[\w.]+@\w+\.com", "ask *ann.lee@x.com* or bob, not me"),
        (r"\b\d{3}\b", "1234 **123** 12"),
    ],
)
def test_nothing_beside_a_match_is_masked(rule: str, text: str) -> None:
    assert Patterns([rule]).mask(text) == regex.sub(rule, lambda found: "•" * len(found[0]), text)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("a[[:alpha:] ]b", "a b axb a]b a[b"),
        ("a[^ ]b", "a b axb"),
        (r"a[\] ]b", "a]b a b"),
        ("(?x) a b  # [ two letters", "ab a b"),
        (regex.compile(r"a[[x][ y]]b", regex.V1), "axb a b ayb a[b"),
        ("a[ -~]b", "a b a~b aéb"),
    ],
)
def test_a_space_in_a_set_or_comment_keeps_its_meaning(rule: str, text: str) -> None:
    assert Patterns([rule]).mask(text) == regex.sub(rule, lambda found: "•" * len(found[0]), text)


RULES = [
    r"\d{4}",
    r"1+a",
    "a 1",
    r"(?<=a)1+",
    r"\ba1\b",
    "a.*1",
    r"(?s)a.*?1\d",
    "1$",
    r"(?<!a)1a+",
    r"a\n1",
]
MARKED = st.lists(
    st.sampled_from(
        [*'aa11122 \n*_`~&#49;\\n"<>x', "\u200b", "１", "&#49;", "\\u0031", "**", "  "]
    ),
    max_size=24,
).map("".join)


@settings(max_examples=EXAMPLES if WHOLE else 300)
@given(rule=st.sampled_from(RULES), text=MARKED, cuts=st.lists(st.integers(0, 60), max_size=16))
def test_a_text_with_markup_is_masked_alike_however_it_is_cut(
    rule: str, text: str, cuts: list[int]
) -> None:
    patterns = Patterns([rule, "2a"])
    assert streamed(patterns, text, cuts) == patterns.mask(text)


HIDERS = st.sampled_from(
    ["**", "*", "`", "~~", "\u200b", "\u00ad", "\ufeff", "&shy;", "&#8203;", "\u2060**"]
)


@settings(max_examples=EXAMPLES if WHOLE else 100)
@given(
    st.lists(st.tuples(st.integers(1, 15), HIDERS), max_size=6),
    st.integers(0, 2),
    st.lists(st.integers(0, 99), max_size=8),
)
def test_no_digit_of_a_card_is_left_through_any_disguise(
    hiders: list[tuple[int, str]], encoded: int, cuts: list[int]
) -> None:
    letters = list(CARD)
    for at, hider in hiders:
        letters[at] = hider + letters[at]
    text = "".join(letters)
    for _ in range(encoded):
        text = json.dumps(text)
    shown = streamed(Patterns([r"\d{16}"]), text, cuts)
    for hider in (
        "&#8203;",
        "\\u200b",
        "\\u00ad",
        "\\u2060",
        "\\ufeff",
        "\\\\u200b",
        "\\\\u00ad",
        "\\\\u2060",
        "\\\\ufeff",
    ):
        shown = shown.replace(hider, "")
    assert not set("41") & set(shown)


def test_offsets_lead_back_to_the_source() -> None:
    decoded = Decoded("ab--cd=ef", [Replacement(2, 4, ""), Replacement(6, 7, "xyz")])
    assert decoded.text == "abcdxyzef"
    assert decoded.spans(1, 5) == [(1, 2), (4, 6), (6, 7)]
    assert decoded.spans(5, 8) == [(6, 7), (7, 8)]
    assert decoded.span_around(3) == (2, 4)
    assert decoded.span_around(4) == (4, 4)
    assert [decoded.offset_of(at) for at in (0, 2, 4, 6, 7, 9)] == [0, 2, 2, 4, 7, 9]


@given(st.text(max_size=30), st.sampled_from([markdown_markup, html_markup]))
def test_each_character_that_is_seen_comes_from_its_own_place(text: str, markup: object) -> None:
    decoded = Decoded(text, markup(text)[0])  # type: ignore[operator]
    places = [decoded.spans(at, at + 1) for at in range(len(decoded.text))]
    assert all(len(spans) == 1 for spans in places)
    assert places == sorted(places)


@pytest.mark.proof
@pytest.mark.parametrize(
    "text",
    ["*" * 100_000, "&" * 100_000, "_" * 100_000, "\\" * 100_000, "<" * 50_000, "a\n" * 50_000],
)
def test_a_text_of_nothing_but_markup_takes_linear_time(text: str) -> None:
    patterns = Patterns([r"\d{16}"])
    assert patterns.mask(text) == text
    assert patterns.mask(text, is_html=True) == text
    assert streamed(patterns, text, [1000, 2000, 3000]) == text
