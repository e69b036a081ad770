"""The pages' own clients read what the encoders write: in Node here, in a browser in
`browser/test_pages.py`.
"""

import json
import os
import subprocess
from typing import Any

import pytest
from adapters.pages.serving import MODULES, NODE, STREAMS, SYSTEMS, bundle, serving

import nbagent

LOOK = "Let me look."
ANSWER = "Let me look.\n\nThree hits."
TOOL_LINES = '\n[Tool: search("x")]\nOutput: three\n'

Seen = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Return what each client shows of each stream."""
    cases = [(system, stream) for system in SYSTEMS.values() for stream in STREAMS]
    script = tmp_path_factory.mktemp("pages") / "node.cjs"
    script.write_text(bundle("node.ts", "--platform=node", "--external:undici"), "utf-8")
    with serving() as server:
        addresses = [(system, f"{server.url}/{stream}") for system, stream in cases]
        command = [NODE, "--no-warnings", str(script), json.dumps(addresses)]
        environment = {**os.environ, "NODE_PATH": str(MODULES)}
        output = subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True, timeout=60
        ).stdout
        # an `EventSource` that nobody closes asks again, and starts another run
        assert len(server.requests) == len(cases)
    return dict(zip(cases, json.loads(output), strict=True))


def test_a_clients_text_has_no_thoughts_and_its_tools_stand_beside_it(seen: Seen) -> None:
    assert {
        system: (seen[system, "complete"]["text"], seen[system, "complete"]["notes"])
        for system in SYSTEMS.values()
    } == {
        "dexto": (ANSWER, ["search"]),
        "nearai": ("", [LOOK, "Three hits."]),  # complete messages
        "hector": (LOOK + TOOL_LINES + "Three hits.", []),
        "status.tokens": (ANSWER, ["Using search..."]),
    }


@pytest.mark.parametrize("system", SYSTEMS.values())
@pytest.mark.parametrize("stream", STREAMS)
def test_a_client_ends_however_the_run_does(seen: Seen, system: str, stream: str) -> None:
    ends: dict[str, list[Any]] = {
        "dexto": [42 if stream == "complete" else None],  # total of the tokens, where there are any
        "nearai": [True, False],  # whether it streams
        "hector": [],  # it closes the connection, which is all that it does
        "status.tokens": ["done"],
    }
    assert (seen[system, stream]["ends"], seen[system, stream]["errors"]) == (ends[system], [])


@pytest.mark.parametrize("system", SYSTEMS.values())
@pytest.mark.parametrize("stream", ["failed", "stopped", "cut", "waits"])
def test_a_client_keeps_what_came_before_the_run_broke_off(
    seen: Seen, system: str, stream: str
) -> None:
    shown = seen[system, stream]
    assert (shown["text"] or shown["notes"]) == ([LOOK] if system == "nearai" else LOOK)


@pytest.mark.parametrize(
    ("stream", "name"),
    [
        ("complete", "completed"),
        ("waits", "requires_action"),
        ("failed", "error"),
        ("cut", "error"),
        ("stopped", "canceled"),
    ],
)
def test_the_last_event_of_a_run_at_near_ai_is_one_that_its_clients_know(
    stream: str, name: str
) -> None:
    last: Any = list(nbagent.encode(STREAMS[stream], "nearai"))[-1]
    assert last["event"] == f"thread.run.{name}"


def test_dextos_events_have_the_fields_of_its_server_and_those_of_its_documentation() -> None:
    items: list[Any] = list(nbagent.encode(STREAMS["complete"], "dexto"))
    assert all((item["type"], item["sessionId"]) == (item["name"], "session-7") for item in items)
    response = items[-2]
    assert response["name"] == "llm:response"
    assert (response["content"], response["reasoning"]) == ("Three hits.", "They want hits")
    assert (
        response["usage"]
        == response["tokenUsage"]
        == {"inputTokens": 30, "outputTokens": 12, "totalTokens": 42}
    )
    assert [item["name"] for item in items].count("llm:response") == 1


@pytest.mark.parametrize("stream", STREAMS)
def test_every_message_on_a_websocket_of_hector_is_an_object(stream: str) -> None:
    messages = [
        json.loads(message) for message in nbagent.encode(STREAMS[stream], "hector", "messages")
    ]
    # its client reads `data.chunk` of each
    assert {type(message) for message in messages} == {dict}
    assert "".join(message.get("chunk", "") for message in messages).startswith(LOOK) == (
        stream != "failed-at-once"
    )
