"""A2A at a server process that did not start the task."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from a2a.client import Client
from a2a.helpers.proto_helpers import new_data_part
from a2a.types import (
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    Message,
    Role,
    SendMessageConfiguration,
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
    TaskState,
    TaskStatusUpdateEvent,
)
from a2a.utils.errors import A2AError, InvalidParamsError, UnsupportedOperationError
from agent.server import Exchange, chat
from agent.server import Server as ModelServer
from server.test_a2a import (
    REMOVING,
    Held,
    asking,
    begun,
    connected,
    data_of,
    heard,
    said,
    states,
    text_of,
)

from nbagent.agent import Agent
from nbagent.server import serve
from nbagent.server.a2a.answering import question_in
from nbagent.server.a2a.tasks import updates
from nbagent.server.hosting.hosted_run import HostedRun


@pytest.fixture(params=["file", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return (
        str(request.getfixturevalue("redis").url)
        if request.param == "redis"
        else str(tmp_path / "runs.db")
    )


@contextlib.asynccontextmanager
async def pair(
    store: str, *replies: Any, tools: Any = (), binding: str = "JSONRPC"
) -> AsyncIterator[tuple[Client, Client]]:
    """Give a client each of two servers with one store."""
    async with contextlib.AsyncExitStack() as ends:
        model = ends.enter_context(ModelServer(*replies))
        clients = []
        for _ in range(2):
            agent = Agent(
                "test-1", tools=tools, client=model.client(), api="chat", name="assistant"
            )
            server = ends.enter_context(serve(agent, port=0, grpc_port=0, store=store))
            clients.append(await ends.enter_async_context(connected(server.url, binding)))
        first, second = clients
        yield first, second


def answer_of(task: Task) -> str:
    return "".join(part.text for artifact in task.artifacts for part in artifact.parts)


@pytest.mark.parametrize("binding", ["JSONRPC", "GRPC"])
async def test_a_task_is_read_listed_and_stopped(store: str, binding: str) -> None:
    held = Held()
    async with pair(store, held, binding=binding) as (first, second):
        sent, stream = await begun(first)
        task = await second.get_task(GetTaskRequest(id=sent.id))
        assert (answer_of(task), task.context_id) == ("Hel", sent.context_id)
        listed = [
            await each.list_tasks(ListTasksRequest(context_id=sent.context_id))
            for each in (first, second)
        ]
        assert [[(task.id, task.status.state) for task in each.tasks] for each in listed] == [
            [(sent.id, TaskState.TASK_STATE_WORKING)]
        ] * 2
        stopped = await second.cancel_task(CancelTaskRequest(id=sent.id))
        assert stopped.status.state == TaskState.TASK_STATE_CANCELED
        held.go_on()
        assert states([response async for response in stream])[-1] == "TASK_STATE_CANCELED"
        for client in (first, second):
            assert (
                await client.get_task(GetTaskRequest(id=sent.id))
            ).status.state == TaskState.TASK_STATE_CANCELED
            with pytest.raises(A2AError, match="cannot be canceled"):
                await client.cancel_task(CancelTaskRequest(id=sent.id))


async def test_tasks_are_listed_in_pages(store: str) -> None:
    async with pair(store, *[chat("Hi.")] * 5) as (first, second):
        tasks = [(await heard(first, said(f"{number}")))[0].task for number in range(5)]
        page = await second.list_tasks(
            ListTasksRequest(page_size=3, status=TaskState.TASK_STATE_COMPLETED)
        )
        rest = await second.list_tasks(
            ListTasksRequest(page_size=3, page_token=page.next_page_token)
        )
        assert [task.id for task in (*page.tasks, *rest.tasks)] == [
            task.id for task in reversed(tasks)
        ]
        assert (page.total_size, rest.next_page_token) == (5, "")
        assert not page.tasks[0].artifacts
        whole = await second.list_tasks(
            ListTasksRequest(context_id=tasks[2].context_id, include_artifacts=True)
        )
        assert [(task.id, answer_of(task)) for task in whole.tasks] == [(tasks[2].id, "Hi.")]
        assert not (
            await second.list_tasks(ListTasksRequest(status=TaskState.TASK_STATE_WORKING))
        ).tasks


async def test_a_client_goes_on_reading(store: str) -> None:
    held = Held()
    async with pair(store, held) as (first, second):
        sent, stream = await begun(first)
        await stream.aclose()
        again = second.subscribe(SubscribeToTaskRequest(id=sent.id))
        task = (await anext(again)).task
        held.go_on()
        rest = [response async for response in again]
        with pytest.raises(UnsupportedOperationError):
            await anext(second.subscribe(SubscribeToTaskRequest(id=sent.id)))
    assert answer_of(task) + text_of(rest) == "Hello"
    assert states(rest)[-1] == "TASK_STATE_COMPLETED"


async def test_a_message_answers_the_question_of_a_task(store: str) -> None:
    ran: list[str] = []
    async with pair(store, *REMOVING, tools=[asking(ran)]) as (first, second):
        task = (await heard(first, said("Remove x.")))[0].task
        with pytest.raises(InvalidParamsError, match="does not match"):
            await heard(second, said("yes", task_id=task.id, context_id="another"))
        for wrong in ({"decision": "perhaps"}, {"decision": "approve", "args": {"name": 7}}):
            message = Message(
                message_id="m", role=Role.ROLE_USER, task_id=task.id, parts=[new_data_part(wrong)]
            )
            refused = await heard(second, SendMessageRequest(message=message))
            assert (states(refused), ran) == (["TASK_STATE_INPUT_REQUIRED"], [])
        done = await heard(second, said("yes", task_id=task.id))
        assert (text_of(done), states(done)[-1], ran) == ("Done.", "TASK_STATE_COMPLETED", ["x"])
        for client in (first, second):
            with pytest.raises(UnsupportedOperationError, match="has ended"):
                await heard(client, said("yes", task_id=task.id))
            assert answer_of(await client.get_task(GetTaskRequest(id=task.id))) == "Done."


async def test_a_client_that_does_not_stream_answers_and_gets_the_task(store: str) -> None:
    ran: list[str] = []
    async with pair(store, *REMOVING, tools=[asking(ran)]) as (first, second):
        task = (await heard(first, said("Remove x.")))[0].task
        second._config.streaming = False  # type: ignore[attr-defined]
        request = said("yes", task_id=task.id, context_id=task.context_id)
        request.configuration.CopyFrom(SendMessageConfiguration(history_length=0))
        [done] = await heard(second, request)
    assert (answer_of(done.task), done.task.status.state, ran) == (
        "Done.",
        TaskState.TASK_STATE_COMPLETED,
        ["x"],
    )


async def test_a_task_that_works_takes_no_message(store: str) -> None:
    held = Held()
    async with pair(store, held) as (first, second):
        stream = first.send_message(said("x"))
        task_id = (await anext(stream)).task.id
        with pytest.raises(UnsupportedOperationError, match="waits for no message"):
            await heard(second, said("yes", task_id=task_id))
        held.go_on()
        assert states([response async for response in stream])[-1] == "TASK_STATE_COMPLETED"


async def test_a_message_answers_the_newest_question_though_its_update_is_not_sent_yet(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    answered = threading.Event()

    async def late(run: HostedRun) -> AsyncGenerator[Any]:
        """Yield the updates of a run, those behind the first question when all are answered."""
        async for each in updates(run):
            yield each
            if isinstance(each[1], TaskStatusUpdateEvent) and question_in(each[1].status):
                await asyncio.to_thread(answered.wait, 5)

    def last(exchange: Exchange) -> None:
        answered.set()
        exchange.begin()
        exchange.send(*REMOVING[1])
        exchange.end()

    monkeypatch.setattr("nbagent.server.a2a.executor.updates", late)
    again = chat(calls=[("c2", "remove", '{"name": "y"}')])
    async with pair(store, REMOVING[0], again, last, tools=[asking(ran)]) as (first, second):
        task_id = (await heard(first, said("Remove both.")))[0].task.id
        await heard(second, said("yes", task_id=task_id))
        done = await heard(first, said("yes", task_id=task_id))
    assert (states(done)[-1], ran) == ("TASK_STATE_COMPLETED", ["x", "y"])


async def test_questions_of_one_task_are_answered_at_both(store: str) -> None:
    ran: list[str] = []
    again = chat(calls=[("c2", "remove", '{"name": "y"}')])
    async with pair(store, REMOVING[0], again, REMOVING[1], tools=[asking(ran)]) as (first, second):
        task_id = (await heard(first, said("Remove both.")))[0].task.id
        asked = await heard(second, said("yes", task_id=task_id))
        assert (states(asked)[-1], dict(data_of(asked)[-1]["args"]), ran) == (
            "TASK_STATE_INPUT_REQUIRED",
            {"name": "y"},
            ["x"],
        )
        done = await heard(first, said("yes", task_id=task_id))
    assert (text_of(done), states(done)[-1], ran) == ("Done.", "TASK_STATE_COMPLETED", ["x", "y"])
