"""Questions of served runs: each ends, whether its client answers, cannot answer or never does."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from agent.server import Exchange, chat
from agent.server import Server as ModelServer
from redis_server import RedisServer
from server.served import Asking, asking
from server.viewed import Served

import nbagent
from nbagent import events as e
from nbagent.agent import Agent
from nbagent.server import Limits, serve
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.stores.redis_events import RedisEvents
from nbagent.server.stores.sqlite_events import SqliteEvents


def ask_or_answer(exchange: Exchange) -> None:
    """Reply with a call that asks; after its result, with a text."""
    exchange.begin()
    exchange.send(*(chat("Done.") if exchange.body["messages"][-1]["role"] == "tool" else asking()))
    exchange.end()


async def waiting(run: HostedRun) -> HostedRun:
    """Return a run when it waits for an answer, and the process knows."""
    while not any(isinstance(event, e.ApprovalRequest) for event in run.events):
        await run.changed(len(run.events))
    return run


def denial(run: HostedRun) -> Any:
    return next(event for event in run.events if isinstance(event, e.ApprovalResponse))


def results(run: HostedRun) -> list[str]:
    return [event.status for event in run.events if isinstance(event, e.ToolResult | e.RunEnd)]


class Hosted:
    """A host of an agent that always asks first."""

    def __init__(self, asks: Asking, **limits: Any) -> None:
        self.model = ModelServer(*[ask_or_answer] * 20)
        self.agent = Agent(
            "test-1", tools=[asks.tool], client=self.model.client(), api="chat", name="assistant"
        )
        self.host = Host(
            {"assistant": self.agent}, SqliteEvents(":memory:"), limits=Limits(**limits)
        )

    async def __aenter__(self) -> Host:
        self.model.__enter__()
        return self.host

    async def __aexit__(self, *error: Any) -> None:
        await self.host.close()
        self.model.__exit__(None, None, None)


async def test_a_question_that_nobody_answers_is_denied_and_its_run_goes_on(asks: Asking) -> None:
    async with Hosted(asks, answer_timeout_s=0.05) as host:
        run = await host.start(None, "go")
        await run.wait_for_end()
    assert (denial(run).decision, denial(run).reason) == ("deny", "Nobody answered in 0.05 s.")
    assert (results(run), asks.deleted) == (["denied", "completed"], [])


async def test_an_answer_in_time_is_not_overtaken(asks: Asking) -> None:
    async with Hosted(asks) as host:
        run = await waiting(await host.start(None, "go"))
        assert host._questions.runs == 1
        await run.respond("tool-1")
        await run.wait_for_end()
        await asyncio.sleep(0)
        assert host._questions.runs == 0
    assert (results(run), asks.deleted) == (["ok", "completed"], ["a"])


async def test_runs_that_wait_leave_room_for_others(asks: Asking) -> None:
    async with Hosted(asks, max_runs=1) as host:
        first = await waiting(await host.start(None, "go"))
        # the first makes room for it, and is stopped
        second = await waiting(await host.start(None, "go"))
        await first.wait_for_end()
        last = first.events[-1]
        assert isinstance(last, e.RunEnd)
        assert (last.status, last.meta) == (
            "cancelled",
            {"stopped_by": "the server, because too many runs wait for an answer"},
        )
        await second.respond("tool-1", "deny")
        await second.wait_for_end()
    assert results(second) == ["denied", "completed"]


async def test_a_run_that_waits_makes_room_for_one_that_waits_in_redis(
    asks: Asking, redis: RedisServer
) -> None:
    with ModelServer(*[ask_or_answer] * 4) as model:
        agent = Agent(
            "test-1", tools=[asks.tool], client=model.client(), api="chat", name="assistant"
        )
        host = Host({"assistant": agent}, RedisEvents(redis.url), limits=Limits(max_runs=1))
        host.open()
        runs = [await host.start(None, "go", answers=answers) for answers in ("all", "none")]
        await runs[1].wait_for_end()
        assert results(runs[1]) == ["denied", "completed"]
        await host.close()


BODIES: list[tuple[str, dict[str, Any]]] = [
    (
        "/v1/chat/completions",
        {"model": "assistant", "messages": [{"role": "user", "content": "x"}]},
    ),
    (
        "/v1/chat/completions",
        {"model": "assistant", "messages": [{"role": "user", "content": "x"}], "stream": True},
    ),
    ("/v1/responses", {"model": "assistant", "input": "x"}),
    ("/v1/responses", {"model": "assistant", "input": "x", "stream": True}),
    ("/chat", {"message": "x", "stream": False}),
]


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_a_client_that_cannot_answer_gets_the_models_answer_without_the_call(
    asks: Asking, served: Served, path: str, body: dict[str, Any]
) -> None:
    with served(asking(), chat("Not done.")) as (http, _):
        answered = http.post(path, json=body)
        assert (answered.status_code, "Not done." in answered.text) == (200, True)
        assert http.get("/runs").json()["runs"] == []
    assert asks.deleted == []


def frames(response: httpx2.Response) -> Iterator[Any]:
    for line in response.iter_lines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))


ASKING: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/agents/assistant/messages/stream", {"json": {"message": "x"}}),
    ("GET", "/stream", {"params": {"query": "x"}}),
]


@pytest.mark.parametrize(("method", "path", "options"), ASKING)
def test_a_stream_tells_that_its_run_waits_and_how_to_answer(
    asks: Asking, method: str, path: str, options: dict[str, Any]
) -> None:
    with asks.agent(asking(), chat("Done.")) as agent, serve(agent, port=0) as server:
        with (
            httpx2.Client(base_url=server.url, timeout=10) as client,
            client.stream(method, path, **options) as response,
        ):
            lines = frames(response)
            frame = next(frame for frame in lines if "question" in frame)
            question = frame["question"]
            assert (question["tool"], question["args"], asks.deleted) == (
                "delete",
                {"path": "a"},
                [],
            )
            words = frame.get("chunk", frame.get("content"))
            assert "Waiting for permission to call delete. POST /runs/run-" in words
            client.post(question["answers"], json={"id": question["id"]}).raise_for_status()
            rest = "".join(map(str, lines))
    assert (asks.deleted, "Done." in rest) == (["a"], True)


SHOWN: list[tuple[str, dict[str, Any]]] = [
    ("/agents/assistant/messages/stream", {"json": {"message": "x"}}),
    ("/stream?query=x", {}),
    ("/chat", {"json": {"message": "x"}}),
    ("/chat/stream", {"json": {"message": "x"}}),
    (
        "/api/chat",
        {"json": {"messages": [{"role": "user", "parts": [{"type": "text", "text": "x"}]}]}},
    ),
    (
        "/ag-ui/assistant",
        {
            "json": {
                "threadId": "t",
                "runId": "r",
                "messages": [{"id": "m", "role": "user", "content": "x"}],
            }
        },
    ),
]


@pytest.mark.parametrize("allows", [True, False])
@pytest.mark.parametrize(("path", "options"), SHOWN)
async def test_nbagent_answers_its_own_server(
    asks: Asking, path: str, options: dict[str, Any], allows: bool
) -> None:
    with asks.agent(asking(), chat("Done.")) as agent, serve(agent, port=0) as server:
        run = nbagent.Run(
            nbagent.connect(f"{server.url}{path}", **options), answer=lambda question: allows
        )
        run.start()
        await run
    assert (asks.deleted, run.answer, run.waiting) == (["a"] if allows else [], "Done.", [])


async def test_nbagent_answers_over_the_websocket(asks: Asking) -> None:
    with asks.agent(asking(), chat("Done.")) as agent, serve(agent, port=0) as server:
        address = server.url.replace("http", "ws") + "/agents/assistant/stream"
        stream = nbagent.connect(address, json={"message": "x"})
        run = nbagent.Run(stream, answer=lambda question: question.tool == "delete")
        run.start()
        await run
    assert (asks.deleted, run.answer) == (["a"], "Done.")


@pytest.mark.parametrize("cancels", ["", "?cancel_on_disconnect=true"])
def test_use_chat_answers_with_its_next_request(asks: Asking, served: Served, cancels: str) -> None:
    user = {"role": "user", "parts": [{"type": "text", "text": "x"}]}
    with served(asking("a"), asking("b"), chat("Done.")) as (http, _):
        messages: list[dict[str, Any]] = [user]
        for approved in (True, False):
            chunks = list(frames(http.post(f"/api/chat{cancels}", json={"messages": messages})))
            assert chunks[-1] == {"type": "finish", "finishReason": "tool-calls"}
            asked = next(chunk for chunk in chunks if chunk["type"] == "tool-approval-request")
            approval = {"id": asked["approvalId"], "approved": approved}
            part = {
                "type": "tool-delete",
                "toolCallId": asked["toolCallId"],
                "state": "approval-responded",
            }
            messages = [user, {"role": "assistant", "parts": [{**part, "approval": approval}]}]
        last = list(frames(http.post(f"/api/chat{cancels}", json={"messages": messages})))
        assert [chunk["delta"] for chunk in last if chunk["type"] == "text-delta"] == ["Done."]
        assert [chunk["type"] for chunk in last if chunk["type"].startswith("tool-")] == [
            "tool-output-denied"
        ]
        assert http.get("/runs").json()["runs"] == []
    assert asks.deleted == ["a"]
