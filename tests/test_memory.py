"""A run takes little more memory than its stream's content, however long it is, and a page can read
all of it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from campaign import WHOLE, figure

TESTS = Path(__file__).parent
CAP_BYTES = 64 * 1024 * 1024
"""Bytes that a run may take in the kernel besides its stream's content; about half are the kept
events.
"""

SIZES = {
    "deltas": 1_000_000 if WHOLE else 50_000,
    "an agent's tool": 100_000_000 if WHOLE else 5_000_000,
    "a text in a stream": 100_000_000 if WHOLE else 5_000_000,
    "a text in a stream, not ASCII": 100_000_000 if WHOLE else 20_000_000,
    "JSON text in a stream": 100_000_000 if WHOLE else 5_000_000,
}


IN_SHORT = ("deltas", "an agent's tool", "a text in a stream, not ASCII")
"""Cases of `make test`: each is a process that holds its output twice, and takes a second."""


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=[] if case in IN_SHORT else pytest.mark.proof) for case in SIZES],
)
def test_a_run_takes_its_output_and_at_most_64_mb_more(case: str) -> None:
    program = [sys.executable, str(TESTS / "memory.py"), case, str(SIZES[case])]
    paths = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    run = subprocess.run(
        program, capture_output=True, check=False, env={**os.environ, "PYTHONPATH": paths}
    )
    assert run.returncode == 0, run.stderr.decode()
    seen = json.loads(run.stdout)
    figure(
        "memory",
        f"{case}, {SIZES[case]:,}: growth beside the output, MB",
        round((seen["growth"] - seen["output"]) / 1e6, 1),
    )
    assert seen["same"], "the page could not read all of it"
    assert seen["growth"] <= seen["output"] + CAP_BYTES
    assert seen["largest"] <= 64 * 1024
