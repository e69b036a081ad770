"""Runs as their messages to a view, which `assets/player.js` plays without a kernel."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbagent
from nbagent.run import Run

READING_S = 2.5
"""Seconds that a question stands before it is answered."""


class Recorder:
    """A view that keeps what it is sent, with the time of each message."""

    def __init__(self) -> None:
        self.messages: list[tuple[float, dict[str, Any]]] = []
        self._start = time.monotonic()

    def send(self, message: dict[str, Any]) -> None:
        """Take a message of the kernel."""
        at = round(time.monotonic() - self._start, 2)
        self.messages.append((at, json.loads(json.dumps(message))))

    def page(self, name: str, at: int, size: int) -> tuple[str, int]:
        """Return a part of a large value: there is none."""
        return "", 0

    def command(self, command: object) -> None:
        """Take what the reader does: nobody reads along."""


def write(folder: Path) -> None:
    """Record all scenes, and write each into a file of a folder."""
    folder.mkdir(parents=True)
    for name, scene in SCENES.items():
        messages = asyncio.run(record(*scene()))
        text = json.dumps(messages, separators=(",", ":"), ensure_ascii=False)
        # The frames of a failed tool name this file, by where it is on the machine of the build.
        (folder / f"{name}.json").write_text(text.replace(__file__, "tools.py"), "utf-8")


async def record(
    run: Run, answer: Callable[[Any], object] | None = None
) -> list[tuple[float, dict[str, Any]]]:
    """Return a run's messages to a view, each with the seconds since the beginning.

    Args:
        run: has not begun.
        answer: answers each question of the run.
    """
    recorder = Recorder()
    run.connect(recorder)
    run.start()
    async for _ in run.stream(types="approval.request"):
        await asyncio.sleep(READING_S)
        if answer is not None:
            answer(run.waiting[0])
    await run
    await asyncio.sleep(0.3)  # the last batch is on its way
    return recorder.messages


@nbagent.tool(approve=True)
def transfer(amount: float, to: str) -> str:
    """Transfer money."""
    return f"{amount:.2f} € went to {to}."


@nbagent.tool
def fetch_rates(year: int) -> dict[str, float]:
    """Fetch the exchange rates of a year."""
    return {"CHF": 0.95, "SEK": 11.43}


def load_sales(year: int) -> list[dict[str, Any]]:
    """Load the sales of one year."""
    return [{"region": "north", "revenue": 120}, {"region": "south", "revenue": 80}]


def fetch_rate(currency: str) -> float:
    """Fetch today's exchange rate for a currency."""
    raise ConnectionError("rates.internal:443 refused the connection")


Scene = tuple[Run] | tuple[Run, Callable[[Any], object]]


def _tour() -> Scene:
    agent = nbagent.Agent("demo", name="analyst", tools=[load_sales, fetch_rate])
    return (Run(agent.stream("Load the sales of 2025, and fetch the rate for CHF.")),)


def _approval() -> Scene:
    agent = nbagent.Agent("demo", name="clerk", tools=[transfer])
    run = Run(agent.stream("Call transfer for 250 euros to Ada"))
    return run, lambda question: question.allow({"amount": 25, "to": "Ada"})


def _breakpoint() -> Scene:
    agent = nbagent.Agent("demo", name="cashier", tools=[fetch_rates])
    run = Run(agent.stream("Call fetch_rates for 2024"), stop_at="fetch_rates")
    return run, lambda question: question.give_result({"CHF": 12})


SCENES: dict[str, Callable[[], Scene]] = {
    "tour": _tour,
    "approval": _approval,
    "breakpoint": _breakpoint,
}
"""The recorded runs, by the names that the pages have for them."""
