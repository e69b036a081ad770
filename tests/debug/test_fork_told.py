"""Forks that say what the model was told: a framework's own texts, and items of reasoning."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agent.server import Server, call, reasoning, responses, say
from debug.scenes import finished

import nbagent
from nbagent import events as e

CALLED: list[e.Event] = [
    e.ToolStart(id="c1", name="fetch", call_id="c1"),
    e.ToolArgs(id="c1", args={"year": 2023}, args_text='{"year": 2023}'),
]
TOLD = "{'rate': 1.1}"


@nbagent.tool
def fetch(year: int) -> dict[str, float]:
    """Fetch."""
    return {"rate": 1.1}


def framework(told: str = TOLD) -> Iterator[Any]:
    """Call the tool, and tell the model a text of one's own, as a framework does."""
    yield from CALLED
    fetch(2023)
    yield e.ToolResult(id="c1", content=told)
    yield e.TextDelta(id="t1", delta="It is 1.1.")


def outputs(source: nbagent.Run, server: Server) -> list[Any]:
    """Return the results that a fork of a run sends."""
    agent = nbagent.Agent("test-1", tools=[fetch], client=server.client())
    source.fork(at=2, agent=agent, face="console").wait(60)
    return [each["content"] for each in server.bodies[-1]["messages"] if each["role"] == "tool"]


@pytest.mark.parametrize("told", [TOLD, "An error occurred: no rate"])
def test_a_fork_says_what_the_framework_told_the_model(told: str) -> None:
    run = finished(framework(told), prompt="How much?")
    assert run.tools[0].result == {"rate": 1.1}
    with Server(say("chat", "Again.")) as server:
        assert outputs(run, server) == [told]


def test_the_form_for_a_fork_has_what_the_framework_told_the_model() -> None:
    run = finished(framework(), prompt="How much?", on_fork=lambda messages: iter("a"))
    block = next(event.id for event in run.events if isinstance(event, e.ToolStart))
    assert run.fork_form(block).schema["properties"]["result"]["default"] == TOLD


def failing_framework(status: e.ToolStatus) -> Iterator[Any]:
    """Call a tool that fails, and tell the model so in one's own words, as a framework does."""
    yield from CALLED
    with pytest.raises(LookupError):
        fail(2023)
    yield e.ToolResult(id="c1", status=status, content="Error: Function failed.")
    yield e.TextDelta(id="t1", delta="I do not know.")


@nbagent.tool(name="fetch")
def fail(year: int) -> float:
    """Fetch."""
    raise LookupError(f"no rate of {year}")


@pytest.mark.parametrize("status", ["ok", "error"])
def test_a_fork_says_in_the_frameworks_words_that_a_call_failed(
    status: e.ToolStatus, tmp_path: Path
) -> None:
    run = finished(failing_framework(status), prompt="How much?")
    assert str(run.tools[0].exception) == "no rate of 2023"
    path = str(tmp_path / "run.jsonl")
    run.save(path)
    with Server(say("chat", "Again."), say("chat", "Again.")) as server:
        assert outputs(run, server) == ["Error: Function failed."]
        assert outputs(finished(nbagent.replay(path)), server) == ["Error: Function failed."]


def test_a_saved_run_keeps_what_the_framework_told_the_model(tmp_path: Path) -> None:
    path = str(tmp_path / "run.jsonl")
    finished(framework(), prompt="How much?").save(path)
    run = finished(nbagent.replay(path))
    with Server(say("chat", "Again.")) as server:
        assert outputs(run, server) == [TOLD]


def test_a_fork_of_a_saved_run_sends_its_items_of_reasoning(tmp_path: Path) -> None:
    path = str(tmp_path / "run.jsonl")
    item = reasoning("Hm.")
    with Server(
        responses(item, call("c1", "fetch", '{"year": 2023}'), number=1),
        say("responses", "It is 1.1.", number=2),
        say("responses", "Again.", number=3),
    ) as server:
        agent = nbagent.Agent("test-1", tools=[fetch], client=server.client(), api="responses")
        finished(agent.stream("How much?")).save(path)
        finished(nbagent.replay(path)).fork(at=2, agent=agent, face="console").wait(60)
        kinds = [
            [each for each in body["input"] if each["type"] == "reasoning"]
            for body in server.bodies[1:]
        ]
    assert kinds == [[item], [item]]
