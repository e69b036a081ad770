"""A stream that something on the way has buffered: told of a stream that was, and of no other."""

import time

import pytest

from nbagent.sources.buffering import BufferingDetector, sent_over

SENT = sent_over(10.0).decode().strip().removeprefix(": ")


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
def test_a_stream_that_came_in_one_piece_is_told_of_at_its_end(
    arrivals: list[float], is_told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    check = BufferingDetector()
    told = []
    for clock[0], comment in zip(arrivals, ["", "keep-alive", SENT], strict=True):
        told.append(check.feed(comment))
    assert told == [False, False, is_told]


def test_a_server_that_does_not_say_how_long_it_sent_is_not_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    check = BufferingDetector()
    clock[0] = 10.0
    assert not any(check.feed(comment) for comment in ("", "keep-alive", "sent over many s"))
