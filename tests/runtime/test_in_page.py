"""nbagent without threads and sockets, as in a page of a browser."""

import subprocess
import sys
from pathlib import Path

import pytest
from runtime.in_page import SCENES

SCRIPT = Path(__file__).with_name("in_page.py")


@pytest.mark.parametrize("what", [scene.__name__ for scene in SCENES])
def test_in_a_page_work(what: str) -> None:
    command = [sys.executable, "-W", "error", str(SCRIPT), what]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
