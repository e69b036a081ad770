"""Clients from npm, with this server: `@ag-ui/client`, `ai` and `openai`, whole and unchanged."""

import json
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from agent.server import Exchange, chat, chat_chunk
from agent.server import Server as ModelServer
from parsers import environment
from server.served import Asking, asking

from nbagent.agent import Agent
from nbagent.server import serve

pytestmark = pytest.mark.proof


def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: One.
        b: The other.
    """
    return a + b


def run(client: str, url: str) -> Any:
    """Return what a client has read."""
    # Beside the packages that it imports.
    script = shutil.copy(Path(__file__).with_name("clients.mjs"), environment.folder() / "node")
    command = [environment.program("node"), str(script), client, url]
    return json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    )


def talk(client: str) -> tuple[Any, list[Any]]:
    """Return what a client has read of two turns, of which the first calls a tool, and the messages
    that the model had last.
    """
    with ModelServer(
        chat(calls=[("c1", "add", '{"a": 1, "b": 2}')]), chat("It is ", "3."), chat("Four.")
    ) as model:
        agent = Agent("test-1", tools=[add], client=model.client(), api="chat", name="assistant")
        with serve(agent, port=0) as server:
            return run(client, server.url), model.bodies[-1]["messages"]


def test_ag_uis_client_reads_two_turns_with_a_tool() -> None:
    shown, sent = talk("ag-ui")
    assert [kind for kind in shown["kinds"] if kind.startswith("RUN_")] == [
        "RUN_STARTED",
        "RUN_FINISHED",
    ] * 2
    assert shown["ids"] == [True] * 4
    assert [message["role"] for message in shown["messages"]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
        "assistant",
    ]
    assert [message["content"] for message in shown["messages"] if message.get("content")] == [
        *("1 + 2?", "3", "It is 3."),
        *("And then?", "Four."),
    ]
    assert [message["role"] for message in sent] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]


def test_ag_uis_client_answers_an_interrupt() -> None:
    asks = Asking()
    with asks.agent(asking(), chat("Done.")) as agent, serve(agent, port=0) as server:
        shown = run("interrupts", server.url)
    assert (len(shown["asked"]), shown["left"], asks.deleted) == (1, [], ["a"])
    assert [message["role"] for message in shown["messages"]] == [
        *("user", "assistant", "tool", "assistant")
    ]
    assert shown["messages"][-1]["content"] == "Done."


def test_ag_uis_client_runs_a_tool_of_its_own() -> None:
    with ModelServer(chat(calls=[("c1", "clock", "{}")]), chat("Noon.")) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with serve(agent, port=0) as server:
            shown = run("frontend", server.url)
    assert (shown["asked"], shown["left"]) == (["c1"], [])
    assert [message["role"] for message in shown["messages"]] == [
        *("user", "assistant", "tool", "assistant")
    ]
    assert shown["messages"][-1]["content"] == "Noon."


def started(**fields: Any) -> Any:
    return {"type": "RUN_STARTED", "threadId": "t", "runId": "r", **fields}


def content(**fields: Any) -> Any:
    return {"type": "TEXT_MESSAGE_CONTENT", "messageId": "m", "delta": "Hi.", **fields}


BEGINS, ENDS = (
    {"type": "TEXT_MESSAGE_START", "messageId": "m", "role": "assistant"},
    {"type": "TEXT_MESSAGE_END", "messageId": "m"},
)
FINISHED = {"type": "RUN_FINISHED", "threadId": "t", "runId": "r", "outcome": {"type": "success"}}
BAD_STREAMS: dict[str, list[Any]] = {
    "an id is missing": [{"type": "RUN_STARTED", "threadId": "t"}, FINISHED],
    "an id is a number": [started(threadId=7), FINISHED],
    "a delta is no text": [started(), BEGINS, content(delta=None), ENDS, FINISHED],
    "a role does not exist": [started(), {**BEGINS, "role": "robot"}, content(), ENDS, FINISHED],
    "an outcome does not exist": [started(), {**FINISHED, "outcome": {"type": "maybe"}}],
    "a type does not exist": [started(), {"type": "RUN_PAUSED"}, FINISHED],
    "a text never began": [started(), content(), FINISHED],
    "a text never ends": [started(), BEGINS, content(), FINISHED],
    "the run never began": [BEGINS, content(), ENDS, FINISHED],
    "something follows the end": [started(), FINISHED, BEGINS],
}


def test_ag_uis_client_takes_a_good_stream() -> None:
    good = [started(), BEGINS, content(), ENDS, FINISHED]
    with ModelServer(good, good) as server:
        shown = run("ag-ui", server.base_url)
    assert shown["kinds"] == [event["type"] for event in good] * 2


@pytest.mark.parametrize("bad", BAD_STREAMS.values(), ids=BAD_STREAMS)
def test_ag_uis_client_fails_on_a_bad_stream(bad: list[Any]) -> None:
    with ModelServer(bad, bad) as server, pytest.raises(subprocess.CalledProcessError):
        run("ag-ui", server.base_url)


def test_the_ai_sdk_reads_two_turns_with_a_tool() -> None:
    shown, sent = talk("ai")
    assert shown["valid"]
    first = shown["messages"][1]["parts"]
    assert [part["type"] for part in first if part["type"] != "step-start"] == ["tool-add", "text"]
    assert next(part for part in first if part["type"] == "tool-add")["output"] == 3
    assert [part["text"] for part in shown["messages"][3]["parts"] if part["type"] == "text"] == [
        "Four."
    ]
    said = [(message["role"], message["content"]) for message in sent]
    assert said == [
        ("user", "1 + 2?"),
        ("assistant", None),
        ("tool", "3"),
        ("assistant", "It is 3."),
        ("user", "And then?"),
    ]


def test_openais_client_in_node_streams_a_completion_and_a_response() -> None:
    shown, _ = talk("openai")
    assert shown == {"chat": "It is 3.", "response": "Four."}


def test_use_chat_allows_a_call_and_the_run_goes_on_in_the_same_message() -> None:
    asks = Asking()
    with asks.agent(asking(), chat("Done.")) as agent, serve(agent, port=0) as server:
        shown = run("approvals", server.url)
    assert (shown["error"], asks.deleted) == ("", ["a"])
    assert [message["role"] for message in shown["messages"]] == ["user", "assistant"]
    parts = shown["messages"][-1]["parts"]
    assert [part["state"] for part in parts if part["type"] == "tool-delete"] == [
        "output-available"
    ]
    assert [part["text"] for part in parts if part["type"] == "text"] == ["Done."]


def test_use_chat_runs_a_tool_of_its_own_and_sends_the_result_by_itself() -> None:
    own = chat(calls=[("c1", "add", '{"a": 1, "b": 2}')])
    asks = chat("Let me look.", calls=[("c2", "clock", '{"zone": "UTC"}')])
    with ModelServer(own, asks, chat("It is noon.")) as model:
        agent = Agent("test-1", tools=[add], client=model.client(), api="chat", name="assistant")
        with serve(agent, port=0) as server:
            shown = run("tools", server.url)
    assert shown["error"] == ""
    [_, answer] = shown["messages"]
    parts = [part for part in answer["parts"] if part["type"] != "step-start"]
    assert [part["type"] for part in parts] == ["tool-add", "text", "tool-clock", "text"]
    assert (parts[2]["output"], parts[3]["text"]) == ("12:00 UTC", "It is noon.")
    sent = model.bodies[2]["messages"]
    assert [message["role"] for message in sent] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
    ]
    assert [message["content"] for message in sent if message["role"] == "tool"] == [
        "3",
        "12:00 UTC",
    ]


def test_use_chat_of_a_page_that_is_loaded_again_has_the_whole_answer() -> None:
    goes_on = threading.Event()

    def hello(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(chat_chunk({"content": "Hel"}))
        goes_on.wait(timeout=60)
        exchange.send(*chat("lo."))
        exchange.end()

    def go(exchange: Exchange) -> None:
        goes_on.set()
        exchange.begin()
        exchange.send(*chat("Going."))
        exchange.end()

    with ModelServer(hello, go) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with serve(agent, port=0) as server:
            left, loaded, late = run("resume", server.url)
    assert [page["error"] for page in (left, loaded, late)] == ["", "", ""]
    assert [len(page["messages"]) for page in (left, loaded, late)] == [2, 1, 0]
    for page in (left, loaded):
        texts = [part for part in page["messages"][-1]["parts"] if part["type"] == "text"]
        assert [part["text"] for part in texts] == ["Hello."]
