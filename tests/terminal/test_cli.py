"""The command line: output and exit codes."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from adapters.recorded import FOLDER

from nbagent import events as e
from nbagent.cli import main
from nbagent.printable import printable

HOSTILE = "a\x9d52;c;aGk=\x9c\x7f\u202eb\U000e0041"
HELLO = FOLDER / "agentor" / "engine-chat-endpoint.body.txt"


Done: TypeAlias = subprocess.CompletedProcess[bytes]
Command: TypeAlias = Callable[..., Done]


def process(*arguments: str | Path) -> Done:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "nbagent", *map(str, arguments)], capture_output=True, check=False
    )


@pytest.fixture
def nbagent(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return a function that runs the command in this process, which has imported nbagent
    already.
    """

    def run(*arguments: str | Path, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main([*map(str, arguments)])
        sys.stdout.flush()
        return Done(arguments, code, *capfdbinary.readouterr())

    return run


def events_of(done: Done) -> list[e.Event]:
    return [e.from_json(line) for line in done.stdout.splitlines()]


SENT = [{"chunk": "Hel"}, {"chunk": "lo"}]
BODIES = {
    "sse": "".join(f"data: {json.dumps(item)}\n\n" for item in SENT) + "data: [DONE]\n\n",
    "ndjson": "".join(json.dumps(item) + "\n" for item in SENT),
    "array": json.dumps(SENT),
    "concatenated": "".join(json.dumps(item, indent=2) for item in SENT),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_decode_prints_one_event_a_line_however_the_file_is_framed(
    nbagent: Command, body: str, tmp_path: Path
) -> None:
    (tmp_path / "some.txt").write_text(body)
    done = nbagent("decode", tmp_path / "some.txt")
    events = events_of(done)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert "".join(event.delta for event in events if isinstance(event, e.TextDelta)) == "Hello"
    assert nbagent("decode", "-", stdin=body.encode()).stdout == done.stdout


@pytest.mark.parametrize(
    "command", [["decode"], ["convert", "--to", "vercel"], ["convert", "--to", "nbagent"]]
)
def test_printed_json_has_no_character_that_acts_on_a_terminal(
    nbagent: Command, command: list[str]
) -> None:
    body = json.dumps({"chunk": HOSTILE}, ensure_ascii=False) + "\n"
    done = nbagent(*command, "-", stdin=body.encode())
    assert printable(text := done.stdout.decode()) == text
    assert HOSTILE in [
        found
        for line in text.splitlines()
        if "{" in line
        for found in json.loads(line[line.index("{") :]).values()
    ]


def test_decode_takes_the_adapter_that_is_named(nbagent: Command) -> None:
    named, detected = (nbagent("decode", HELLO, *more) for more in (["--adapter", "agentor"], []))
    assert named.returncode == 0
    assert named.stdout == detected.stdout
    assert isinstance(events_of(nbagent("decode", HELLO, "--adapter", "mcp"))[1], e.Raw)


def test_a_recording_that_was_cut_is_no_success(nbagent: Command, tmp_path: Path) -> None:
    (tmp_path / "cut.sse").write_text(BODIES["sse"].removesuffix("data: [DONE]\n\n"))
    done = nbagent("decode", tmp_path / "cut.sse", "--adapter", "hector")
    assert done.returncode == 1
    end = events_of(done)[-1]
    assert isinstance(end, e.RunEnd)
    assert end.status == "incomplete"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["decode", "nowhere.sse"], "no recording at 'nowhere.sse'"),
        (
            ["show", "example.com/chat"],
            "'example.com/chat' is neither an address, such as https://",
        ),
        (
            ["decode", HELLO, "--adapter", "agentori"],
            "No adapter is called 'agentori'; did you mean 'agentor'? ",
        ),
        (
            ["show", HELLO, "--types", "text"],
            "no event type 'text'; did you mean 'text.end'? The types are run.start, ",
        ),
        (
            ["show", "http://127.0.0.1:9/", "-H", "nonsense"],
            "--header takes 'NAME: VALUE'; got 'nonsense'",
        ),
    ],
)
def test_what_was_asked_for_wrongly_is_said_in_one_line(
    nbagent: Command, arguments: list[Any], message: str
) -> None:
    done = nbagent(*arguments)
    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert len(done.stderr.splitlines()) == 1


def test_show_prints_a_transcript_or_events() -> None:
    assert "✓" in process("show", HELLO).stdout.decode()
    events = events_of(process("show", HELLO, "--types", "tool.start,tool.result"))
    assert {type(event) for event in events} == {e.ToolStart, e.ToolResult}
    assert events_of(process("replay", HELLO, "--speed", "0", "--json"))[-1].seq > len(events)


def test_convert_writes_what_another_systems_server_would_send(
    nbagent: Command, tmp_path: Path
) -> None:
    for system in ("vercel", "openai.chat", "nbagent"):
        path = tmp_path / f"{system}{'.jsonl' if system == 'nbagent' else '.sse'}"
        path.write_bytes(nbagent("convert", HELLO, "--to", system).stdout)
        converted, original = (events_of(nbagent("decode", file)) for file in (path, HELLO))
        assert [event.name for event in converted if isinstance(event, e.ToolStart)] == [
            event.name for event in original if isinstance(event, e.ToolStart)
        ]
    wrong = nbagent("convert", HELLO, "--to", "vercle")
    assert (wrong.returncode, wrong.stdout) == (2, b"")
    assert "No encoder is called 'vercle'; did you mean 'vercel.ui'? Known" in wrong.stderr.decode()
