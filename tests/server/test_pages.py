"""The pages' own examples of clients, as printed, against this server and the demo model: curl's
commands, and scripts in Node.

Those that need a browser are in `browser/test_served_pages.py`, the one over gRPC is in
`test_grpc.py`. Agentor's page prints a server only (`test_endpoints.py` has its request).
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from adapters.pages.serving import MODULES, NODE, bundle

import nbagent
from nbagent.server import Server, serve
from nbagent.sources.wire.sse import SSEDecoder

PRINTED = Path(__file__).parent / "printed"
HELLO = "Hello! I am the demo model"
UNKNOWN = "That is not in my script"
"""Beginnings of the demo model's answers, after thoughts which no client may show."""
THOUGHT = "I read it out"


def shell(name: str, server: Server, folder: Path) -> str:
    """Run a command with this server's address in place of the printed one, and return its
    output.
    """
    if missing := [
        program
        for program in ("bash", "curl", "jq")
        if program in SHELL_NEEDS[name] and not shutil.which(program)
    ]:
        pytest.skip(f"there is no {missing[0]} on this machine")
    script = (PRINTED / f"{name}.sh").read_text().replace("http://localhost:8080", server.url)
    return subprocess.run(
        ["bash", "-ec", script], check=True, capture_output=True, text=True, timeout=60
    ).stdout


SHELL_NEEDS = {
    "hector_rest_api": ("bash", "curl"),
    "hector_sessions": ("bash", "curl", "jq"),
    "hector_debugging": ("bash", "curl"),
}


def text_of(output: str) -> str:
    """Return the text of a stream of chunks that has ended as it should."""
    events = SSEDecoder().feed(output.encode())
    assert (events[-1].event, events[-1].data) == ("done", "[DONE]")
    return "".join(json.loads(event.data)["chunk"] for event in events if event.event == "message")


def script(name: str, server: Server, folder: Path) -> Any:
    """Run a script in Node, and return what it has shown."""
    session = httpx2.post(f"{server.url}/agents/chatbot/sessions").json()["session_id"]
    command = [
        NODE,
        str(PRINTED / "run.mjs"),
        str(PRINTED / f"{name}.js"),
        server.url,
        session,
        str(MODULES),
    ]
    return json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    )


def module(name: str, server: Server, folder: Path) -> Any:
    """Run a client that is kept as a module, and return what it has shown."""
    with httpx2.Client(base_url=server.url) as client:
        made = {"session": client.post("/agents/chatbot/sessions").json()["session_id"]}
        made["thread"] = client.post("/threads").json()["id"]
        made["run"] = client.post(
            f"/threads/{made['thread']}/runs", json={"message": "Hello"}
        ).json()["id"]
    bundled = folder / f"{name}.cjs"
    bundled.write_text(bundle("node.ts", "--platform=node", "--external:undici"), "utf-8")
    environment = {**os.environ, "NODE_PATH": str(MODULES)}
    command = [NODE, "--no-warnings", str(bundled), json.dumps([(name, server.url, made)])]
    return json.loads(
        subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True, timeout=60
        ).stdout
    )[0]


Example = tuple[Callable[[str, Server, Path], Any], str]
EXAMPLES: dict[str, Example] = {
    "Hector: REST API": (shell, "hector_rest_api"),
    "Hector: Streaming with Sessions": (shell, "hector_sessions"),
    "Hector: Monitoring & Debugging": (shell, "hector_debugging"),
    "Hector: WebSocket": (script, "hector_websocket"),
    "Hector: Chat Applications": (script, "hector_chat"),
    "Hector: Error Handling": (script, "hector_errors"),
    "Hector: Buffering for Display": (script, "hector_buffering"),
    "Dexto: Client-Side SSE Handler": (module, "dexto"),
    "NEAR AI: Streaming API": (module, "nearai"),
    "Knowledge base: EventSource": (module, "status.tokens"),
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Any]]]:
    """Yield all examples, started together: the demo model takes its time."""
    folder = tmp_path_factory.mktemp("pages")
    with (
        serve(
            {name: nbagent.Agent("demo", name=name) for name in ("assistant", "chatbot")}, port=0
        ) as several,
        serve(nbagent.Agent("demo", name="chatbot"), port=0) as one,
        ThreadPoolExecutor(len(EXAMPLES)) as pool,
    ):
        yield {
            name: pool.submit(run, file, one if run is module else several, folder)
            for name, (run, file) in EXAMPLES.items()
        }


@pytest.fixture
def shown(request: pytest.FixtureRequest, running: dict[str, Future[Any]]) -> Any:
    """Return what an example has shown."""
    return running[request.param].result()


def example(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("shown", [name], indirect=True)


@example("Hector: REST API")
def test_curl_streams_an_answer(shown: str) -> None:
    assert text_of(shown).startswith(UNKNOWN)


@example("Hector: Streaming with Sessions")
def test_curl_makes_a_session_and_streams_in_it(shown: str) -> None:
    assert text_of(shown).startswith(HELLO)


@example("Hector: Monitoring & Debugging")
def test_curl_watches_the_events_of_the_run_too(shown: str) -> None:
    assert text_of(shown).startswith(HELLO)
    assert "event: debug\n" in shown


@example("Hector: WebSocket")
def test_a_websocket_writes_the_answer(shown: Any) -> None:
    assert shown["text"].startswith(UNKNOWN)


@example("Hector: Chat Applications")
def test_an_event_source_of_a_session_shows_what_is_answered_in_it(shown: Any) -> None:
    assert shown["text"].startswith(HELLO)


@example("Hector: Error Handling")
def test_an_event_source_of_a_session_that_does_not_exist_is_told(shown: Any) -> None:
    assert shown == {"text": "", "errors": 1}


@example("Hector: Buffering for Display")
def test_a_page_that_buffers_gets_every_event(shown: Any) -> None:
    assert shown["text"].startswith('{"chunk":"Hello!')


@pytest.mark.parametrize(
    "shown", [name for name, (run, _) in EXAMPLES.items() if run is module], indirect=True
)
def test_a_pages_script_shows_the_answer_and_ends(shown: Any) -> None:
    # NEAR AI's page keeps complete messages elsewhere
    text = shown["text"] or "".join(shown["notes"])
    assert HELLO in text
    assert shown["ends"]
    assert shown["errors"] == []


@pytest.mark.parametrize("shown", EXAMPLES, indirect=True)
def test_no_client_shows_a_thought(shown: Any) -> None:
    assert THOUGHT not in str(shown)
