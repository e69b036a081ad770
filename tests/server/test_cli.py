"""`nbagent serve`: a configuration's agents, served by a process of their own, and what it says to
who starts it.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
from agent.server import Server as ModelServer
from agent.server import chat
from preloaded import NBAGENT, Process, start
from server.served import holding

from nbagent.cli import main
from nbagent.cli.signals import SignalWait

CONFIG = "agents:\n  assistant:\n    model: demo\n  second:\n    model: demo\n"
TOKEN = "a-token-of-some-length"

posix = pytest.mark.skipif(sys.platform == "win32", reason="has no signals for one process")


class Served:
    """A process of the command.

    Attributes:
        told: the lines that it has printed on standard error.
    """

    def __init__(self, process: Process) -> None:
        self._process = process
        self.told: list[str] = []

    def line_with(self, text: str) -> str:
        """Return the next line that has a text."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.told.append(line.rstrip("\n"))
            if text in line:
                return self.told[-1]
        raise AssertionError(self.told)

    def signal(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def stop(self, number: int) -> tuple[int, str]:
        """Send a signal; return the exit code, and what else was printed."""
        self._process.send_signal(number)
        rest = self._process.communicate()[1]
        return self._process.wait(), rest


@contextlib.contextmanager
def command(
    *options: str,
    folder: Path,
    config: str = CONFIG,
    target: str = "config.yaml",
    imported: tuple[str, ...] = NBAGENT,
    **environment: str,
) -> Iterator[Served]:
    (folder / "config.yaml").write_text(config)
    line = ("-m", "nbagent", "serve", target, "--port", "0", *options)
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith("NBAGENT_")
    } | environment
    with start(
        *line, cwd=folder, env=variables, stderr=subprocess.PIPE, imported=imported
    ) as process:
        try:
            yield Served(process)
        finally:
            process.kill()


def address_in(line: str) -> str:
    return line.split("serving at ")[1].split(";")[0]


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_agents_of_a_configuration_are_served_until_a_signal(
    tmp_path: Path, number: int
) -> None:
    # one process that begins as a user's does
    imported = () if number == signal.SIGINT else NBAGENT
    with command(folder=tmp_path, imported=imported) as served:
        address = address_in(served.line_with("nbagent: serving at http://127.0.0.1:"))
        assert served.line_with("agents: assistant, second; a browser shows a page")
        assert httpx2.get(f"{address}/health").json()["agents"] == ["assistant", "second"]
        assert served.stop(number) == (0, "nbagent: stopping\n")


@posix
def test_sigterm_lets_runs_end_and_a_second_one_stops_them(tmp_path: Path) -> None:
    with ModelServer(holding) as model:
        environment: Any = {
            "NBAGENT_MODEL": "test-1",
            "OPENAI_BASE_URL": model.base_url,
            "OPENAI_API_KEY": "none",
        }
        config = "agents:\n  assistant:\n    model: test-1\n"
        with command("--drain", "600", folder=tmp_path, config=config, **environment) as served:
            address = address_in(served.line_with("serving at"))
            assert httpx2.post(f"{address}/runs", json={"message": "go"}).status_code == 201
            served.signal(signal.SIGTERM)
            served.line_with("stopping when 1 runs have ended, or in 600 s")
            assert served.stop(signal.SIGTERM) == (0, "")


@posix
def test_a_signal_right_before_the_wait_ends_it() -> None:
    handled: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: handled.append(number))
    try:
        with SignalWait() as signals:
            signal.raise_signal(signal.SIGTERM)
            signals.wait()
            threading.Timer(0.05, signals.wake).start()
            signals.wait()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert handled == [signal.SIGTERM]
    assert signal.set_wakeup_fd(-1) == -1


@posix
def test_a_server_for_other_machines_is_reached_by_its_addresses_and_names(tmp_path: Path) -> None:
    options = ["--host", "0.0.0.0", "--allowed-host", "agents.example.org"]
    with command(*options, folder=tmp_path, NBAGENT_TOKEN=TOKEN) as served:
        address = address_in(served.line_with("serving at")).replace("0.0.0.0", "127.0.0.1")
        assert f"http://{socket.gethostname()}:" in served.line_with("other machines")
        bearer = {"authorization": f"Bearer {TOKEN}"}
        status = {
            host: httpx2.get(f"{address}/health", headers={"host": host, **bearer}).status_code
            for host in (
                "192.0.2.7:80",
                "[2001:db8::1]",
                "agents.example.org",
                socket.gethostname(),
                "attacker.example",
                "",
            )
        }
        assert list(status.values()) == [200, 200, 200, 200, 403, 403], status
        assert (
            "--allowed-host"
            in httpx2.get(f"{address}/health", headers={"host": "attacker.example"}).text
        )
        assert httpx2.get(f"{address}/health").status_code == 401


@posix
def test_a_tool_that_an_option_allows_is_called_without_asking(tmp_path: Path) -> None:
    writing = chat(calls=[("c1", "write_file", '{"path": "main.py", "content": "print(1)"}')])
    with ModelServer(writing, chat("Written.")) as model:
        config = (
            f"agents: {{coder: {{model: m, base_url: '{model.base_url}', api: chat, tools: "
            f"[write_file]}}}}\n"
        )
        with command("--allow", "write_file", folder=tmp_path, config=config) as served:
            address = address_in(served.line_with("serving at"))
            answer = httpx2.post(f"{address}/chat", json={"message": "Write it.", "stream": False})
    assert (answer.json(), (tmp_path / "main.py").read_text()) == (
        "Written.",
        "print(1)",
    )


@posix
def test_limits_come_from_the_configuration_and_from_options(tmp_path: Path) -> None:
    config = CONFIG + "limits:\n  max_prompt_chars: 10\n  max_headers: 20\n"
    with command("--limit", "max_prompt_chars=5", folder=tmp_path, config=config) as served:
        address = address_in(served.line_with("serving at"))
        long = httpx2.post(f"{address}/runs", json={"message": "123456", "agent": "assistant"})
        many = httpx2.get(f"{address}/health", headers=[("x", "y")] * 30)
        assert (
            long.status_code,
            "more than 5 characters, the limit max_prompt_chars" in long.text,
        ) == (413, True)
        assert (many.status_code, "more than 20 headers, the limit max_headers" in many.text) == (
            431,
            True,
        )


@posix
@pytest.mark.parametrize(("options", "agent"), [((), "b"), (("--default-agent", "c"), "c")])
def test_the_default_agent_comes_from_the_configuration_and_from_the_option(
    tmp_path: Path, options: tuple[str, ...], agent: str
) -> None:
    agents = "".join(f"  {name}:\n    model: demo\n" for name in "abc")
    config = f"agents:\n{agents}default_agent: b\n"
    with command(*options, folder=tmp_path, config=config) as served:
        address = address_in(served.line_with("serving at"))
        made = httpx2.post(f"{address}/runs", json={"message": "x"})
    assert made.json()["agent"] == agent


@posix
def test_an_agent_without_a_model_is_noted_in_one_line(tmp_path: Path) -> None:
    with command(folder=tmp_path, config="agents:\n  assistant: {}\n") as served:
        served.line_with("serving at")
    assert served.told[0].startswith(
        "nbagent: The agent 'assistant' names no model, so the demo model answers"
    )
    assert len(served.told) == 2


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("NBAGENT_TOKEN", "NBAGENT_READ_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("config", "options", "told"),
    [
        (None, [], "nbagent: config.yaml: No such file or directory"),
        (
            "agents:\n  a:\n    modle: demo",
            [],
            "config.yaml, line 3: agents.a has no key 'modle'; did you mean 'model'?",
        ),
        (
            f"{CONFIG}limit: {{}}",
            [],
            "config.yaml, line 6: the file has no key 'limit'; did you mean 'limits'?",
        ),
        (
            f"{CONFIG}default_agent: asistant",
            [],
            "config.yaml, line 6: default_agent: there is no agent 'asistant'; did you mean",
        ),
        (CONFIG, ["--default-agent", "x"], "no agent 'x' is served"),
        (f"{CONFIG}limits: 7", [], "config.yaml, line 6: limits takes keys with values, got '7'"),
        (
            f"{CONFIG}limits:\n  max_run: 7",
            [],
            "config.yaml, line 7: there is no limit 'max_run'; did you mean 'max_runs'?",
        ),
        (
            f"{CONFIG}limits:\n  max_runs: 0",
            [],
            "config.yaml, line 7: the limit max_runs is a whole number above 0, got 0",
        ),
        (
            "agents:\n  a:\n    model: demo\n    tools: [missing_tools:add]",
            [],
            "missing_tools cannot be imported: ModuleNotFoundError",
        ),
        (
            "agents:\n  a:\n    model: demo\n    tools: [missing_tools:add]",
            [],
            "neither installed nor a file beside the configuration",
        ),
        (CONFIG, ["--host", "0.0.0.0"], "set the environment variable NBAGENT_TOKEN"),
        (
            CONFIG,
            ["--limit", "max_runs"],
            "--limit takes NAME=NUMBER, such as max_runs=20; got 'max_runs'",
        ),
        (CONFIG, ["--limit", "max_run=7"], "there is no limit 'max_run'; did you mean 'max_runs'?"),
        (
            CONFIG,
            ["--limit", "max_runs=many"],
            "the limit max_runs is a whole number above 0, got 'many'",
        ),
        (
            CONFIG,
            ["--store", "no/such/folder/runs.db"],
            "no/such/folder/runs.db: unable to open database file",
        ),
        (
            CONFIG,
            ["--store", "redis://127.0.0.1:1/0"],
            "the store redis://127.0.0.1:1/0 does not answer",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    config: str | None,
    options: Sequence[str],
    told: str,
) -> None:
    if config is not None:
        (folder / "config.yaml").write_text(config)
    assert main(["serve", "config.yaml", "--port", "0", *options]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert (error.startswith("nbagent: "), error.count("\n")) == (True, 1)


def test_a_token_that_protects_nothing_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    (folder / "config.yaml").write_text(CONFIG)
    monkeypatch.setenv("NBAGENT_TOKEN", "short")
    assert main(["serve", "config.yaml", "--host", "0.0.0.0", "--port", "0"]) == 2
    assert "a token has at least 8 ASCII characters" in capsys.readouterr().err


def test_a_port_in_use_is_said_in_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "config.yaml").write_text(CONFIG)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["serve", "config.yaml", "--port", str(port)]) == 2
    told = (
        f"nbagent: another program listens at port {port} of 127.0.0.1 already; choose another "
        "port, or 0 for a free one\n"
    )
    assert capsys.readouterr().err == told


@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_a_port_that_does_not_exist_is_refused(
    capsys: pytest.CaptureFixture[str], port: str
) -> None:
    for option in (f"--port={port}", f"--grpc-port={port}"):
        with pytest.raises(SystemExit):
            main(["serve", "config.yaml", option])
        assert f"a port is a number from 0 to 65535, got '{port}'" in capsys.readouterr().err


def test_the_help_names_every_option_and_the_tokens(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    text = capsys.readouterr().out
    options = (
        "--allow TOOL",
        "--host",
        "--port",
        "--allowed-host",
        "--store",
        "--limit NAME=NUMBER",
    )
    for name in (*options, "NBAGENT_TOKEN", "NBAGENT_READ_TOKEN"):
        assert name in text


@posix
def test_a_function_of_a_module_is_served(tmp_path: Path) -> None:
    (tmp_path / "echoing.py").write_text("def echo(prompt):\n    yield f'You said: {prompt}'\n")
    with command(target="echoing:echo", folder=tmp_path) as served:
        address = address_in(served.line_with("serving at"))
        answer = httpx2.post(f"{address}/chat", json={"input": "x"}).json()
    assert answer == "You said: x"


@posix
def test_what_is_loaded_is_left_out_of_searches_for_garbage(tmp_path: Path) -> None:
    source = "import gc\n\ndef frozen(prompt):\n    yield str(gc.get_freeze_count())\n"
    (tmp_path / "freezing.py").write_text(source)
    with command(target="freezing:frozen", folder=tmp_path, imported=()) as served:
        address = address_in(served.line_with("serving at"))
        answer = httpx2.post(f"{address}/chat", json={"input": "x"}).json()
    assert int(answer) > 10_000


@pytest.mark.parametrize("target", ["no_such_module:x", "json:no_such_name"])
def test_an_object_that_is_not_there_is_named(target: str, capsys: Any) -> None:
    assert main(["serve", target]) == 2
    assert f"{target} cannot be imported" in capsys.readouterr().err
