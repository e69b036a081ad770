"""Processes of one map that are killed at random moments: nothing that was paid for is repeated."""

import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from campaign import figure

from nbagent.many.outcome import Outcome

ROWS = 10_000
KILLS = 100
MAX_STEPS = 250
"""Steps of its rows (begun, paid, ended) after which a process is killed at the latest."""

CONCURRENCIES = ("32", "auto")
"""Of every other process."""

SCRIPT = """
import os, sys, time
import nbagent
from nbagent.demo import demo_server
store, path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
concurrency = 32 if sys.argv[4] == "32" else "auto"
demo_server().tokens_per_second = 800
ledger = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def note(what, value):
    os.write(ledger, f"{what} {value}\\n".encode())
    print(what, flush=True)
@nbagent.tool(once=True)
def pay(amount: int) -> str:
    "Pay an amount."
    note("pay", amount)
    return f"paid {amount}"
agent = nbagent.Agent("demo", tools=[pay])
def work(number):
    note("begin", number)
    return agent.stream(f"Call pay for {number} euros")
def check(number, run):
    note("end", time.time())
    return number
runs = nbagent.map(
    work, range(count), store=store, check=check, version="1", concurrency=concurrency
)
runs.wait()
"""


class Life(NamedTuple):
    """The notes of one process.

    Attributes:
        concurrency: of the map: the default, or 32 rows at once.
        begun: rows that it has begun.
        paid: rows whose tool it has called, as often as it did.
        first_s: seconds from its start to its first row that ended; None if none did.
    """

    concurrency: str
    begun: set[int]
    paid: list[int]
    first_s: float | None


def life(folder: Path, number: int, steps: int | None) -> Life:
    """Let a process work on the map.

    Args:
        folder: of the store and the ledgers.
        number: of the process.
        steps: of its rows after which it is killed; None lets it end.
    """
    ledger = folder / f"ledger-{number}"
    began = time.time()
    concurrency = CONCURRENCIES[number % len(CONCURRENCIES)]
    arguments = [str(folder / "day.db"), str(ledger), str(ROWS), concurrency]
    command = [sys.executable, "-c", SCRIPT, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        if steps is None:
            process.communicate()
            assert process.returncode == 0
        else:
            for _ in range(steps):
                process.stdout.readline()
            process.kill()
    lines = [line.split() for line in ledger.read_text().splitlines()]
    ends = [float(value) for what, value in lines if what == "end"]
    return Life(
        concurrency=concurrency,
        begun={int(value) for what, value in lines if what == "begin"},
        paid=[int(value) for what, value in lines if what == "pay"],
        first_s=ends[0] - began if ends else None,
    )


def finished(folder: Path) -> set[int]:
    """Return the rows that the store has, by the values of their checks."""
    with closing(sqlite3.connect(folder / "day.db")) as db:
        kept = db.execute("SELECT outcome FROM map_row WHERE final").fetchall()
    outcomes = (msgspec.json.decode(outcome, type=Outcome) for (outcome,) in kept)
    return {outcome.scores["check"] for outcome in outcomes}


@pytest.mark.proof
def test_a_hundred_kills_repeat_no_row_that_has_ended_and_no_call(tmp_path: Path) -> None:
    source = random.Random(1)
    lives: list[Life] = []
    before: set[int] = set()
    repeated = hits = cut_off = 0
    for number in range(KILLS + 1):
        steps = None if number == KILLS else source.randint(1, MAX_STEPS)
        now = life(tmp_path, number, steps)
        repeated += len(now.begun & before)
        before = finished(tmp_path)
        running = len(now.begun - before)
        hits += running > 0
        cut_off += running
        lives.append(now)
    paid = Counter(number for each in lives for number in each.paid)
    twice = sum(count > 1 for count in paid.values())
    figure("many", f"rows that had ended and ran again, {KILLS} kills, {ROWS:,} rows", repeated)
    figure("many", "once-only calls that were made twice", twice)
    figure("many", "kills while rows were running", f"{hits} of {KILLS}")
    figure("many", "rows that were running when their process was killed", cut_off)
    for concurrency in CONCURRENCIES:
        ended = [each for each in lives if each.concurrency == concurrency]
        firsts = sorted(each.first_s for each in ended if each.first_s is not None)
        figure(
            "many",
            f"first row ended after the start, median and worst, concurrency {concurrency}",
            f"{firsts[len(firsts) // 2]:.2f} s, {firsts[-1]:.2f} s",
        )
    assert (repeated, twice) == (0, 0)
    assert hits >= 0.9 * KILLS
    assert before == set(range(ROWS))
