"""`nbagent call` and `nbagent chat`: in a real terminal, in a pipe, with real servers on
loopback.
"""

import io
import json
import sys
from pathlib import Path
from typing import NamedTuple

import preloaded
import pytest
from agent.server import KEY, Exchange, Server, chat, chat_chunk

from nbagent import events as e
from nbagent.cli import main

if sys.platform == "win32":
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

from terminal.pseudo_terminal import PseudoTerminal

CODER = """\
agents:
  coder:
    model: test-1
    base_url: {url}
    tools: [write_file]
  other:
    model: test-1
    base_url: {url}
"""


def written(folder: Path, server: Server) -> str:
    (folder / "config.yaml").write_text(CODER.format(url=server.base_url))
    return "config.yaml"


def writing(path: str, content: str, number: int = 1) -> list[dict[str, object]]:
    return chat(
        calls=[(f"c{number}", "write_file", json.dumps({"path": path, "content": content}))],
        number=number,
    )


class Done(NamedTuple):
    code: int
    out: str
    err: str


class Command:
    """Runs the command line in this process, whose standard input is no terminal."""

    def __init__(self, patch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str]) -> None:
        self._patch = patch
        self._captured = captured

    def __call__(self, *arguments: str, stdin: str = "") -> Done:
        self._patch.setattr(sys, "stdin", io.StringIO(stdin))
        code = main(arguments)
        return Done(code, *self._captured.readouterr())


@pytest.fixture
def nbagent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NBAGENT_MODEL", raising=False)
    return Command(monkeypatch, capsys)


# --- call ---


def test_call_as_the_seed_writes_it(tmp_path: Path, nbagent: Command) -> None:
    (tmp_path / "config.yaml").write_text(
        "agents:\n  assistant:\n    reasoning:\n      enable_streaming: true\n"
    )
    done = nbagent(
        "call", "Explain quantum computing", "--agent", "assistant", "--config", "config.yaml"
    )
    assert done.code == 0
    assert done.out.startswith("assistant · demo\n")
    assert "From the demo model: a script, not a language model." in done.out
    [note] = done.err.splitlines()
    assert note.startswith(
        "nbagent: The agent 'assistant' names no model, so the demo model answers"
    )


def test_call_prints_events_as_json(tmp_path: Path, nbagent: Command) -> None:
    with Server(chat("Hel", "lo")) as server:
        done = nbagent(
            "call",
            "-",
            "--agent",
            "other",
            "--config",
            written(tmp_path, server),
            "--json",
            stdin="Hi",
        )
        assert server.bodies[0]["messages"] == [{"role": "user", "content": "Hi"}]
    events = [e.from_json(line.encode()) for line in done.out.splitlines()]
    assert (done.code, done.err) == (0, "")
    assert [event.delta for event in events if isinstance(event, e.TextDelta)] == ["Hel", "lo"]
    assert isinstance(events[-1], e.RunEnd)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["call", " ", "--model", "test-1"], "the prompt is empty"),
        (
            ["call", "Hi", "--config", "config.yaml"],
            "config.yaml has several agents; choose one with --agent: 'coder', 'other'",
        ),
        (
            ["call", "Hi", "--config", "config.yaml", "--agent", "code"],
            "has no agent 'code'; did you mean 'coder'?",
        ),
        (
            ["call", "Hi", "--config", "config.yaml", "--model", "x"],
            "--model is for an agent without --config",
        ),
        (
            ["chat", "--session", "work", "--model", "test-1"],
            "--session needs a file that keeps it: --store chats.db",
        ),
        (["call", "Hi", "--config", "nowhere.yaml"], "nowhere.yaml: No such file or directory"),
        (
            ["chat", "--config", "wrong.yaml"],
            "wrong.yaml, line 1: the file has no key 'agent'; did you mean 'agents'?",
        ),
    ],
)
def test_what_was_asked_for_wrongly_is_said_in_one_line(
    arguments: list[str], told: str, tmp_path: Path, nbagent: Command
) -> None:
    (tmp_path / "config.yaml").write_text(CODER.format(url="http://127.0.0.1:9/v1"))
    (tmp_path / "wrong.yaml").write_text("agent: {}\nagents: {a: {}}\n")
    done = nbagent(*arguments)
    assert done.code == 2
    [line] = done.err.splitlines()
    assert told in line


def test_a_failed_answer_is_a_failed_command_and_shows_no_key(
    nbagent: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(exchange: Exchange) -> None:
        exchange.refuse(401, {"message": f"no such key: {exchange.headers['Authorization']}"})

    with Server(refuse) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        done = nbagent("call", "Hi", "--model", "test-1")
    assert done.code == 1
    assert "no such key: Bearer sk" in done.out
    assert KEY not in done.out + done.err


def test_where_nobody_can_be_asked_a_tool_is_denied_unless_it_is_allowed(
    tmp_path: Path, nbagent: Command
) -> None:
    with Server(writing("a.txt", "x"), chat("Oh."), writing("b.txt", "x"), chat("Fine.")) as server:
        config = written(tmp_path, server)
        denied = nbagent("call", "go", "--agent", "coder", "--config", config)
        assert server.bodies[1]["messages"][-1]["content"] == (
            "The user denied this call: Nobody is at the terminal to allow it."
        )
        allowed = nbagent(
            "call", "go", "--agent", "coder", "--config", config, "--allow", "write_file"
        )
    assert (denied.code, allowed.code) == (0, 0)
    assert "⊘ write_file" in denied.out
    assert "✓ write_file" in allowed.out
    assert [path.name for path in sorted(tmp_path.glob("*.txt"))] == ["b.txt"]


def test_a_person_is_asked_and_may_change_the_arguments_or_say_why_not(tmp_path: Path) -> None:
    replies = [
        writing("a.txt", "one\ntwo", 1),
        writing("b.txt", "b", 2),
        writing("c.txt", "c", 3),
        writing("d.txt", "d", 4),
    ]
    with Server(*replies, chat("Done.")) as server:
        command = (
            "-m",
            "nbagent",
            "call",
            "go",
            "--agent",
            "coder",
            "--config",
            written(tmp_path, server),
        )
        with PseudoTerminal(*command, folder=tmp_path) as terminal:
            asked = terminal.expect(
                r"Allow\? yes, no \(with a reason: n too early\), always, edit: "
            )
            assert "  write_file\n    path: a.txt\n    content: one\n      two\n" in asked
            terminal.enter("perhaps")
            terminal.expect(r"Allow\?")
            terminal.enter("e")
            terminal.expect(r"path \[a.txt\]: ")
            terminal.enter("../out.txt")
            terminal.expect(r"content \[one␤two\]: ")
            terminal.enter("")
            terminal.expect(r"path: b.txt(.|\n)*Allow\?")
            terminal.enter("n not this one")
            terminal.expect(r"path: c.txt(.|\n)*Allow\?")
            terminal.enter("a")
            terminal.expect("Done.")
            assert terminal.wait() == 0
        results = [body["messages"][-1]["content"] for body in server.bodies[1:]]
    assert "'../out.txt' is not in the folder" in results[0]
    assert results[1] == "The user denied this call: not this one"
    assert "Wrote c.txt" in results[2]
    assert "Wrote d.txt" in results[3]
    assert [path.name for path in sorted(tmp_path.glob("*.txt"))] == ["c.txt", "d.txt"]


def test_ctrl_c_at_a_question_stops_the_command(tmp_path: Path) -> None:
    with Server(writing("a.txt", "x")) as server:
        command = (
            "-m",
            "nbagent",
            "call",
            "go",
            "--agent",
            "coder",
            "--config",
            written(tmp_path, server),
        )
        with PseudoTerminal(*command, folder=tmp_path) as terminal:
            terminal.expect(r"Allow\?")
            terminal.interrupt()
            assert terminal.wait() == 130
            assert "■ Stopped by you" in terminal.output
    assert not (tmp_path / "a.txt").exists()


ASKING = """
import sys
from nbagent.terminal.lines import LineHistory, StandardLines

if sys.argv[1] == "edited":
    LineHistory()
lines = StandardLines()
for number in range(int(sys.argv[2])):
    try:
        lines.read(f"{number}> ")
    except KeyboardInterrupt:
        pass
"""


@pytest.mark.proof
@pytest.mark.parametrize("kind", ["plain", "edited"])
def test_no_ctrl_c_is_lost_however_soon_after_the_prompt_it_comes(
    kind: str, tmp_path: Path
) -> None:
    """One in some three thousand is lost, on a busy machine, where nothing interrupts the read
    again.
    """
    (tmp_path / "asking.py").write_text(ASKING)
    with PseudoTerminal("asking.py", kind, "20000", folder=tmp_path) as terminal:
        for number in range(20_000):
            terminal.expect(f"{number}> ")
            terminal.interrupt()
        assert terminal.wait() == 0


def test_ctrl_c_kills_the_command_of_a_tool(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "agents:\n  a: {model: test-1, base_url: '${URL}', tools: [execute_command]}\n"
    )
    command = json.dumps({"command": "sleep 1000 & echo $! > pid; echo begun; wait"})
    with Server(chat(calls=[("c1", "execute_command", command)])) as server:
        arguments = (
            "-m",
            "nbagent",
            "call",
            "go",
            "--config",
            "config.yaml",
            "--types",
            "tool.output",
        )
        with PseudoTerminal(*arguments, folder=tmp_path, URL=server.base_url) as terminal:
            terminal.expect(r"Allow\?")
            terminal.enter("y")
            terminal.expect('"delta":"begun')
            terminal.interrupt()
            assert terminal.wait() == 130
    pid = int((tmp_path / "pid").read_text())
    while not is_over(pid):  # its end takes a moment
        pass


def is_over(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except OSError:
        return True


# --- chat ---


def test_a_chat_knows_what_was_said_and_ctrl_c_stops_the_answer_only(
    tmp_path: Path, nbagent: Command
) -> None:
    def endless(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(chat_chunk({"role": "assistant", "content": "It goes on"}))
        exchange.hold()

    with Server(chat("Hello Ada."), endless, chat("You are Ada.")) as server:
        command = (
            "-m",
            "nbagent",
            "chat",
            "--agent",
            "other",
            "--config",
            written(tmp_path, server),
            "--store",
            "chats.db",
        )
        with PseudoTerminal(*command, "--session", "first", folder=tmp_path) as terminal:
            terminal.expect("first · other · test-1\n")
            terminal.expect("> ")
            terminal.enter("I am Ada.")
            assert "I am Ada." not in terminal.expect(r"Hello Ada\."), (
                "it stands there already, as it was typed"
            )
            terminal.expect("> ")
            terminal.enter("Tell me all.")
            terminal.expect("It goes on")
            terminal.interrupt()
            terminal.expect("■ Stopped by you")
            terminal.expect("> ")
            assert server.hung_up.wait(30)
            terminal.interrupt()  # drops a line, and ends nothing
            terminal.expect("> ")
            terminal.enter("Who am I?")
            terminal.expect(r"You are Ada\.")
            terminal.expect("> ")
            terminal.end_input()
            assert terminal.wait() == 0
        said = [(message["role"], message["content"]) for message in server.bodies[-1]["messages"]]
        assert said[:2] == [("user", "I am Ada."), ("assistant", "Hello Ada.")]
        assert said[2] == ("user", "Tell me all.")
        assert said[-1] == ("user", "Who am I?")

    with Server(chat("Ada.")) as server:
        again = (
            "chat",
            "--agent",
            "other",
            "--config",
            written(tmp_path, server),
            "--store",
            "chats.db",
        )
        done = nbagent(
            *again, "--session", "first", stdin="/history\nAnd now?\n\n/exit\nnever sent"
        )
        assert len(server.bodies) == 1
        assert [message["content"] for message in server.bodies[0]["messages"]][:2] == [
            "I am Ada.",
            "Hello Ada.",
        ]
    assert done.code == 0
    assert "> I am Ada.\nHello Ada.\n> Tell me all.\n" in done.out


def test_what_is_always_allowed_holds_for_the_whole_chat(tmp_path: Path) -> None:
    with Server(
        writing("a.txt", "x"), chat("One."), writing("b.txt", "x", 2), chat("Two.")
    ) as server:
        command = (
            "-m",
            "nbagent",
            "chat",
            "--agent",
            "coder",
            "--config",
            written(tmp_path, server),
        )
        with PseudoTerminal(*command, folder=tmp_path) as terminal:
            terminal.expect("> ")
            terminal.enter("go \\")
            terminal.expect("… ")
            terminal.enter("on")
            terminal.expect(r"Allow\?")
            terminal.enter("always")
            terminal.expect(r"One\.(.|\n)*> ")
            terminal.enter("go")
            assert "Allow?" not in terminal.expect(r"Two\.(.|\n)*> ")
            terminal.enter("/exit")
            assert terminal.wait() == 0
        assert server.bodies[0]["messages"][-1]["content"] == "go \non"
    assert {path.name for path in tmp_path.glob("*.txt")} == {"a.txt", "b.txt"}


def test_a_chat_in_a_pipe_answers_each_line_as_json(tmp_path: Path, nbagent: Command) -> None:
    with Server(chat("One."), chat("Two.")) as server:
        command = (
            "chat",
            "--agent",
            "other",
            "--config",
            written(tmp_path, server),
            "--types",
            "text.end,run.end",
        )
        done = nbagent(*command, stdin="first\n\nsecond")
        assert [len(body["messages"]) for body in server.bodies] == [1, 3]
    ends = [
        event
        for event in map(e.from_json, done.out.encode().splitlines())
        if isinstance(event, e.RunEnd)
    ]
    assert [end.output for end in ends] == ["One.", "Two."]


# --- scripts ---

SCRIPT = """
import asyncio, sys
import nbagent, openai

@nbagent.tool(approve=True)
def pay(amount: int) -> str:
    "Pay an amount."
    return f"paid {amount}"

agent = nbagent.Agent("test-1", tools=[pay], client=openai.AsyncOpenAI(base_url=sys.argv[1], api_key="none"))

async def main():
    await nbagent.show(agent.stream("go"))

asyncio.run(main()) if sys.argv[2] == "async" else nbagent.show(agent.stream("go"))
print("result:", nbagent.last.tools[0].result, nbagent.last.status)
"""  # noqa: E501


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_a_script_that_shows_a_run_asks_its_questions(kind: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    with Server(chat(calls=[("c1", "pay", '{"amount": 300}')]), chat("Paid.")) as server:
        with PseudoTerminal("script.py", server.base_url, kind, folder=tmp_path) as terminal:
            terminal.expect(r"  pay\n    amount: 300\n(.|\n)*Allow\?")
            terminal.enter("edit")
            terminal.expect(r"amount \[300\]: ")
            terminal.enter("a lot")
            terminal.expect(r"amount takes integer, as JSON; got a lot\n(.|\n)*Allow\?")
            terminal.enter("edit")
            terminal.expect(r"amount \[300\]: ")
            terminal.enter("3")
            terminal.expect("result: paid 3 completed")
            assert terminal.wait() == 0


def test_a_script_without_a_terminal_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    with Server(chat(calls=[("c1", "pay", '{"amount": 300}')]), chat("Not paid.")) as server:
        done = preloaded.run("script.py", server.base_url, "plain", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "result: None completed" in done.stdout
