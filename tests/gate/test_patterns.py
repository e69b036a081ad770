"""Patterns are masked wherever a stream is cut, and no other text is held back for ever."""

import json
import re
from itertools import pairwise

import pytest
import regex
from campaign import EXAMPLES, WHOLE
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nbagent.gate.patterns import Patterns, Rule

RULES: list[str] = [
    r"\d{4}",
    r"\d+",
    "ab",
    "abba|b",
    r"ab|abba",
    r"\bab\b",
    r"ab\B",
    r"a(?=b)",
    r"a(?!b)",
    r"(?<!a)b+",
    r"(?<=ab)\d",
    r"a.*b",
    r"(?s)a.*?\d",
    r"(a|b)\1",
    r"(?i)AB 1",
    r"^a",
    r"b$",
]


def streamed(patterns: Patterns, pieces: list[str]) -> list[str]:
    stream = patterns.stream()
    return [*(stream.feed(piece) for piece in pieces), stream.close()]


def test_a_match_becomes_bullets_of_its_length() -> None:
    assert Patterns([r"\d{4}"]).mask("card 1234 5678, year 99") == "card •••• ••••, year 99"


def test_only_what_may_go_on_is_held_back() -> None:
    assert streamed(Patterns([r"\d{4}"]), ["pay 1", "2", "3", "4 now 5", "6 or"]) == [
        "pay ",
        "",
        "",
        "•••• now ",
        "56 or",
        "",
    ]


def test_expressions_of_either_module_and_functions_are_taken() -> None:
    rules: list[Rule] = [
        re.compile("a.b", re.DOTALL | re.IGNORECASE),
        regex.compile("c"),
        lambda text: text.upper(),
    ]
    assert Patterns(rules).mask("A\nb cd") == "••• •D"


def test_a_function_sees_the_whole_text() -> None:
    assert streamed(
        Patterns([lambda text: text.replace("John Smith", "J. S.")]), ["I am John", " Smith."]
    ) == [
        "",
        "",
        "I am J. S..",
    ]


def test_json_is_masked_in_keys_strings_and_numbers() -> None:
    value = {"n 1234": [12345, 1.5, True, None, "x"], "y": 7}
    assert Patterns([r"\d{4}"]).mask_json(value) == {
        "n ••••": ["••••5", 1.5, True, None, "x"],
        "y": 7,
    }
    assert Patterns([r"\d"]).mask_json({"n 1": 1, "n 2": 2}) == {"n •": "•", "n •-2": "•"}
    clean = {"a": [1, "b"]}
    assert Patterns([r"\d{4}"]).mask_json(clean) is clean


@pytest.mark.parametrize("rules", [["("], [re.compile(b"x")]])
def test_what_is_no_expression_of_text_is_named(rules: list[Rule]) -> None:
    with pytest.raises((ValueError, TypeError), match="redact"):
        Patterns(rules)


def test_no_rules_are_false() -> None:
    assert not Patterns()
    assert Patterns(["a"])


@settings(max_examples=EXAMPLES if WHOLE else 300)
@given(
    rule=st.sampled_from(RULES),
    text=st.text(alphabet="aAb12 \n", max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=12),
)
@example(rule="b$", text="b\n1", cuts=[2])
def test_what_streams_shows_no_more_than_the_whole_however_it_is_cut(
    rule: str, text: str, cuts: list[int]
) -> None:
    patterns = Patterns([rule, "2a"])
    edges = [0, *sorted(min(at, len(text)) for at in cuts), len(text)]
    assert "".join(streamed(patterns, [text[a:b] for a, b in pairwise(edges)])) == patterns.mask(
        text
    )


@settings(max_examples=EXAMPLES if WHOLE else 300)
@given(
    text=st.text(alphabet='a1\\"/né😀\ud83d\n', max_size=20),
    cuts=st.lists(st.integers(0, 120), max_size=12),
)
@example(text="\n\\n", cuts=[2])  # the escaped line break was shown before the match came
@example(text=" \\n", cuts=[1])
@example(text="\\\n\\n", cuts=[])
def test_what_json_has_escaped_is_found_however_it_is_cut(text: str, cuts: list[int]) -> None:
    patterns = Patterns(["a1", "é+😀", '1"', "é\n", r"\\\\n", "(?<=1)é"])
    written = json.dumps(text)[1:-1]
    edges = [0, *sorted(min(at, len(written)) for at in cuts), len(written)]
    shown = "".join(streamed(patterns, [written[a:b] for a, b in pairwise(edges)]))
    assert shown == patterns.mask(written)
    assert len(shown) == len(written)
    decoded = json.loads(f'"{shown}"')
    assert not any(match in decoded for match in ("a1", "é😀", '1"', "é\n"))


def test_arguments_and_results_are_masked_as_they_are_written() -> None:
    patterns = Patterns(["Müller", "a\nb"])
    assert (
        patterns.mask(r'{"name": "M\u00fcller", "n": "a\nb"}')
        == '{"name": "•••••••••••", "n": "••••"}'
    )
    assert patterns.mask(r"C:\new") == r"C:\new"


def test_a_match_that_goes_on_for_long_is_not_searched_at_each_piece() -> None:
    searched = 0

    class Counting(Patterns):
        def release(self, text: str, start: int, *, last: bool = False) -> tuple[str, int] | None:
            nonlocal searched
            searched += len(text)
            return super().release(text, start, last=last)

    pieces = ["x"] * 20_000
    assert "".join(streamed(Counting(["x+"]), pieces)) == "•" * 20_000
    assert searched < 12 * 20_000
