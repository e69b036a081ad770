"""A stream that something on the way has buffered: told once, and only of a stream that was."""

import time
from typing import Any

import pytest

from nbagent.sources.held_back import HeldBack

RUN: list[Any] = [
    {"type": "run.start", "ts": 100.0},
    {"type": "text.delta", "ts": 104.0},
    {"type": "run.end", "ts": 110.0},
]


@pytest.mark.parametrize(
    ("arrivals", "is_told"),
    [
        ([0.1, 4.1, 10.1], False),  # as it happens
        ([10.0, 10.1, 10.2], True),  # all at its end
        ([0.1, 0.2, 0.3], False),  # a run that had ended before
        ([6.0, 6.1, 6.2], True),  # joined in its middle
        ([3.0, 7.0, 13.0], False),  # a server that is slow to reply
    ],
)
def test_a_stream_that_came_in_one_piece_is_told_of_before_its_end(
    arrivals: list[float], is_told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    check = HeldBack()
    got: list[Any] = []
    for clock[0], item in zip(arrivals, RUN, strict=True):
        got += check.feed([item])
    assert [item for item in got if item["type"] != "status"] == RUN
    assert [item["type"] for item in got].count("status") == is_told
    assert got[-1] == RUN[-1]


def test_items_of_other_systems_pass() -> None:
    items = ["text", 7, None, {"ts": "now"}, {"type": "run.end"}]
    assert list(HeldBack().feed(items)) == items
