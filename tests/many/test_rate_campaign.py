"""A map against a service with limits, on loopback: agents, HTTP, `Retry-After`."""

import math
import threading
import time
from itertools import pairwise

import pytest
from agent.server import Exchange, Server, chat
from campaign import figure
from many.service import Service

import nbagent
from nbagent.many.runs import Runs

TOKENS = 100
"""Tokens of a request."""

PHASES = [
    (600.0, 1e9),
    (1200.0, 1e9),
    (1200.0, 600.0 * TOKENS),
    (300.0, 1e9),
    (900.0, 1e9),
]
"""Requests and tokens a minute."""

PHASE_S = 75.0
WINDOW_S = 10
"""Seconds over which requests are counted."""

ENOUGH = 0.9
"""Share of the limit that is used."""


class LimitedServer(Server):
    """A model's server with limits."""

    def __init__(self) -> None:
        super().__init__()
        self.service = Service(*PHASES[0])
        self._service_lock = threading.Lock()

    def limit(self, limits: tuple[float, float]) -> None:
        """Change the limits."""
        with self._service_lock:
            self.service.limit(*limits)

    def _answer(self, exchange: Exchange) -> None:
        with self._service_lock:
            wait = self.service.ask(time.monotonic(), TOKENS)
        if wait:
            headers = [("Retry-After", str(math.ceil(wait)))]
            exchange.refuse(429, {"message": "slow down"}, headers)
            return
        exchange.begin()
        exchange.send(*chat("Yes."))
        exchange.end()


def found_again_s(times: list[float], begin: float, per_second: float) -> float:
    """Return the seconds until so many requests are taken over a window as are enough."""
    for after in range(int(PHASE_S) - WINDOW_S + 1):
        start = begin + after
        if sum(start <= at < start + WINDOW_S for at in times) >= ENOUGH * per_second * WINDOW_S:
            return after + WINDOW_S
    return math.inf


@pytest.mark.proof
def test_a_map_uses_up_the_limits_of_a_service_and_finds_them_again() -> None:
    begins = []
    with LimitedServer() as server:
        agent = nbagent.Agent("test-1", client=server.client(max_retries=2), api="chat")
        runs: Runs = nbagent.map(agent, (f"question {n}" for n in range(9000)))
        for limits in PHASES:
            server.limit(limits)
            begins.append(time.monotonic())
            time.sleep(PHASE_S)
        begins.append(time.monotonic())
        runs.cancel()
        runs.wait()
    times = [at for at, _ in server.service.accepted]
    refused = len(server.service.refused)
    used, again = [], []
    for (begin, end), (requests, tokens) in zip(pairwise(begins), PHASES, strict=True):
        per_second = min(requests, tokens / TOKENS) / 60
        settled = begin + 30
        taken = sum(settled <= at < end for at in times)
        used.append(taken / (per_second * (end - settled)))
        again.append(found_again_s(times, begin, per_second))
    figure("many", "share of the limit in use, 5 limits", ", ".join(f"{each:.2f}" for each in used))
    figure("many", "refused requests", f"{refused} of {refused + len(times):,}")
    figure("many", "s until a changed limit is used", ", ".join(f"{each:.0f}" for each in again))
    assert min(used) >= ENOUGH
    assert refused < 0.01 * len(times)
    assert max(again) <= 30
