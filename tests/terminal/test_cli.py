"""The command line, as processes: their output and exit codes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from adapters.recorded import FOLDER

from nbagent import events as e

HELLO = FOLDER / "agentor" / "engine-chat-endpoint.body.txt"


def nbagent(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "nbagent", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, check=False)


def events_of(done: subprocess.CompletedProcess[bytes]) -> list[e.Event]:
    return [e.from_json(line) for line in done.stdout.splitlines()]


SENT = [{"chunk": "Hel"}, {"chunk": "lo"}]
BODIES = {
    "sse": "".join(f"data: {json.dumps(item)}\n\n" for item in SENT) + "data: [DONE]\n\n",
    "ndjson": "".join(json.dumps(item) + "\n" for item in SENT),
    "array": json.dumps(SENT),
    "concatenated": "".join(json.dumps(item, indent=2) for item in SENT),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_decode_prints_one_event_a_line_however_the_file_is_framed(body: str, tmp_path: Path) -> None:
    (tmp_path / "some.txt").write_text(body)
    done = nbagent("decode", tmp_path / "some.txt")
    events = events_of(done)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert "".join(event.delta for event in events if isinstance(event, e.TextDelta)) == "Hello"
    assert nbagent("decode", "-", stdin=body.encode()).stdout == done.stdout


def test_decode_takes_the_adapter_that_is_named() -> None:
    named, detected = (nbagent("decode", HELLO, *more) for more in (["--adapter", "agentor"], []))
    assert named.returncode == 0
    assert named.stdout == detected.stdout
    assert isinstance(events_of(nbagent("decode", HELLO, "--adapter", "mcp"))[1], e.Raw)


def test_a_recording_that_was_cut_is_no_success(tmp_path: Path) -> None:
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
        (["show", "example.com/chat"], "'example.com/chat' is neither an address, such as https://"),
        (["decode", HELLO, "--adapter", "agentori"], "No adapter is called 'agentori'; did you mean 'agentor'? "),
        (["show", HELLO, "--types", "text"], "no event type 'text'; did you mean 'text.end'? The types are run.start, "),
        (["show", "http://127.0.0.1:9/", "-H", "nonsense"], "--header takes 'NAME: VALUE'; got 'nonsense'"),
    ],
)
def test_what_was_asked_for_wrongly_is_said_in_one_line(arguments: list[Any], message: str) -> None:
    done = nbagent(*arguments)
    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert len(done.stderr.splitlines()) == 1


def test_show_prints_a_transcript_or_events() -> None:
    assert "✓" in nbagent("show", HELLO).stdout.decode()
    events = events_of(nbagent("show", HELLO, "--types", "tool.start,tool.result"))
    assert {type(event) for event in events} == {e.ToolStart, e.ToolResult}
    assert events_of(nbagent("replay", HELLO, "--speed", "0", "--json"))[-1].seq > len(events)


def test_convert_writes_what_another_systems_server_would_send(tmp_path: Path) -> None:
    for system in ("vercel", "openai.chat", "nbagent"):
        path = tmp_path / f"{system}{'.jsonl' if system == 'nbagent' else '.sse'}"
        path.write_bytes(nbagent("convert", HELLO, "--to", system).stdout)
        converted, original = (events_of(nbagent("decode", file)) for file in (path, HELLO))
        assert [event.name for event in converted if isinstance(event, e.ToolStart)] == [
            event.name for event in original if isinstance(event, e.ToolStart)
        ]
    wrong = nbagent("convert", HELLO, "--to", "vercle")
    assert (wrong.returncode, wrong.stdout) == (2, b"")
    assert "No encoder is called 'vercle'. Known systems: vercel.ui" in wrong.stderr.decode()
