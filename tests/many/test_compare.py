"""Scores of maps with their intervals, and two maps compared."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbagent
from nbagent.errors import NbagentError
from nbagent.many.intervals import bootstrap, difference_of_shares, share
from nbagent.many.runs import Runs


def done(answers: dict[str, str], **options: Any) -> Runs:
    """Return a map whose rows answer as given; `!` fails."""

    def say(item: str) -> Iterator[str]:
        if item == "!":
            raise ValueError("bad")
        yield item

    runs: Runs = nbagent.map(say, answers, **options)
    return runs.wait()


def is_right(item: str, run: Any) -> bool:
    """Return whether an answer is right."""
    return bool(run.answer == "right")


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_a_mean_is_within_its_interval(values: list[float]) -> None:
    interval = bootstrap(values)
    assert bootstrap(values) == interval
    if interval.low is None or interval.high is None:
        assert len(set(values)) == 1
        return
    slack = 1e-6
    assert interval.low - slack <= interval.mean <= interval.high + slack


def test_an_interval_of_many_values_is_that_of_the_normal_distribution() -> None:
    interval = bootstrap([0.0, 1.0] * 2500)
    assert (interval.low, interval.high) == pytest.approx((0.4861, 0.5139), abs=0.002)


def test_a_share_of_all_has_a_width() -> None:
    assert share(10, 10).low == pytest.approx(0.722, abs=0.001)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_a_difference_of_shares_is_within_its_interval(pairs: list[tuple[bool, bool]]) -> None:
    interval = difference_of_shares(pairs)
    assert interval.low is not None
    assert interval.high is not None
    assert -1 <= interval.low <= interval.mean <= interval.high <= 1
    assert interval.low < interval.high
    turned = difference_of_shares([(after, before) for before, after in pairs])
    assert (-interval.high, -interval.low) == pytest.approx((turned.low, turned.high))


def test_of_a_thousand_differences_of_shares_95_percent_are_in_their_intervals() -> None:
    source = random.Random(7)
    held = 0
    for _ in range(1000):
        before = [source.random() < 0.8 for _ in range(100)]
        after = [source.random() < (0.9 if was else 0.6) for was in before]
        interval = difference_of_shares(list(zip(before, after, strict=True)))
        held += (interval.low or 0) <= 0.8 * 0.9 + 0.2 * 0.6 - 0.8 <= (interval.high or 0)
    assert 930 <= held <= 970


def test_an_interval_that_the_values_do_not_tell_is_none() -> None:
    assert bootstrap([2.0]).text() == "2 (no interval: 1 value)"
    assert bootstrap([0.0] * 3).text("+") == "+0 (no interval: all 3 values are equal)"


def test_repetitions_that_agree_do_not_narrow_a_share() -> None:
    once = done({"x": "right", "y": "right"}, check=is_right)
    often = done({"x": "right", "y": "right"}, check=is_right, repeat=5)
    assert often.scores["check"] == once.scores["check"] == share(2, 2)


def test_a_summary_has_the_scores() -> None:
    runs = done({"x": "right", "y": "wrong"}, check=is_right)
    assert runs.scores["check"].mean == 0.5
    assert "check 0.5 (0.0945 to 0.905)" in runs.summary()


def test_rows_that_became_worse_come_first() -> None:
    old = {"same": "right", "up": "wrong", "down": "right", "gone": "right", "lost": "right"}
    new = {"same": "right", "up": "right", "down": "wrong", "new": "right", "lost": "!"}
    a, b = (done(each, check=is_right) for each in (old, new))
    compared = nbagent.compare(a, b)
    assert [(each.row.item.label, each.change) for each in compared] == [
        ("down", "worse"),
        ("lost", "worse"),
        ("gone", "only in a"),
        ("new", "only in b"),
        ("up", "better"),
    ]
    assert compared.interval is not None
    assert (compared.interval.mean, compared.interval.values) == (-0.25, 4)
    assert compared.df().loc["down", "answer_b"] == "wrong"
    assert "-0.25 (" in compared._repr_html_()
    assert not compared.diff(0).same
    with pytest.raises(NbagentError, match="no counterpart"):
        compared.diff(2)


def test_maps_without_checks_are_compared_by_their_ends() -> None:
    compared = nbagent.compare(done({"x": "one", "y": "two"}), done({"x": "!", "y": "three"}))
    assert [each.change for each in compared] == ["worse", "changed"]
    with pytest.raises(NbagentError, match="both have none"):
        done({"x": "one"}).compare(done({"x": "one"}), by="check")


def test_a_lower_value_is_better_where_the_user_says_so() -> None:
    def length(item: str, run: Any) -> int:
        return len(run.answer)

    a, b = (done(each, scorers=[length]) for each in ({"x": "ab", "y": "a"}, {"x": "a", "y": "ab"}))
    assert {each.row.item.label: each.change for each in a.compare(b)}["x"] == "worse"
    compared = a.compare(b, by="length", lower_is_better=True)
    assert {each.row.item.label: each.change for each in compared} == {"x": "better", "y": "worse"}
    with pytest.raises(NbagentError, match="needs a check that both maps have"):
        a.compare(b, by="completed", lower_is_better=True)


def test_a_row_without_an_answer_counts_as_the_worse_value() -> None:
    answers = ({"x": "right", "y": "right"}, {"x": "!", "y": "right"})
    a, b = (done(each, scorers={"wrong": is_right}) for each in answers)
    assert a.compare(b, lower_is_better=True)[0].after == 1.0


def test_equal_maps_have_no_differing_rows() -> None:
    runs = done({"x": "one"})
    assert "no row differs" in nbagent.compare(runs, runs).summary()


@pytest.mark.proof  # pyarrow comes with the group `tables`
@pytest.mark.parametrize("repeat", [1, 2])
def test_a_table_of_several_agents_goes_through_parquet(repeat: int, tmp_path: Path) -> None:
    agents = {"plain": lambda item: [item], "loud": lambda item: [item.upper()]}
    runs = nbagent.map(agents, {"x": "one"}, check=is_right, repeat=repeat).wait()
    runs.to_parquet(tmp_path / "rows.parquet")
    table = pd.read_parquet(tmp_path / "rows.parquet")
    pd.testing.assert_frame_equal(table, runs.df())
