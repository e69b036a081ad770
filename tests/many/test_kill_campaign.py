"""Processes of one map that are killed at random moments: nothing that was paid for is repeated."""

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from campaign import figure

ROWS = 10_000
KILLS = 100
LONGEST_S = 8.0
"""Seconds that a process lives at most before it is killed."""

SCRIPT = """
import os, sys, time
began = time.monotonic()
import nbagent
store, path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
ledger = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
firsts = [0]
def note(what, number):
    os.write(ledger, f"{what} {number}\\n".encode())
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
    if firsts:
        firsts.clear()
        note("first", round(1000 * (time.monotonic() - began)))
    return run.status == "completed"
note("process", os.getpid())
runs = nbagent.map(work, range(count), store=store, check=check, version="1")
for row in runs.rows:
    if row.is_restored:
        note("restored", row.item.value)
runs.wait()
"""


@pytest.mark.proof
def test_a_hundred_kills_repeat_no_row_that_has_ended_and_no_call(tmp_path: Path) -> None:
    store, ledger = tmp_path / "day.db", tmp_path / "ledger"
    command = [sys.executable, "-c", SCRIPT, str(store), str(ledger), str(ROWS)]
    source = random.Random(1)
    for _ in range(KILLS):
        process = subprocess.Popen(command)
        time.sleep(source.uniform(0.5, LONGEST_S))
        process.kill()
        process.wait()
    assert subprocess.run(command, check=False).returncode == 0
    began: Counter[str] = Counter()
    paid: Counter[str] = Counter()
    restored: set[str] = set()
    repeated = 0
    firsts = []
    for line in ledger.read_text().splitlines():
        what, value = line.split()
        match what:
            case "begin":
                began[value] += 1
                repeated += value in restored
            case "restored":
                restored.add(value)
            case "pay":
                paid[value] += 1
            case "first":
                firsts.append(int(value) / 1000)
    twice = sum(count > 1 for count in paid.values())
    figure("many", f"rows that had ended and ran again, {KILLS} kills, {ROWS:,} rows", repeated)
    figure("many", "once-only calls that were made twice", twice)
    figure("many", "rows that were begun again after a kill", began.total() - ROWS)
    figure(
        "many",
        "first new row after the start, median and worst",
        f"{sorted(firsts)[len(firsts) // 2]:.1f} s, {max(firsts):.1f} s",
    )
    assert (repeated, twice) == (0, 0)
    assert len(began) == ROWS
