"""Runs to record, to fork and to keep as tests: a scripted model and two tools."""

from typing import Any

from agent.server import Server, say

import nbagent

SEAM = "Repeated until here: "
RATES = {2023: 1.08, 2024: 1.09}

REPLIES: list[Any] = [
    say(
        "chat",
        "Let me look.",
        [("c1", "fetch_rates", '{"year": 2023}'), ("c2", "fetch_rates", '{"year": 2024}')],
        number=1,
    ),
    say("chat", "", [("c3", "difference", '{"first": 1.08, "second": 1.09}')], number=2),
    say("chat", "It rose by 0.01.", number=3),
]


def fetch_rates(year: int) -> dict[str, float]:
    """Fetch the rates of a year."""
    return {"rate": RATES[year]}


def difference(first: float, second: float) -> float:
    """Subtract."""
    return round(second - first, 4)


def rates_run(server: Server, *tools: Any, **options: Any) -> nbagent.Run:
    """Return the run of three steps, which has ended."""
    agent = nbagent.Agent(
        "test-1",
        "Be brief.",
        tools=list(tools) or [fetch_rates, difference],
        client=server.client(),
        name="rates",
    )
    return finished(agent.stream("How did the rate change?"), **options)


def finished(stream: Any, **options: Any) -> nbagent.Run:
    """Return the run of a stream, which has ended."""
    run = nbagent.Run(stream, **options)
    run.start()
    return run.wait(20)


def notes(run: nbagent.Run) -> list[str]:
    """Return the messages of the run's status lines, without those of `seams`."""
    return [message for message in _lines(run) if not message.startswith(SEAM)]


def seams(run: nbagent.Run) -> list[str]:
    """Return the lines that say where a fork goes on."""
    return [message for message in _lines(run) if message.startswith(SEAM)]


def _lines(run: nbagent.Run) -> list[str]:
    return [event.message for event in run.events if isinstance(event, nbagent.events.Status)]
