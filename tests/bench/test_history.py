"""Arithmetic of the benchmark's history."""

import json

from bench.history import HISTORY, Entry, losses, newest


def test_a_ratio_that_has_grown_by_more_than_a_tenth_is_a_loss() -> None:
    before = {"a": 10.0, "b": 10.0, "gone": 1.0}
    assert losses(before, {"a": 10.9, "b": 12.0, "new": 9.0}) == {"b": 12.0 / 10.0 - 1}


def test_ratios_are_compared_with_the_newest_of_the_same_python() -> None:
    entries = [
        Entry(commit=commit, python=python, ratios={})
        for commit, python in (("a", "3.11"), ("b", "3.11"), ("c", "3.14"))
    ]
    assert newest(entries, "3.11") == entries[1]
    assert newest(entries, "3.12") is None


def test_the_history_is_of_ratios() -> None:
    for line in HISTORY.read_text("utf-8").splitlines():
        entry = json.loads(line)
        assert set(entry) == {"commit", "python", "ratios"}
        assert all(0 < value < 1_000 for value in entry["ratios"].values())
