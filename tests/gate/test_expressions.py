"""Without the package `regex`, as in a page, complete texts are masked as with it."""

import re

import pytest
from gate.test_patterns import RULES, streamed
from hypothesis import given
from hypothesis import strategies as st

from nbagent.gate import expressions
from nbagent.gate.masking import ALL_CUTS
from nbagent.gate.patterns import Patterns, Rule


def plain(monkeypatch: pytest.MonkeyPatch, *rules: Rule) -> Patterns:
    """Return patterns that are made without the package."""
    with monkeypatch.context() as patch:
        patch.setattr(expressions, "engine", None)
        return Patterns(rules)


@given(rule=st.sampled_from(RULES), text=st.text("ab 1234\n*_", max_size=30))
def test_a_whole_text_is_masked_as_with_it(rule: str, text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        assert plain(patch, rule).mask(text) == Patterns([rule]).mask(text)


def test_a_stream_shows_a_text_when_it_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expressions, "engine", None)
    shown = streamed(Patterns([r"\d{4}"]), ["pay 1", "23", "4 now"])
    assert shown == ["", "", "", "pay •••• now"]


def test_what_a_mark_of_omission_may_have_cut_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = "the card 4929-12… (9 more characters)"
    shown = plain(monkeypatch, r"\d{4}-\d{4}").mask(cut, cuts=ALL_CUTS)
    assert "4929" not in shown


@pytest.mark.parametrize(
    "rule",
    [r"\p{L}+", "(?:card){e<=1}", "[[:digit:]]+", "(a"],
)
def test_what_only_that_package_understands_is_refused(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=rf"redact={re.escape(repr(rule))} is not a regular"):
        plain(monkeypatch, rule)
