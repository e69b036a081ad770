"""The pages about serving: each of their blocks, in an empty folder, with free ports in place of
the printed ones.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from agent.server import Server as ModelServer
from agent.server import chat
from starlette.testclient import TestClient

import nbagent
from nbagent.agent import Agent
from nbagent.cli import main
from nbagent.run import Run
from nbagent.server.limits import NAMES, Limits

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "how-to" / f"{name}.md" for name in ("serve", "serve-access", "several-processes")]
TEXT = "\n".join(page.read_text("utf-8") for page in PAGES)
posix = pytest.mark.skipif(sys.platform == "win32", reason="has no signals for one process")


def block(kind: str, text: str) -> str:
    """Return the block of a kind that has a text."""
    [found] = [
        code for code in re.findall(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL) if text in code
    ]
    return str(found)


def run_python(code: str, **names: Any) -> dict[str, Any]:
    """Run code of the pages, at free ports and in the terminal's face."""
    without = re.sub(r", grpc_port=\d+", "", code)
    free = without.replace("serve(agent", "serve(agent, port=0, grpc_port=0")
    free = free.replace("nbagent.show(", 'shown = nbagent.show(face="console", source=')
    names["nbagent"] = nbagent
    exec(free, names)
    return names


def test_the_first_server_answers() -> None:
    names = run_python(block("python", "8080"))
    with names["server"] as server:
        health = httpx2.get(f"{server.url}/health").json()
    assert health["agents"] == ["assistant"]


def test_an_application_has_the_agents_under_its_path() -> None:
    names = run_python(block("python", "FastAPI"), agent=Agent("demo", name="assistant"))
    with TestClient(names["app"], base_url="http://localhost") as client:
        assert client.get("/agents-api/health").json()["agents"] == ["assistant"]


async def test_a_served_run_has_its_address_at_once() -> None:
    run = Run(nbagent.Agent("demo").stream("Hello"))
    with nbagent.serve(run, port=0) as server:
        assert server.addresses == [server.address_of(run)]
        run.cancel()


async def test_the_grpc_block() -> None:
    with ModelServer(chat("Quantum.")) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        names = run_python(block("python", "grpc_port"), agent=agent)
        with names["server"]:
            await names["shown"]
    assert names["shown"].text == "Quantum."


def shell(code: str, folder: Path) -> "subprocess.Popen[str]":
    """Run a block in a shell that has the command `nbagent`."""
    (folder / "nbagent").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nbagent "$@"\n')
    (folder / "nbagent").chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    pipes: Any = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        "start_new_session": True,
    }
    return subprocess.Popen(["sh", "-ec", code], cwd=folder, env=environment, **pipes)


def serving(code: str, folder: Path, then: Callable[[str], None]) -> None:
    """Run a block that serves, at a free port, until something was done with its address."""
    free = re.sub(r"(nbagent serve config.yaml)( --port \d+)?", r"\1 --port 0", code)
    with shell(free, folder) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "serving at" in line)
        try:
            then(line.split("serving at ")[1].split(";")[0])
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.communicate(timeout=20)


@posix
def test_the_commands_of_a_first_server(tmp_path: Path) -> None:
    def ask(address: str) -> None:
        with shell(
            block("sh", "curl").replace("http://127.0.0.1:8080", address), tmp_path
        ) as process:
            assert "data: [DONE]" in process.communicate(timeout=20)[0]

    serving(block("sh", "echo"), tmp_path, ask)


@posix
def test_the_command_of_a_server_for_other_machines(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("agents: {assistant: {model: demo}}")

    def check(address: str) -> None:
        url = address.replace("0.0.0.0", "127.0.0.1")
        assert (
            httpx2.get(f"{url}/health", headers={"host": "agents.example.org"}).status_code == 401
        )

    command = block("sh", "--host").replace("$(openssl rand -hex 16)", "a-token-of-some-length")
    serving(command, tmp_path, check)


def test_the_command_of_several_processes_is_understood(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(block("sh", "redis"))[1:]) == 2
    assert capsys.readouterr().err == "nbagent: config.yaml: No such file or directory\n"


def test_the_table_of_limits_has_them_all_with_their_defaults() -> None:
    page = (DOCS / "reference" / "limits.md").read_text("utf-8")
    [part] = re.findall(r"^## Of a server\n(.*?)^#", page, re.DOTALL | re.MULTILINE)
    rows = re.findall(r"^\| (`.*?) \| ([\d, ]+) \|", part, re.MULTILINE)
    told = {
        name: float(value.replace(",", ""))
        for names, values in rows
        for name, value in zip(re.findall(r"`(\w+)`", names), re.split(r", ", values), strict=True)
    }
    assert told == {name: getattr(Limits(), name) for name in NAMES}
