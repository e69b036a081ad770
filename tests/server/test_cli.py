"""`nbagent serve`: a configuration's agents, served by a process of their own."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGINT for one process")
def test_the_agents_of_a_configuration_are_served_until_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("agents:\n  assistant:\n    model: demo\n")
    command = [sys.executable, "-m", "nbagent", "serve", "config.yaml", "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("nbagent: serving at http://127.0.0.1:")
        address = line.split("serving at ")[1].split(";")[0]
        assert httpx2.get(f"{address}/health").json() == {"status": "ok", "agents": ["assistant"]}
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
