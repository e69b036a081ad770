"""The MCP server at `/mcp`, used by the official client over real connections."""

import asyncio
import base64
import queue
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx2
import mcp
import mcp_types
import pytest
from agent.server import Server as ModelServer
from agent.server import chat
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from server.served import Asking, asking, holding
from starlette.applications import Starlette
from starlette.routing import Mount

import nbagent
from nbagent import events as e
from nbagent.agent import Agent
from nbagent.server import Server, serve

LEGACY: Any = "legacy"
MODES = pytest.mark.parametrize("mode", [LEGACY, "auto"])
TOKEN = "a-token-of-some-length"


def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: One.
        b: The other.
    """
    return a + b


def fail() -> str:
    """Fail, with a secret in the message."""
    raise ValueError(f"no entry with {TOKEN}")


PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def picture() -> bytes:
    """Draw."""
    return PNG


def pictures() -> list[bytes]:
    """Draw twice."""
    return [PNG, PNG]


def image() -> Any:
    """Return a picture as it is given to a model."""
    return nbagent.image(PNG)


async def count() -> str:
    """Report progress."""
    for done, message in ((0, "begin"), (50, None), (20, "back"), (100, "end")):
        nbagent.progress(done, 100, message)
        await asyncio.sleep(0)
    return "done"


Connected = Callable[..., AbstractAsyncContextManager[mcp.Client]]


@pytest.fixture
def connected(asks: Asking) -> Connected:
    """Return a function that serves one agent, `assistant`, with a tool that asks and others; it
    yields a client.
    """

    @asynccontextmanager
    async def connecting(
        *replies: Any, mode: Any = "auto", reveal: Any = "tools", limits: Any = None, **options: Any
    ) -> AsyncIterator[mcp.Client]:
        with (
            asks.agent(*replies, tools=(add, fail, picture, pictures, image, count)) as agent,
            serve(agent, port=0, token=TOKEN, reveal=reveal, limits=limits) as server,
        ):
            async with (
                create_mcp_http_client(headers={"authorization": f"Bearer {TOKEN}"}) as http,
                mcp.Client(
                    streamable_http_client(f"{server.url}/mcp", http_client=http),
                    mode=mode,
                    cache=None,
                    **options,
                ) as client,
            ):
                yield client

    return connecting


def text(result: Any) -> str:
    return str(result.content[0].text)


def answering(action: str, content: Any = None) -> Callable[..., Any]:
    """Return a user who answers each question so."""

    async def answer(context: Any, params: Any) -> mcp_types.ElicitResult:
        answer.asked.append(params.message)  # type: ignore[attr-defined]
        return mcp_types.ElicitResult(action=action, content=content)  # type: ignore[arg-type]

    answer.asked = []  # type: ignore[attr-defined]
    return answer


@MODES
async def test_the_agent_and_its_tools_are_listed(connected: Connected, mode: Any) -> None:
    async with connected(mode=mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(tools) == [
        "assistant",
        "add",
        "fail",
        "picture",
        "pictures",
        "image",
        "count",
        "delete",
    ]
    assert tools["assistant"].input_schema["required"] == ["message"]
    assert tools["add"].description == "Add two numbers."
    assert tools["add"].input_schema["properties"]["a"] == {
        "type": "integer",
        "description": "One.",
    }


@MODES
async def test_a_call_of_the_agent_reports_its_text_and_returns_the_answer(
    connected: Connected, mode: Any
) -> None:
    told: list[tuple[float, str | None]] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, message))

    replies = [chat(calls=[("c1", "add", '{"a": 1, "b": 2}')]), chat("It is ", "3.")]
    async with connected(*replies, mode=mode) as client:
        result = await client.call_tool(
            "assistant", {"message": "1 + 2?"}, progress_callback=report
        )
    assert (text(result), result.is_error) == ("It is 3.", False)
    assert (told[0], "".join(message or "" for _, message in told[1:])) == (
        (1.0, "[add]"),
        "It is 3.",
    )


@MODES
async def test_a_session_knows_what_was_said(connected: Connected, mode: Any) -> None:
    async with connected(chat("Hello, Ada."), chat("Ada."), mode=mode) as client:
        begun = await client.call_tool("assistant", {"message": "I am Ada.", "session": "new"})
        session = begun.content[1].text.removeprefix("session: ")  # type: ignore[union-attr]
        assert (
            text(await client.call_tool("assistant", {"message": "Who am I?", "session": session}))
            == "Ada."
        )
        unknown = await client.call_tool("assistant", {"message": "x", "session": "other"})
    assert (unknown.is_error, "no session 'other'" in text(unknown)) == (True, True)


@MODES
async def test_a_tool_is_called_by_itself(connected: Connected, mode: Any) -> None:
    async with connected(mode=mode) as client:
        assert text(await client.call_tool("add", {"a": 1, "b": 2})) == "3"
        wrong = await client.call_tool("add", {"a": "one", "b": 2})
        failed = await client.call_tool("fail", {})
        with pytest.raises(mcp.MCPError, match="there is no tool 'ad'; did you mean 'add'"):
            await client.call_tool("ad", {})
    assert (wrong.is_error, failed.is_error) == (True, True)
    assert "no entry with" in text(failed)
    assert TOKEN not in text(failed)


@MODES
@pytest.mark.parametrize("reveal", ["tools", "all"])
async def test_the_source_of_a_tool_that_fails_stays_on_the_server(
    connected: Connected, mode: Any, reveal: Any
) -> None:
    told: list[Any] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    calls = chat(calls=[("c1", "fail", "{}")])
    async with connected(calls, chat("Sorry."), mode=mode, reveal=reveal) as client:
        told.append(await client.call_tool("fail", {}, progress_callback=note))
        asked = {"message": "go"}
        told.append(await client.call_tool("assistant", asked, progress_callback=note))
    assert all(word in str(told) for word in ("no entry with", "Sorry."))
    for hidden in (__file__, "test_mcp.py", "raise ValueError", "Traceback"):
        assert hidden not in str(told)


@MODES
@pytest.mark.parametrize(("tool", "count"), [("picture", 1), ("pictures", 2), ("image", 1)])
async def test_a_tools_picture_is_a_picture(
    connected: Connected, mode: Any, tool: str, count: int
) -> None:
    async with connected(mode=mode) as client:
        text, *images = (await client.call_tool(tool, {})).content
    assert isinstance(text, mcp_types.TextContent)
    assert re.search(r"<PNG image, 67 bytes>|data:image/png;base64,…", text.text)
    assert [(image.type, getattr(image, "mime_type", "")) for image in images] == [
        ("image", "image/png")
    ] * count
    assert {base64.b64decode(getattr(image, "data", "")) for image in images} == {PNG}


async def test_the_text_beside_a_tools_picture_is_whole() -> None:
    def report() -> list[Any]:
        """Describe a picture."""
        return ["word " * 100, PNG, nbagent.image(PNG)]

    agent = Agent("demo", name="assistant", tools=[report])
    with serve(agent, port=0) as server:
        async with mcp.Client(f"{server.url}/mcp", cache=None) as client:
            said, *images = (await client.call_tool("report", {})).content
    assert isinstance(said, mcp_types.TextContent)
    assert "word " * 100 in said.text
    assert base64.b64encode(PNG).decode() not in said.text
    assert len(images) == 2


@MODES
async def test_a_form_may_have_a_list_to_choose_from(mode: Any) -> None:
    colours = {"type": "array", "items": {"type": "string", "enum": ["red", "blue"]}}
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "colours": colours}}
    user = answering("accept", {"name": "a", "colours": ["red", "blue"]})

    async def ask(prompt: str) -> AsyncIterator[Any]:
        answers: queue.SimpleQueue[e.ApprovalResponse] = queue.SimpleQueue()
        yield e.ApprovalRequest(
            ts=1,
            approval_id="1",
            kind="input",
            prompt="Which?",
            schema=schema,
            reply=e.Live(e.Reply(answers.put)),
        )
        answer = await asyncio.to_thread(answers.get)
        yield e.ApprovalResponse(ts=1, approval_id="1", decision="approve", value=answer.value)
        yield e.TextDelta(ts=1, id="text", delta=str(answer.value))

    with serve(ask, port=0) as server:
        async with mcp.Client(
            f"{server.url}/mcp", mode=mode, cache=None, elicitation_callback=user
        ) as client:
            result = await client.call_tool("ask", {"message": "go"})
    assert text(result) == "{'name': 'a', 'colours': ['red', 'blue']}"


@MODES
async def test_a_tools_progress_has_its_numbers_and_its_message(
    connected: Connected, mode: Any
) -> None:
    told: list[tuple[float, float | None, str | None]] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    async with connected(mode=mode) as client:
        assert text(await client.call_tool("count", {}, progress_callback=report)) == "done"
    assert told == [(0.0, 100.0, "begin"), (50.0, 100.0, None), (100.0, 100.0, "end")]


@MODES
@pytest.mark.parametrize(
    ("user", "ran"),
    [
        (answering("accept", {"allow": True}), True),
        (answering("accept", {"allow": False}), False),
        (answering("accept", {}), False),
        (answering("decline"), False),
        (answering("cancel"), False),
        (None, False),
    ],
)
async def test_a_tool_that_needs_permission_runs_only_with_it(
    asks: Asking, connected: Connected, mode: Any, user: Any, ran: bool
) -> None:
    async with connected(mode=mode, elicitation_callback=user) as client:
        result = await client.call_tool("delete", {"path": "a"})
    assert (asks.deleted, result.is_error) == (["a"] if ran else [], not ran)
    if user is None:
        assert "does not support elicitation" in text(result)
    else:
        assert user.asked.pop() == 'assistant wants to call delete({"path":"a"}). Allow it?'


@MODES
@pytest.mark.parametrize("allowed", [True, False])
async def test_an_agents_own_calls_are_asked_about_too(
    asks: Asking, connected: Connected, mode: Any, allowed: bool
) -> None:
    replies = [asking("b"), chat("Done.")]
    user = answering("accept", {"allow": True}) if allowed else None
    async with connected(*replies, mode=mode, elicitation_callback=user) as client:
        result = await client.call_tool("assistant", {"message": "go"})
    assert (asks.deleted, text(result)) == (["b"] if allowed else [], "Done.")


@MODES
async def test_a_cancelled_call_stops_the_run(mode: Any) -> None:
    begun = asyncio.Event()

    async def report(progress: float, total: float | None, message: str | None) -> None:
        begun.set()

    with ModelServer(holding) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with serve(agent, port=0) as server:
            async with mcp.Client(f"{server.url}/mcp", mode=mode, cache=None) as client:
                call = asyncio.create_task(
                    client.call_tool("assistant", {"message": "x"}, progress_callback=report)
                )
                await begun.wait()
                call.cancel()
                await asyncio.wait([call])
                assert await asyncio.to_thread(model.hung_up.wait, 10)


SOON = nbagent.Limits(answer_timeout_s=0.05)


async def test_a_question_that_a_client_never_answers_is_denied(
    asks: Asking, connected: Connected
) -> None:
    async def never(context: Any, params: Any) -> mcp_types.ElicitResult:
        await asyncio.Event().wait()
        raise AssertionError

    async with connected(mode=LEGACY, elicitation_callback=never, limits=SOON) as client:
        assert (await client.call_tool("delete", {"path": "a"})).is_error
    assert asks.deleted == []


async def test_a_run_whose_client_never_comes_back_with_an_answer_is_ended(asks: Asking) -> None:
    user = answering("accept", {"allow": True})
    with serve(Agent("demo", tools=[asks.tool]), port=0, limits=SOON) as server:
        async with mcp.Client(f"{server.url}/mcp", cache=None, elicitation_callback=user) as client:
            asked = await client.session.call_tool(
                "delete", {"path": "a"}, allow_input_required=True
            )
            assert isinstance(asked, mcp_types.InputRequiredResult)
            run_id, question = (
                str(asked.request_state).partition(":")[0],
                next(iter(asked.input_requests or {})),
            )
            events = await asyncio.to_thread(httpx2.get, f"{server.url}/runs/{run_id}/events")
            assert '"status":"denied"' in events.text
            late: Any = {question: mcp_types.ElicitResult(action="accept", content={"allow": True})}
            state = asked.request_state
            result = await client.call_tool(
                "delete", {"path": "a"}, input_responses=late, request_state=state
            )
    assert (asks.deleted, result.is_error) == ([], True)
    assert "Nobody answered in 0.05 s." in text(result)


async def test_names_that_come_twice_get_the_agents_name() -> None:
    agents = {name: Agent("demo", tools=[add]) for name in ("one", "add")}
    with serve(agents, port=0) as server:
        async with mcp.Client(f"{server.url}/mcp", cache=None) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == [
                "one",
                "add",
                "one_add",
                "add_add",
            ]


async def test_hidden_tools_are_not_served(connected: Connected) -> None:
    async with connected(reveal="answer") as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["assistant"]


async def test_another_state_than_the_servers_is_refused(
    asks: Asking, connected: Connected
) -> None:
    async with connected(
        mode="auto", elicitation_callback=answering("accept", {"allow": True})
    ) as client:
        for state in ("", "run-unknown:3", "x" * 10_000):
            result = await client.call_tool("delete", {"path": "a"}, request_state=state)
            assert result.is_error
    assert asks.deleted == []


async def test_a_client_without_the_token_gets_nothing() -> None:
    asked = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "add", "arguments": {"a": 1, "b": 2}},
    }
    with serve(
        Agent("demo", tools=[add]), port=0, token=TOKEN, read_token="another-token-to-read"
    ) as server:
        for token, status in (("none-of-the-two", 401), ("another-token-to-read", 403)):
            response = httpx2.post(
                f"{server.url}/mcp", json=asked, headers={"authorization": f"Bearer {token}"}
            )
            assert response.status_code == status


async def test_a_mounted_application_needs_no_lifespan() -> None:
    with ModelServer(chat("Hi.")) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        app = Starlette(routes=[Mount("/agents-api", nbagent.asgi(agent))])
        app.state.run_ids = {}
        with Server(app, socket.create_server(("127.0.0.1", 0))) as server:
            async with mcp.Client(f"{server.url}/agents-api/mcp", cache=None) as client:
                assert text(await client.call_tool("assistant", {"message": "x"})) == "Hi."
