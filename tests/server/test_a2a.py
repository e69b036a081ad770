"""A2A: the SDK's own client over each transport, and nbagent itself as a client."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import httpx
import httpx2
import pytest
from a2a.client import A2ACardResolver, Client, ClientConfig, ClientFactory
from a2a.helpers.proto_helpers import new_data_part, new_text_message, new_text_part
from a2a.types import (
    CancelTaskRequest,
    GetTaskRequest,
    ListTaskPushNotificationConfigsRequest,
    ListTasksRequest,
    Message,
    Part,
    Role,
    SendMessageRequest,
    StreamResponse,
    SubscribeToTaskRequest,
    Task,
    TaskPushNotificationConfig,
    TaskState,
)
from a2a.utils.errors import (
    A2AError,
    ContentTypeNotSupportedError,
    PushNotificationNotSupportedError,
    UnsupportedOperationError,
)
from agent.server import Exchange, chat, chat_chunk
from agent.server import Server as ModelServer
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

import nbagent
from nbagent.agent import Agent
from nbagent.server import Server, serve
from nbagent.server.a2a.message import answer_in, prompt_in
from nbagent.sources.stream import ServiceStream

TOKEN = "a-token-of-some-length"
BINDINGS = ("JSONRPC", "HTTP+JSON", "GRPC")
every_binding = pytest.mark.parametrize("binding", BINDINGS)


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


CALLING: list[Any] = [chat(calls=[("c1", "add", '{"a": 1, "b": 2}')]), chat("It is ", "3.")]


class Held:
    """A reply of a model that begins, and goes on when it is told to."""

    def __init__(self) -> None:
        self._goes_on = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(chat_chunk({"content": "Hel"}))
        assert self._goes_on.wait(20)
        exchange.send(chat_chunk({"content": "lo"}), chat_chunk({}, "stop"))
        exchange.end()

    def go_on(self) -> None:
        self._goes_on.set()


@contextlib.contextmanager
def serving(
    *replies: Any, tools: Any = (add,), **options: Any
) -> Iterator[tuple[Server, ModelServer]]:
    with ModelServer(*replies) as model:
        agent = Agent(
            "test-1",
            tools=tools,
            client=model.client(),
            api="chat",
            name="assistant",
            description="Adds.",
        )
        with serve(agent, port=0, grpc_port=0, **options) as server:
            yield server, model


@contextlib.asynccontextmanager
async def connected(url: str, binding: str, token: str | None = None) -> AsyncIterator[Client]:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(timeout=20, headers=headers) as http:
        config = ClientConfig(
            httpx_client=http,
            supported_protocol_bindings=[binding],
            grpc_channel_factory=grpc.aio.insecure_channel,
        )
        client = ClientFactory(config).create(await A2ACardResolver(http, url).get_agent_card())
        try:
            yield client
        finally:
            await client.close()


def said(text: str, **ids: str) -> SendMessageRequest:
    return SendMessageRequest(message=new_text_message(text, role=Role.ROLE_USER, **ids))


async def heard(client: Client, request: SendMessageRequest) -> list[StreamResponse]:
    return [response async for response in client.send_message(request)]


async def begun(client: Client) -> tuple[Task, Any]:
    """Send a prompt, and read up to the first word of a `Held` answer.

    Returns the task, and the rest of the stream.
    """
    stream: Any = client.send_message(said("x"))
    task = (await anext(stream)).task
    async for response in stream:
        if text_of([response]) == "Hel":
            break
    return task, stream


def text_of(responses: list[StreamResponse]) -> str:
    """Return what a client that appends the texts of artifacts has."""
    return "".join(part.text for each in responses for part in each.artifact_update.artifact.parts)


def states(responses: list[StreamResponse]) -> list[str]:
    """Return the states, each once in a row."""
    found = [
        TaskState.Name(each.status_update.status.state)
        for each in responses
        if each.HasField("status_update")
    ]
    return [state for number, state in enumerate(found) if [state] != found[number - 1 : number]]


def data_of(responses: list[StreamResponse]) -> list[Any]:
    return [
        dict(part.data.struct_value)
        for each in responses
        for part in each.status_update.status.message.parts
        if part.HasField("data")
    ]


@every_binding
async def test_an_answer_is_streamed(binding: str) -> None:
    with serving(*CALLING) as (server, _):
        async with connected(server.url, binding) as client:
            responses = await heard(client, said("1 + 2?"))
            task = await client.get_task(GetTaskRequest(id=responses[0].task.id))
    assert responses[0].task.history[0].parts[0].text == "1 + 2?"
    assert states(responses) == ["TASK_STATE_WORKING", "TASK_STATE_COMPLETED"]
    assert text_of(responses) == "It is 3."
    assert [data["type"] for data in data_of(responses)] == ["tool_use", "tool_result"]
    assert task.status.state == TaskState.TASK_STATE_COMPLETED
    assert (
        "".join(part.text for artifact in task.artifacts for part in artifact.parts) == "It is 3."
    )


async def test_a_client_that_does_not_stream_gets_the_task() -> None:
    with serving(chat("Hi.")) as (server, _):
        headers = {"a2a-version": "1.0"}
        async with httpx2.AsyncClient(base_url=server.url, headers=headers, timeout=30) as http:
            body = {"message": {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "x"}]}}
            path = "/agents/assistant"
            sent = (await http.post(f"{path}/message:send", json=body)).json()["task"]
            kept = (await http.get(f"{path}/tasks/{sent['id']}")).json()
    for task in (sent, kept):
        assert task["status"]["state"] == "TASK_STATE_COMPLETED"
        # not the pieces in which it was sent
        assert [each["parts"] for each in task["artifacts"]] == [[{"text": "Hi."}]]


async def test_a_client_of_version_0_3_is_answered() -> None:
    message = {
        "kind": "message",
        "messageId": "m",
        "role": "user",
        "parts": [{"kind": "text", "text": "x"}],
    }
    with serving(chat("Hi.")) as (server, _):
        async with httpx2.AsyncClient(base_url=server.url) as http:
            body = {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "message/send",
                "params": {"message": message},
            }
            answer = (await http.post("/agents/assistant", json=body)).json()
    assert answer["result"]["status"]["state"] == "completed"


@every_binding
async def test_a_context_is_a_session(binding: str) -> None:
    with serving(chat("Hello, Ada."), chat("Ada.")) as (server, model):
        async with connected(server.url, binding) as client:
            first = await heard(client, said("I am Ada."))
            await heard(client, said("Who am I?", context_id=first[0].task.context_id))
            listed = await client.list_tasks(ListTasksRequest(context_id=first[0].task.context_id))
        assert [each["content"] for each in model.bodies[1]["messages"]] == [
            "I am Ada.",
            "Hello, Ada.",
            "Who am I?",
        ]
    assert len(listed.tasks) == 2


@every_binding
async def test_a_task_is_cancelled(binding: str) -> None:
    held = Held()
    with serving(held) as (server, _):
        async with connected(server.url, binding) as client:
            stream = client.send_message(said("x"))
            task_id = (await anext(stream)).task.id
            stopped = None
            async for response in stream:
                if text_of([response]) == "Hel":
                    stopped = await client.cancel_task(CancelTaskRequest(id=task_id))
                    held.go_on()
            assert stopped is not None
            assert stopped.status.state == TaskState.TASK_STATE_CANCELED
            assert (
                await client.get_task(GetTaskRequest(id=task_id))
            ).status.state == TaskState.TASK_STATE_CANCELED
            with pytest.raises(A2AError, match="cannot be canceled"):
                await client.cancel_task(CancelTaskRequest(id=task_id))


@every_binding
async def test_a_client_that_comes_later_gets_what_was_and_what_comes(binding: str) -> None:
    held = Held()
    with serving(held) as (server, _):
        async with connected(server.url, binding) as client:
            sent, stream = await begun(client)
            await stream.aclose()  # a client that leaves does not stop the run
            again = client.subscribe(SubscribeToTaskRequest(id=sent.id))
            task = (await anext(again)).task
            held.go_on()
            rest = [response async for response in again]
            with pytest.raises(UnsupportedOperationError):
                await anext(client.subscribe(SubscribeToTaskRequest(id=sent.id)))
    assert task.history[0].role == Role.ROLE_USER
    assert "".join(part.text for part in task.artifacts[0].parts) + text_of(rest) == "Hello"
    assert states(rest)[-1] == "TASK_STATE_COMPLETED"


def asking(ran: list[str]) -> Any:
    @nbagent.tool(approve=True)
    def remove(name: str) -> str:
        """Remove something."""
        ran.append(name)
        return "removed"

    return remove


CLEANING = [chat(calls=[("c2", "cleaner", '{"task": "Remove x."}')]), chat("Clean.")]
REMOVING = [chat(calls=[("c1", "remove", '{"name": "x"}')]), chat("Done.")]


@pytest.mark.parametrize(
    ("binding", "answer", "runs"),
    [
        ("JSONRPC", "yes", True),
        ("JSONRPC", "what is it?", False),
        ("HTTP+JSON", "yes", True),
        ("GRPC", "no", False),
    ],
)
async def test_a_call_that_needs_permission_waits_for_a_message(
    binding: str, answer: str, runs: bool
) -> None:
    ran: list[str] = []
    with serving(*REMOVING, tools=[asking(ran)]) as (server, _):
        async with connected(server.url, binding) as client:
            asked = await heard(client, said("Remove x."))
            assert (states(asked)[-1], ran) == ("TASK_STATE_INPUT_REQUIRED", [])
            question = data_of(asked)[-1]
            assert (question["kind"], question["tool"], dict(question["args"])) == (
                "tool",
                "remove",
                {"name": "x"},
            )
            done = await heard(client, said(answer, task_id=asked[0].task.id))
    assert (text_of(done), ran) == ("Done.", ["x"] if runs else [])
    assert states(done)[-1] == "TASK_STATE_COMPLETED"


async def test_an_answer_as_data_changes_the_arguments() -> None:
    ran: list[str] = []
    with serving(*REMOVING, tools=[asking(ran)]) as (server, _):
        async with connected(server.url, "JSONRPC") as client:
            asked = await heard(client, said("Remove x."))
            part = new_data_part(
                {"type": "tool_approval", "decision": "approve", "args": {"name": "y"}}
            )
            message = Message(
                message_id="m", role=Role.ROLE_USER, task_id=asked[0].task.id, parts=[part]
            )
            await heard(client, SendMessageRequest(message=message))
    assert ran == ["y"]


async def test_an_answer_that_does_not_fit_leaves_the_question() -> None:
    ran: list[str] = []
    with serving(*REMOVING, tools=[asking(ran)]) as (server, _):
        async with connected(server.url, "JSONRPC") as client:
            task_id = (await heard(client, said("Remove x.")))[0].task.id
            for wrong in ({"decision": "perhaps"}, {"decision": "approve", "args": {"name": 7}}):
                message = Message(
                    message_id="m",
                    role=Role.ROLE_USER,
                    task_id=task_id,
                    parts=[new_data_part(wrong)],
                )
                refused = await heard(client, SendMessageRequest(message=message))
                assert states(refused) == ["TASK_STATE_INPUT_REQUIRED"]
            assert ran == []
            await heard(client, said("yes", task_id=task_id))
    assert ran == ["x"]


async def test_a_question_that_another_client_answers_does_not_hold_the_task() -> None:
    ran: list[str] = []
    with serving(*REMOVING, tools=[asking(ran)]) as (server, _):
        async with (
            connected(server.url, "JSONRPC") as client,
            httpx2.AsyncClient(base_url=server.url) as http,
        ):
            asked = await heard(client, said("Remove x."))
            task_id = asked[0].task.id
            again = client.subscribe(SubscribeToTaskRequest(id=task_id))
            await anext(again)
            await http.post(f"/runs/{task_id}/answers", json={"id": data_of(asked)[-1]["id"]})
            rest = [response async for response in again]
            task = await client.get_task(GetTaskRequest(id=task_id))
    assert (text_of(rest), ran) == ("Done.", ["x"])
    assert task.status.state == TaskState.TASK_STATE_COMPLETED


async def test_a_task_that_asks_is_cancelled() -> None:
    ran: list[str] = []
    with serving(*REMOVING, tools=[asking(ran)]) as (server, _):
        async with connected(server.url, "JSONRPC") as client:
            task_id = (await heard(client, said("Remove x.")))[0].task.id
            stopped = await client.cancel_task(CancelTaskRequest(id=task_id))
    assert (stopped.status.state, ran) == (TaskState.TASK_STATE_CANCELED, [])


async def test_a_message_for_a_task_that_works_is_no_answer_to_a_later_question() -> None:
    held = Held()
    with serving(held) as (server, _):
        async with connected(server.url, "JSONRPC") as client:
            stream = client.send_message(said("x"))
            task_id = (await anext(stream)).task.id
            with pytest.raises(UnsupportedOperationError, match="waits for no message"):
                await heard(client, said("yes", task_id=task_id))
            held.go_on()
            assert states([response async for response in stream])[-1] == "TASK_STATE_COMPLETED"


async def test_questions_at_once_are_answered_one_after_the_other() -> None:
    ran: list[str] = []
    both = {
        "index": 0,
        "id": "c1",
        "type": "function",
        "function": {"name": "remove", "arguments": '{"name": "x"}'},
    }
    other = {
        "index": 1,
        "id": "c2",
        "type": "function",
        "function": {"name": "remove", "arguments": '{"name": "y"}'},
    }

    def call_both(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(chat_chunk({"tool_calls": [both, other]}), chat_chunk({}, "tool_calls"))
        exchange.end()

    with serving(call_both, REMOVING[1], tools=[asking(ran)]) as (server, _):
        async with connected(server.url, "JSONRPC") as client:
            task_id = (await heard(client, said("Remove both.")))[0].task.id
            asked = await heard(client, said("yes", task_id=task_id))
            assert (states(asked)[-1], len(ran)) == ("TASK_STATE_INPUT_REQUIRED", 1)
            done = await heard(client, said("yes", task_id=task_id))
    assert (text_of(done), states(done)[-1], sorted(ran)) == (
        "Done.",
        "TASK_STATE_COMPLETED",
        ["x", "y"],
    )


@every_binding
async def test_push_notifications_are_refused(binding: str) -> None:
    config = TaskPushNotificationConfig(task_id="any", url="https://client.example/told")
    with serving(chat("Hi.")) as (server, _):
        assert not cards(server.url).json()["capabilities"].get("pushNotifications")
        async with connected(server.url, binding) as client:
            with pytest.raises(PushNotificationNotSupportedError):
                await client.create_task_push_notification_config(config)
            with pytest.raises(PushNotificationNotSupportedError):
                await client.list_task_push_notification_configs(
                    ListTaskPushNotificationConfigsRequest(task_id="any")
                )
            request = said("x")
            request.configuration.task_push_notification_config.url = config.url
            with pytest.raises(PushNotificationNotSupportedError):
                await heard(client, request)
            assert text_of(await heard(client, said("x"))) == "Hi."


async def test_thoughts_are_no_part_of_the_answer() -> None:
    def thinking(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(chat_chunk({"reasoning_content": "Let me think."}))
        exchange.send(chat_chunk({"content": "Hi."}), chat_chunk({}, "stop"))
        exchange.end()

    with serving(thinking, reveal="all") as (server, _):
        async with connected(server.url, "JSONRPC") as client:
            responses = await heard(client, said("x"))
    assert text_of(responses) == "Hi."
    assert [(data["type"], data["content"]) for data in data_of(responses)] == [
        ("thinking", "Let me think.")
    ]


async def test_a_message_for_a_task_that_has_ended_is_refused() -> None:
    with serving(chat("Hi.")) as (server, _):
        async with connected(server.url, "JSONRPC") as client:
            task_id = (await heard(client, said("x")))[0].task.id
            with pytest.raises(UnsupportedOperationError, match="has ended"):
                await heard(client, said("y", task_id=task_id))


async def test_a_file_that_is_no_text_is_refused() -> None:
    message = Message(
        message_id="m", role=Role.ROLE_USER, parts=[Part(raw=b"x", media_type="image/png")]
    )
    with serving() as (server, _):
        async with connected(server.url, "JSONRPC") as client:
            with pytest.raises(ContentTypeNotSupportedError, match="image/png"):
                await heard(client, SendMessageRequest(message=message))


async def test_a_failure_is_the_end_of_the_task() -> None:
    with serving(lambda exchange: exchange.fail(400, "no")) as (server, _):
        async with connected(server.url, "JSONRPC") as client:
            responses = await heard(client, said("x"))
    assert states(responses)[-1] == "TASK_STATE_FAILED"
    assert responses[-1].status_update.status.message.parts[0].text


async def test_a_prompt_that_is_no_text_is_rejected() -> None:
    with serving() as (server, _):
        async with connected(server.url, "JSONRPC") as client:
            responses = await heard(client, said("  "))
    assert states(responses) == ["TASK_STATE_REJECTED"]


async def test_a_task_is_known_after_a_restart(tmp_path: Any) -> None:
    with serving(chat("Hi."), store=tmp_path / "runs.db") as (server, _):
        async with connected(server.url, "JSONRPC") as client:
            task_id = (await heard(client, said("x")))[0].task.id
    with serving(store=tmp_path / "runs.db") as (server, _):
        async with connected(server.url, "JSONRPC") as client:
            task = await client.get_task(GetTaskRequest(id=task_id))
    assert (task.status.state, task.artifacts[0].parts[0].text) == (
        TaskState.TASK_STATE_COMPLETED,
        "Hi.",
    )


async def test_a_run_of_another_endpoint_is_a_task() -> None:
    held = Held()
    with serving(held) as (server, _):
        async with (
            connected(server.url, "JSONRPC") as client,
            httpx2.AsyncClient(base_url=server.url) as http,
        ):
            run = (await http.post("/runs", json={"message": "x"})).json()["id"]
            assert (await client.get_task(GetTaskRequest(id=run))).id == run
            stopped = await client.cancel_task(CancelTaskRequest(id=run))
            held.go_on()
    assert stopped.status.state == TaskState.TASK_STATE_CANCELED


def cards(url: str, path: str = "/.well-known/agent-card.json", **headers: str) -> httpx2.Response:
    return httpx2.get(url + path, headers=headers)


def test_the_card_names_each_way_to_the_agent_and_none_of_its_secrets() -> None:
    agent = Agent("demo", name="assistant", instructions="a secret", description="Adds.")
    with serve(agent, port=0, grpc_port=0, token=TOKEN) as server:
        card = cards(server.url, authorization=f"Bearer {TOKEN}").json()
        ways = {
            (each["protocolBinding"], each["protocolVersion"]): each["url"]
            for each in card["supportedInterfaces"]
        }
        assert cards(server.url).status_code == 401
    assert ways == {
        **{(kind, "1.0"): f"{server.url}/agents/assistant" for kind in ("JSONRPC", "HTTP+JSON")},
        ("GRPC", "1.0"): server.grpc_address,
    }
    assert card["securityRequirements"]
    assert "secret" not in str(card)


async def test_several_agents_have_a_card_each() -> None:
    with ModelServer(chat("I am b.")) as model:
        agents = {
            name: Agent("test-1", client=model.client(), api="chat", name=name)
            for name in ("a", "b")
        }
        with serve(agents, port=0, grpc_port=0) as server:
            assert cards(server.url).json()["name"] == "a"
            async with connected(f"{server.url}/agents/b", "GRPC") as client:
                responses = await heard(client, said("x"))
                task_id = responses[0].task.id
                assert (await client.get_task(GetTaskRequest(id=task_id))).id == task_id
            async with connected(f"{server.url}/agents/a", "JSONRPC") as client:
                with pytest.raises(A2AError, match="not found"):
                    await client.get_task(GetTaskRequest(id=task_id))
    assert text_of(responses) == "I am b."


def test_the_card_of_a_mounted_server_names_its_paths_in_full() -> None:
    app = Starlette(routes=[Mount("/agents-api", nbagent.asgi(Agent("demo", name="a b")))])
    with TestClient(app, base_url="http://localhost") as client:
        card = client.get("/agents-api/.well-known/agent-card.json").json()
        url = card["supportedInterfaces"][0]["url"]
        answer = client.post(
            url, json={"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": "x"}}
        )
    assert url == "http://localhost/agents-api/agents/a%20b"
    assert answer.json()["id"] == 1


@pytest.mark.parametrize("binding", ["JSONRPC", "HTTP+JSON"])
async def test_a_token_opens_the_server(binding: str) -> None:
    with serving(chat("Hi."), token=TOKEN) as (server, _):
        async with connected(server.url, binding, TOKEN) as client:
            assert text_of(await heard(client, said("x"))) == "Hi."
        assert httpx2.post(f"{server.url}/agents/assistant", json={}).status_code == 401


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"headers": {"host": "attacker.example"}}, 403),
        ({"headers": {"origin": "https://attacker.example"}}, 403),
        ({"content": b"{}", "headers": {"content-type": "text/plain"}}, 415),
        (
            {
                "content": b"x" * (4 * 1024 * 1024 + 1),
                "headers": {"content-type": "application/json"},
            },
            413,
        ),
    ],
)
def test_a_request_that_no_client_would_send_is_refused(
    options: dict[str, Any], status: int
) -> None:
    with serving() as (server, _):
        for path in (
            "/agents/assistant",
            "/agents/assistant/message:send",
            "/agents/assistant/tasks/x:cancel",
        ):
            made = {"json": {}} | options if "content" not in options else options
            refused = httpx2.post(server.url + path, **made)
            assert refused.status_code == status
            # in A2A's own form, behind the guard
            assert status == 403 or "code" in refused.json()["error"]
        assert httpx2.post(f"{server.url}/agents/none", json={}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"[" * 100_000, b'{"jsonrpc": "2.0", "method": "SendMessage", "params": 7}'],
)
@pytest.mark.usefixtures("no_garbage")
def test_junk_is_answered_with_an_error(body: bytes) -> None:
    headers = {"content-type": "application/json", "a2a-version": "1.0"}
    with serving() as (server, _):
        answer = httpx2.post(f"{server.url}/agents/assistant", content=body, headers=headers)
        rest = httpx2.post(
            f"{server.url}/agents/assistant/message:send", content=body, headers=headers
        )
        assert httpx2.get(f"{server.url}/health").status_code == 200
    assert answer.status_code == 200
    assert "error" in answer.json()
    assert rest.status_code == 400


@pytest.mark.parametrize(
    ("body", "reason"), [(b"{", "truncated"), (b"[" * 100_000, "nested too deeply")]
)
@pytest.mark.usefixtures("no_garbage")
def test_a_body_that_cannot_be_parsed_is_a_parse_error_of_json_rpc(
    body: bytes, reason: str
) -> None:
    headers = {"content-type": "application/json", "a2a-version": "1.0"}
    with serving() as (server, _):
        answer = httpx2.post(f"{server.url}/agents/assistant", content=body, headers=headers)
    error = answer.json()["error"]
    assert error["code"] == -32700
    assert reason in error["message"]


async def test_nbagent_shows_the_address_and_answers() -> None:
    ran: list[str] = []
    with serving(*REMOVING, tools=[asking(ran)]) as (server, _):
        message = {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "Remove x."}]}
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "SendStreamingMessage",
            "params": {"message": message},
        }
        headers = {"a2a-version": "1.0"}
        run = nbagent.Run(
            nbagent.connect(f"{server.url}/agents/assistant", json=body, headers=headers)
        )
        run.on("approval.request", lambda event: run.respond(event.approval_id, True))
        run.start()
        async with asyncio.timeout(20):
            await run
    assert (run.status, run.text, ran) == ("completed", "Done.", ["x"])


async def test_an_agent_asks_another_one_whose_question_reaches_the_reader() -> None:
    ran: list[str] = []
    with serving(*REMOVING, tools=[asking(ran)]) as (server, _), ModelServer(*CLEANING) as model:

        def cleaner(task: str) -> ServiceStream:
            """Give the cleaner a task."""
            message = {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": task}]}
            body = {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "SendStreamingMessage",
                "params": {"message": message},
            }
            return nbagent.connect(
                f"{server.url}/agents/assistant", json=body, headers={"a2a-version": "1.0"}
            )

        boss = Agent("test-1", tools=[cleaner], client=model.client(), api="chat", name="boss")
        run = nbagent.Run(
            boss.stream("Clean up."), answer=lambda question: question.tool == "remove"
        )
        run.start()
        async with asyncio.timeout(20):
            await run
    assert (run.status, run.answer, ran) == ("completed", "Clean.", ["x"])
    agent = next(block for block in run.snapshot() if block["kind"] == "agent")
    assert [(call.name, call.result) for call in run.tools] == [
        ("cleaner", "Done."),
        ("remove", "removed"),
    ]
    assert (agent["name"], agent["status"]) == ("cleaner", "completed")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Approve", ("approve", None, None)),
        ("Yes.", ("approve", None, None)),
        ("no", ("deny", None, None)),
        ("ok, but not this one", ("deny", None, "ok, but not this one")),
    ],
)
def test_only_a_text_that_clearly_allows_a_call_allows_it(text: str, answer: Any) -> None:
    assert answer_in(Message(parts=[new_text_part(text)]), "tool") == answer


def test_parts_of_a_prompt_are_joined() -> None:
    parts = [new_text_part("Read this:"), new_data_part({"a": [1, 0.5]})]
    assert prompt_in(Message(parts=parts)) == 'Read this:\n{"a":[1,0.5]}'
