"""The Agent Client Protocol's own package: its agent and its client at the two ends of a
connection, watched by an observer.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import acp
import pytest
from acp import schema
from frameworks.watching import calls, of_type, watch, watch_and_answer

from nbagent import events as ev

LONDON = "The capital of the UK is London."


class Geographer(acp.Agent):
    """Agent that thinks, asks for permission to look something up, does so, and answers."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def initialize(self, protocol_version: int, **options: Any) -> Any:
        return acp.InitializeResponse(protocol_version=protocol_version)

    async def new_session(self, **options: Any) -> Any:
        return acp.NewSessionResponse(session_id="s")

    async def prompt(self, session_id: str, prompt: Any, **options: Any) -> Any:
        if prompt[0].text == "fail":
            raise acp.RequestError.internal_error({"reason": "no maps"})
        await self._client.session_update(
            session_id, acp.update_agent_thought_text("I look it up.")
        )
        await self._client.session_update(
            session_id, acp.start_tool_call("c", "get_capital", raw_input={"country": "UK"})
        )
        choices = [schema.PermissionOption(option_id="yes", name="Look", kind="allow_once")]
        call = schema.ToolCallUpdate(tool_call_id="c", title="get_capital")
        answer = await self._client.request_permission(
            session_id=session_id, tool_call=call, options=choices
        )
        if answer.outcome.outcome == "cancelled":
            return acp.PromptResponse(stop_reason="cancelled")
        done = acp.update_tool_call("c", status="completed", raw_output="London")
        await self._client.session_update(session_id, done)
        for word in LONDON.split(" "):
            text = word if word == "The" else f" {word}"
            await self._client.session_update(session_id, acp.update_agent_message_text(text))
        return acp.PromptResponse(stop_reason="end_turn")


class Editor(acp.Client):
    """Client that gives permission, or cancels."""

    def __init__(self, allows: bool) -> None:
        self._allows = allows
        self.updates: list[Any] = []

    async def session_update(self, session_id: str, update: Any, **options: Any) -> None:
        self.updates.append(update)

    async def request_permission(self, **options: Any) -> Any:
        outcome = schema.AllowedOutcome(outcome="selected", option_id="yes")
        return acp.RequestPermissionResponse(
            outcome=outcome if self._allows else schema.DeniedOutcome(outcome="cancelled")
        )


class AskingEditor(Editor):
    """Client that leaves the answer to its reader: `take` is for `show(send=…)`."""

    def __init__(self) -> None:
        super().__init__(allows=True)
        self._answers: asyncio.Queue[Any] = asyncio.Queue()
        self.take = self._answers.put

    async def request_permission(self, **options: Any) -> Any:
        message = await self._answers.get()
        return acp.RequestPermissionResponse.model_validate(message["result"])


async def session(editor: Editor, prompt: str) -> AsyncIterator[Any]:
    """Yield the messages of a session, of both directions, as the client's observer sees them."""
    seen: asyncio.Queue[Any] = asyncio.Queue()
    agents: list[Any] = []
    writers: list[asyncio.StreamWriter] = []

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        agents.append(acp.AgentSideConnection(Geographer, writer, reader))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    client = acp.connect_to_agent(
        editor, writer, reader, observers=[lambda event: seen.put_nowait(event.message)]
    )

    async def talk() -> None:
        try:
            await client.initialize(protocol_version=acp.PROTOCOL_VERSION)
            made = await client.new_session(cwd="/", mcp_servers=[])
            await client.prompt(session_id=made.session_id, prompt=[acp.text_block(prompt)])
        except acp.RequestError:
            pass  # the message that says so was seen
        finally:
            seen.put_nowait(None)

    talking = asyncio.create_task(talk())
    while (message := await seen.get()) is not None:
        yield message
    await talking
    for side in (client, *agents):
        await side.close()
    for end in (writer, *writers):
        end.close()
        await end.wait_closed()
    server.close()
    await server.wait_closed()


async def test_a_session_is_told_from_question_to_end() -> None:
    run = await watch(session(Editor(allows=True), "Capital of the UK?"))
    assert (run.status, run.text, run.thinking) == ("completed", LONDON, "I look it up.")
    assert calls(run) == [("get_capital", {"country": "UK"}, "London", "ok")]
    assert [event.tool_id for event in of_type(run, ev.ApprovalRequest)] == [
        of_type(run, ev.ToolStart)[0].id
    ]
    assert [event.decision for event in of_type(run, ev.ApprovalResponse)] == ["approve"]


async def test_the_updates_that_a_client_is_given_tell_the_same() -> None:
    editor = Editor(allows=True)
    await watch(session(editor, "Capital of the UK?"))
    run = await watch(editor.updates)
    assert (run.text, run.thinking) == (LONDON, "I look it up.")
    assert calls(run) == [("get_capital", {"country": "UK"}, "London", "ok")]
    # the end is in the response to the prompt, which is no update
    assert run.status == "incomplete"


async def test_a_session_that_its_client_gives_up_is_cancelled() -> None:
    assert (await watch(session(Editor(allows=False), "Capital of the UK?"))).status == "cancelled"


@pytest.mark.parametrize(("allowed", "status"), [(True, "completed"), (False, "cancelled")])
async def test_the_readers_answer_goes_to_the_agent(allowed: bool, status: str) -> None:
    editor = AskingEditor()
    run = await watch_and_answer(
        session(editor, "Capital of the UK?"), lambda question: allowed, send=editor.take
    )
    assert run.status == status
    assert [event.decision for event in of_type(run, ev.ApprovalResponse)] == [
        "approve" if allowed else "deny"
    ]
    if allowed:
        assert calls(run) == [("get_capital", {"country": "UK"}, "London", "ok")]


async def test_an_agent_that_fails_says_so() -> None:
    run = await watch(session(Editor(allows=True), "fail"))
    assert run.status == "failed"
    assert of_type(run, ev.Error)
