"""A map of ten thousand rows: what it keeps in the kernel's memory, and how fast its table is."""

import json
import subprocess
import sys
from typing import Any

import pytest
from campaign import figure

ROWS = 10_000
KIB_A_ROW = 15
"""KiB that a row that has ended keeps in memory at most."""

CPU_S = 0.2
"""Processor seconds of a sort or a search of the table at most."""

SCRIPT = """
import gc, json, sys, time
import nbagent
from nbagent.many.table import Table
rows = int(sys.argv[1])

def say(number):
    yield f"The answer to question {number}: "
    yield "some words that a model would write. " * 5

def kib():
    gc.collect()
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

def mapped(count):
    items = [f"question {number}, which has some words too" for number in range(count)]
    return nbagent.map(say, items, check=lambda item, run: len(item)).wait()

mapped(200)  # imports, and the runs that stay in memory
before, began = kib(), time.process_time()
runs = mapped(rows)
worked, kept = time.process_time() - began, kib() - before
table = Table(runs, runs._engine, runs._gate, ["check"], ())

def asked(**question):
    began = time.process_time()
    page, _ = table.run.page("rows/" + json.dumps({"rows": 40, **question}), 0, 60_000)
    return time.process_time() - began

print(json.dumps({
    "KiB of memory a row": kept / rows,
    "processor ms a row": 1000 * worked / rows,
    "sort by answer": asked(sort="answer"),
    "sort by time": asked(sort="seconds", down=True),
    "search": asked(text="question 77"),
    "slowest": asked(filter="slow"),
}))
"""


@pytest.mark.proof
def test_ten_thousand_rows_are_kept_sorted_and_searched_within_their_limits() -> None:
    command = [sys.executable, "-c", SCRIPT, str(ROWS)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(result.stdout)
    for what, value in found.items():
        figure("many", f"{what}, {ROWS:,} rows", f"{value:.3f}")
    assert found["KiB of memory a row"] <= KIB_A_ROW
    assert (
        max(found[name] for name in ("sort by answer", "sort by time", "search", "slowest")) < CPU_S
    )
