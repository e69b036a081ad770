"""A long run is recorded and played again in a bounded part of memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from campaign import WHOLE, figure

COUNT = 1_000_000 if WHOLE else 100_000
CAP_BYTES = 200 * 1024 * 1024
"""Bytes that recording, or playing again, may take at most: the log of events keeps 40 MB, and the
text is as long as it is.
"""


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_a_long_run_is_recorded_and_played_again(tmp_path: Path) -> None:
    program = Path(__file__).with_name("million.py")
    done = subprocess.run(
        [sys.executable, program, tmp_path / "long.jsonl", str(COUNT)],
        capture_output=True,
        text=True,
        check=True,
    )
    figures = json.loads(done.stdout)
    for what in ("written", "read"):
        figure("recording", f"events {what} a second, of {COUNT:,}", f"{figures[what]:,.0f}")
    figure("recording", f"memory for {COUNT:,} events", f"{figures['growth'] / 2**20:.0f} MB")
    assert (figures["same"], figures["status"]) == (True, "completed")
    assert figures["growth"] < CAP_BYTES
