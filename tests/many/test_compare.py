"""Scores of maps with their intervals, and two maps compared."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbagent
from nbagent.errors import NbagentError
from nbagent.many.intervals import bootstrap, share
from nbagent.many.runs import Runs


def done(answers: dict[str, str], **options: Any) -> Runs:
    """Return a map whose rows answer as given; `!` fails."""

    def say(item: str) -> Iterator[str]:
        if item == "!":
            raise ValueError("bad")
        yield item

    return nbagent.map(say, answers, **options).wait()


def is_right(item: str, run: Any) -> bool:
    """Return whether an answer is right."""
    return bool(run.answer == "right")


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_a_mean_is_within_its_interval(values: list[float]) -> None:
    interval = bootstrap(values)
    slack = 1e-6
    assert interval.low - slack <= interval.mean <= interval.high + slack
    assert bootstrap(values) == interval


def test_an_interval_of_many_values_is_that_of_the_normal_distribution() -> None:
    interval = bootstrap([0.0, 1.0] * 2500)
    assert (interval.low, interval.high) == pytest.approx((0.4861, 0.5139), abs=0.002)


def test_a_share_of_all_has_a_width() -> None:
    assert share(10, 10).low == pytest.approx(0.722, abs=0.001)


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
