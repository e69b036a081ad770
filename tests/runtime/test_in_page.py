"""nbagent without threads and sockets, as in a page of a browser."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("in_page.py")


@pytest.mark.parametrize(
    "what",
    [
        "streams",
        "ends",
        "batches",
        "chats",
        "agents",
        "breakpoints",
        "attempts",
        "forks",
        "recordings",
        "packages",
        "waits",
    ],
)
def test_in_a_page_work(what: str) -> None:
    command = [sys.executable, "-W", "error", str(SCRIPT), what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, "")
