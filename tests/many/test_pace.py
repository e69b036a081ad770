"""The pace of requests at a service with limits, in simulated time."""

import heapq
import itertools
import math
import random
from collections.abc import Callable
from functools import partial

import pytest
from many.service import Service

from nbagent.many.pace import (
    DOUBLING_S,
    FIRST_RATE,
    HIGHEST_SHARE,
    LOWEST_SHARE,
    MAX_PAUSE_S,
    MIN_PAUSE_S,
    RISE_S,
    Pace,
)
from nbagent.many.rate import FIRST_LIMIT, MAX_LIMIT

ANSWER_S, REFUSAL_S = 1.5, 0.05
"""Seconds until an answer, and until a refusal."""

TOKENS = 500
"""Tokens of a request on average."""


class Traffic:
    """Requests on their way, in simulated time.

    Args:
        service: takes them.
        pace: spaces them out.
        in_whole_seconds: whether the service names whole seconds of a pause.
        late_s: seconds by which each message comes later at most.
    """

    def __init__(
        self, service: Service, pace: Pace, *, in_whole_seconds: bool, late_s: float
    ) -> None:
        self._service = service
        self._pace = pace
        self._in_whole_seconds = in_whole_seconds
        self._late_s = late_s
        self._random = random.Random(1)
        self._window = FIRST_LIMIT
        # The times of what happens next, numbers, what it is, and when its request was sent.
        self._next: list[tuple[float, int, Callable[[float, float], object], float]] = []
        self._numbers = itertools.count()

    def run(self, begin: float, end: float) -> None:
        """Send requests for some time, as many as the pace lets."""
        now = begin
        while now < end:
            opens_at = self._pace.opens_at if len(self._next) < self._window else math.inf
            if self._next and self._next[0][0] <= opens_at:
                now, _, happen, sent_at = heapq.heappop(self._next)
                happen(now, sent_at)
            else:
                now = max(now, opens_at)
                self._pace.sent(now)
                self._after(now, self._arrive, now)

    def _after(self, at: float, happen: Callable[[float, float], object], sent_at: float) -> None:
        at += self._random.uniform(0, self._late_s)
        heapq.heappush(self._next, (at, next(self._numbers), happen, sent_at))

    def _arrive(self, now: float, sent_at: float) -> None:
        wait = self._service.ask(now, self._random.uniform(0.5, 1.5) * TOKENS)
        if not wait:
            self._after(now + ANSWER_S, self._answered, sent_at)
            return
        retry_after = math.ceil(wait) if self._in_whole_seconds else wait
        refused = partial(self._pace.refused, retry_after_s=retry_after)
        self._after(now + REFUSAL_S, refused, sent_at)

    def _answered(self, _now: float, _sent_at: float) -> None:
        self._window = min(MAX_LIMIT, self._window + 1)


# Requests and tokens a minute. Where there are tokens for fewer requests, they are the limit.
PHASES: list[tuple[float, float]] = [
    (600, 1e9),
    (2400, 1e9),
    (2400, 600 * TOKENS),
    (300, 1e9),
    (1200, 1200 * TOKENS),
]
JUMPS: list[tuple[float, float]] = [(300, 1e9), (900, 1e9), (100, 1e9), (2000, 1e9), (600, 1e9)]
PHASE_S = 90.0
AGAIN_S = 30.0


@pytest.mark.parametrize("phases", [PHASES, JUMPS], ids=["requests and tokens", "jumps"])
@pytest.mark.parametrize("in_whole_seconds", [True, False])
@pytest.mark.parametrize(
    ("late_s", "refused"),
    [(0.0, 0.01), (1.0, 0.1)],  # a busy machine has more requests on their way when one is refused
)
def test_a_limit_is_used_up_and_found_again_after_each_change(
    phases: list[tuple[float, float]], in_whole_seconds: bool, late_s: float, refused: float
) -> None:
    service, pace = Service(*phases[0]), Pace()
    traffic = Traffic(service, pace, in_whole_seconds=in_whole_seconds, late_s=late_s)
    for number, limits in enumerate(phases):
        begin = number * PHASE_S
        service.limit(*limits)
        traffic.run(begin, begin + PHASE_S)
        taken = sum(begin + AGAIN_S <= at for at, _ in service.accepted)
        possible = requests_a_second(limits) * (PHASE_S - AGAIN_S)
        assert taken >= 0.9 * possible
    assert len(service.refused) < refused * len(service.accepted)


def requests_a_second(limits: tuple[float, float]) -> float:
    return min(limits[0], limits[1] / TOKENS) / 60


def test_without_a_refusal_nothing_waits() -> None:
    pace = Pace()
    for _ in range(100):
        assert pace.opens_at <= 0
        pace.sent(0.0)


def test_a_refusal_holds_back_all_requests_for_as_long_as_the_service_asks() -> None:
    pace = Pace()
    pace.refused(10.0, 10.0, 60)
    pace.refused(10.0, 10.0, 20)
    assert pace.opens_at == 70.0
    pace.refused(10.0, 10.0, 1e9)
    assert pace.opens_at == 10.0 + MAX_PAUSE_S


@pytest.mark.parametrize("retry_after_s", [None, 0.0, 0.01, -1.0])
def test_a_refusal_that_names_no_time_or_a_short_one_has_a_pause_too(
    retry_after_s: float | None,
) -> None:
    pace = Pace()
    pace.refused(10.0, 10.0, retry_after_s)
    assert pace.opens_at == 10.0 + MIN_PAUSE_S


def test_refusals_of_requests_that_were_under_way_halve_the_pace_once() -> None:
    pace = Pace()
    for at in range(40):
        pace.sent(at / 10)
    assert [pace.refused(at, sent_at) for at, sent_at in ((4, 3.7), (4.1, 3.8), (9, 3.9))] == [
        True,
        False,
        False,
    ]
    assert pace.limit == pytest.approx(5, rel=0.1)


def test_a_refusal_before_any_request_was_taken_tells_no_limit() -> None:
    pace = Pace()
    pace.sent(0.0)
    pace.refused(0.1, 0.0)
    assert pace.limit == FIRST_RATE


def with_limit_of_ten() -> Pace:
    """Return a pace that has found a limit of ten requests a second, at a time of ten seconds."""
    pace = Pace()
    pace.refused(0.0, 0.0)
    for at in range(101):
        pace.sent(at / 10)
    pace.refused(10.0, 10.0)
    return pace


def test_a_second_refusal_tells_the_limit() -> None:
    pace = with_limit_of_ten()
    assert pace.limit == pytest.approx(10)
    assert pace.rate(11.0) == pytest.approx(10 * LOWEST_SHARE)
    risen_at = 11.0 + RISE_S
    assert pace.rate(risen_at) == pytest.approx(10 * HIGHEST_SHARE)
    assert pace.rate(risen_at + DOUBLING_S) == pytest.approx(20 * HIGHEST_SHARE)


def test_a_count_far_from_the_limit_tells_no_other_one() -> None:
    pace = with_limit_of_ten()
    for at in range(51):
        pace.sent(11 + at / 50)
    pace.refused(12.0, 12.0)
    assert pace.limit == pytest.approx(5, rel=0.1)


def test_a_few_requests_between_each_two_of_several_refusals_tell_the_limit() -> None:
    pace = Pace()
    pace.refused(0.0, 0.0)
    for second in range(1, 5):
        for at in (0.1, 0.2, 0.3, 0.4):
            pace.sent(second + at)
        pace.refused(second + 0.4, second + 0.4)
    assert pace.limit == pytest.approx(12 / 4.4)


def test_a_pace_without_a_refusal_for_a_day_is_still_a_number() -> None:
    assert with_limit_of_ten().rate(86_400.0) < 10_000
