"""The pace of requests at a service with limits, in simulated time."""

import heapq
import math
import random
from typing import Literal

import pytest
from many.service import Service

from nbagent.many.pace import DEFAULT_PAUSE_S, MAX_PAUSE_S, Pace
from nbagent.many.rate import FIRST_LIMIT, MAX_LIMIT

ANSWER_S, REFUSAL_S = 1.5, 0.05
"""Seconds until an answer, and until a refusal."""

TOKENS = 500
"""Tokens of a request on average."""


def run(service: Service, pace: Pace, begin: float, end: float, whole: bool) -> None:
    """Send requests for some time, as many as the pace lets."""
    source = random.Random(begin)
    replies: list[tuple[float, float | None]] = []
    window, now = FIRST_LIMIT, begin
    while now < end:
        opens_at = pace.opens_at if len(replies) < window else math.inf
        if replies and replies[0][0] <= opens_at:
            now, retry_after = heapq.heappop(replies)
            if retry_after is None:
                window = min(MAX_LIMIT, window + 1)
            else:
                pace.refused(now, math.ceil(retry_after) if whole else retry_after)
            continue
        now = max(now, opens_at)
        pace.sent(now)
        wait = service.ask(now, source.uniform(0.5, 1.5) * TOKENS)
        delay, retry_after = (REFUSAL_S, wait) if wait else (ANSWER_S, None)
        heapq.heappush(replies, (now + delay, retry_after))


# Requests and tokens a minute. Where there are tokens for fewer requests, they are the limit.
PHASES: list[tuple[float, float]] = [
    (600, 1e9),
    (2400, 1e9),
    (2400, 600 * TOKENS),
    (300, 1e9),
    (1200, 1200 * TOKENS),
]
PHASE_S = 90.0
AGAIN_S = 30.0


@pytest.mark.parametrize("retry_after", ["whole seconds", "exact"])
def test_a_limit_is_used_up_and_found_again_after_each_change(
    retry_after: Literal["whole seconds", "exact"],
) -> None:
    service, pace = Service(*PHASES[0]), Pace()
    for number, limits in enumerate(PHASES):
        begin = number * PHASE_S
        service.limit(*limits)
        run(service, pace, begin, begin + PHASE_S, retry_after == "whole seconds")
        taken = sum(begin + AGAIN_S <= at for at, _ in service.accepted)
        possible = requests_a_second(limits) * (PHASE_S - AGAIN_S)
        assert taken >= 0.9 * possible
    assert len(service.refused) < 0.01 * len(service.accepted)


def requests_a_second(limits: tuple[float, float]) -> float:
    return min(limits[0], limits[1] / TOKENS) / 60


def test_without_a_refusal_nothing_waits() -> None:
    pace = Pace()
    for _ in range(100):
        assert pace.opens_at <= 0
        pace.sent(0.0)


def test_a_refusal_holds_back_all_requests_for_as_long_as_the_service_asks() -> None:
    pace = Pace()
    pace.refused(10.0, 60)
    pace.refused(10.0, 20)
    assert pace.opens_at == 70.0
    pace.refused(10.0, 1e9)
    assert pace.opens_at == 10.0 + MAX_PAUSE_S


def test_a_refusal_that_names_no_time_has_a_pause_too() -> None:
    pace = Pace()
    pace.refused(10.0)
    assert pace.opens_at == 10.0 + DEFAULT_PAUSE_S


def test_refusals_of_one_moment_halve_the_pace_once() -> None:
    pace = Pace()
    for at in range(40):
        pace.sent(at / 10)
    assert [pace.refused(at, 0) for at in (4.0, 4.1, 4.15)] == [True, False, False]
    assert pace.limit == pytest.approx(5, rel=0.1)


def test_a_second_refusal_tells_the_limit() -> None:
    pace = Pace()
    pace.refused(0.0, 0)
    for at in range(101):
        pace.sent(at / 10)
    pace.refused(10.0, 0)
    assert pace.limit == pytest.approx(10)
    assert pace.rate(10.0) == pytest.approx(9.5)
    assert pace.rate(25.0) == pytest.approx(10.5)
