"""README's part about serving: each of its blocks, in an empty folder, with free ports in place of
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
from fastapi import FastAPI
from starlette.testclient import TestClient

import nbagent
from nbagent.agent import Agent
from nbagent.cli import main
from nbagent.run import Run
from nbagent.server.limits import NAMES, Limits

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
[PART] = re.findall(r"^### Serve agents\n(.*?)^#", README, re.DOTALL | re.MULTILINE)
posix = pytest.mark.skipif(sys.platform == "win32", reason="has no signals for one process")


def block(kind: str, text: str) -> str:
    """Return the block of a kind that has a text."""
    [found] = [
        code for code in re.findall(rf"```{kind}\n(.*?)```", PART, re.DOTALL) if text in code
    ]
    return str(found)


async def run_python(code: str, **names: Any) -> dict[str, Any]:
    """Run code of README, at free ports and in the terminal's face."""
    free = re.sub(r"port=\d+", "port=0", code)
    free = re.sub(r"serve\(agent(?!.*\bport=)", "serve(agent, port=0", free)
    names["nbagent"] = nbagent
    exec(
        re.sub(
            r"(nbagent\.show\(.*)\)( *#.*)?$",
            r'shown = \1, face="console")',
            free,
            flags=re.MULTILINE,
        ),
        names,
    )
    return names


async def test_the_python_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with ModelServer(chat("Hi.")) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        run, app = Run(agent.stream("x")), FastAPI()
        names = await run_python(block("python", "server.addresses"), agent=agent, run=run, app=app)
        with names["server"]:
            await names["shown"]
        assert (names["shown"].text, (tmp_path / "runs.db").exists()) == ("Hi.", True)
    with TestClient(app, base_url="http://localhost") as client:
        assert client.get("/agents-api/health").json()["agents"] == ["assistant"]


async def test_a_served_run_has_its_address_at_once() -> None:
    run = Run(nbagent.Agent("demo").stream("Hello"))
    with nbagent.serve(run, port=0) as server:
        assert server.addresses == [server.address_of(run)]
        run.cancel()


async def test_the_grpc_block() -> None:
    with ModelServer(chat("Quantum.")) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        names = await run_python(block("python", "grpc_port"), agent=agent)
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

    serving(
        block("sh", "--host").replace("$(openssl rand -hex 16)", "a-token-of-some-length"),
        tmp_path,
        check,
    )


def test_the_command_of_several_processes_is_understood(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(block("sh", "redis"))[1:]) == 2
    assert capsys.readouterr().err == "nbagent: config.yaml: No such file or directory\n"


def test_the_table_of_limits_has_them_all_with_their_defaults() -> None:
    rows = re.findall(r"^\| (`.*?) \| ([\d, ]+) \|", PART, re.MULTILINE)
    told = {
        name: float(value.replace(",", ""))
        for names, values in rows
        for name, value in zip(re.findall(r"`(\w+)`", names), re.split(r", ", values), strict=True)
    }
    assert told == {name: getattr(Limits(), name) for name in NAMES}
