"""The encoders' output, read by its clients: `ai` 5 and 7, `@ag-ui/client`, and the models of
`ag-ui-protocol`.

Every chunk is valid by their schemas, and their accumulated messages equal the events.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from adapters.encoders.expected import without_lost
from adapters.encoders.normalized import blocks_of, normalized
from adapters.encoders.test_round_trip import RECORDINGS, recorded
from hypothesis import given, settings
from parsers import environment
from streams import event_streams

from nbagent import events as ev
from nbagent.adapters.encode import encode
from nbagent.adapters.encoders import encoder_named

pytestmark = pytest.mark.proof
CLIENTS = {"vercel.ui": "ai", "vercel.ui.v5": "ai5", "ag_ui": "ag-ui"}


class ClientProcess:
    """Client in a process of its own, which answers each line with a line."""

    def __init__(self, *command: str | Path) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def read(self, value: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(value) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def readers() -> Iterator[dict[str, ClientProcess]]:
    """Yield a client for each system, and one of single items for "models"."""
    # beside the packages it imports
    script = shutil.copy(environment.HERE / "read.mjs", environment.folder() / "node")
    readers = {
        system: ClientProcess(environment.program("node"), script, client)
        for system, client in CLIENTS.items()
    }
    readers["models"] = ClientProcess(environment.python(), environment.HERE / "read.py")
    yield readers
    for reader in readers.values():
        reader.close()


def read(readers: dict[str, ClientProcess], system: str, events: list[ev.Event]) -> Any:
    return readers[system].read(b"".join(encode(events, system, "bytes")).decode())


def shown(events: list[ev.Event], system: str) -> list[dict[str, Any]]:
    return blocks_of(without_lost(normalized(events), encoder_named(system)))


def check_vercel(
    readers: dict[str, ClientProcess],
    system: str,
    events: list[ev.Event],
    *,
    recorded: bool = False,
) -> None:
    """Assert that the message has the texts, reasoning and calls of the run, as far as it can
    represent them.

    The client derives another state of an unanswered call if an approval comes before the
    arguments, or after a preliminary result; no recorded run does that.
    """
    seen = read(readers, system, events)
    assert seen["problems"] == []
    blocks = shown(events, system)
    for part, kind in (("text", "text"), ("reasoning", "reasoning")):
        texts = [
            entry["text"] for entry in seen["parts"] if entry["type"] == part and entry["text"]
        ]
        assert texts == [block["text"] for block in blocks if block["kind"] == kind]
    calls = [entry for entry in seen["parts"] if entry["type"].startswith("tool-")]
    tools = [block for block in blocks if block["kind"] == "tool"]
    assert [call["type"][5:] for call in calls] == [tool["name"] for tool in tools]
    for call, tool in zip(calls, tools, strict=True):
        cancelled = tool["state"] == "cancelled"  # which is not said of a call, but of the run
        if tool["state"].startswith("output-") or (recorded and not cancelled):
            assert call["state"] == tool["state"]
        if "error" in tool:
            assert call["errorText"] == tool["error"]["message"]
    errors = [block["message"] for block in blocks if block["kind"] == "error"]
    assert seen["errors"] == errors


def check_ag_ui(readers: dict[str, ClientProcess], events: list[ev.Event]) -> None:
    """Assert that the conversation has the texts, reasoning and calls of the run."""
    seen = read(readers, "ag_ui", events)
    assert seen["problems"] == []
    blocks = shown(events, "ag_ui")
    messages = seen["messages"]
    texts = [
        message["content"]
        for message in messages
        if message["role"] == "assistant" and message.get("content")
    ]
    assert texts == [block["text"] for block in blocks if block["kind"] == "text"]
    calls = [call["function"] for message in messages for call in message.get("toolCalls", ())]
    assert [call["name"] for call in calls] == [
        block["name"] for block in blocks if block["kind"] == "tool"
    ]
    assert seen["errors"] == [
        block["message"] for block in blocks if block["kind"] == "error" and block["fatal"]
    ]


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_clients_read_every_recording(readers: dict[str, ClientProcess], path: Path) -> None:
    for system in ("vercel.ui", "vercel.ui.v5"):
        check_vercel(readers, system, recorded(path), recorded=True)
    check_ag_ui(readers, recorded(path))
    assert readers["models"].read(list(encode(recorded(path), "ag_ui"))) == []


@pytest.mark.parametrize(
    "path", RECORDINGS[::5], ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_the_clients_read_what_breaks_off(readers: dict[str, ClientProcess], path: Path) -> None:
    events = recorded(path)[: len(recorded(path)) // 2]
    for system in CLIENTS:
        seen = read(readers, system, events)
        assert seen["problems"] == []
        assert len(seen["errors"]) == 1


@pytest.mark.parametrize("kind", ["RUN_PAUSED", "text"])
def test_the_check_of_ag_ui_finds_an_event_that_does_not_exist(
    readers: dict[str, ClientProcess], kind: str
) -> None:
    items = [
        {"type": "RUN_STARTED", "threadId": "t", "runId": "r"},
        {"type": kind},
        *encode([], "ag_ui"),
    ]
    body = "".join(f"data: {json.dumps(item)}\n\n" for item in items)
    assert readers["ag_ui"].read(body)["problems"] != []


@given(event_streams())
@settings(deadline=None, max_examples=500)
def test_the_clients_find_nothing_wrong_with_any_stream(
    readers: dict[str, ClientProcess], events: list[ev.Event]
) -> None:
    for system in ("vercel.ui", "vercel.ui.v5"):
        check_vercel(readers, system, events)
    check_ag_ui(readers, events)
    assert readers["models"].read(list(encode(events, "ag_ui"))) == []
