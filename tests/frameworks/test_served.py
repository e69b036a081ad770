"""The OpenAI Agents SDK as the client of an agent that nbagent serves, with a tool of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import agents
import pytest
from agent.server import Server as ModelServer
from agent.server import chat
from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool
from openai import AsyncOpenAI

import nbagent

agents.set_tracing_disabled(True)

OWN = chat(calls=[("c1", "add", '{"a": 1, "b": 2}')])
ASKS = chat("Let me look.", calls=[("c2", "clock", '{"zone": "UTC"}')])
ONE_TURN = ["system", "user", "assistant", "tool", "assistant", "tool"]

both_apis = pytest.mark.parametrize("api", [OpenAIChatCompletionsModel, OpenAIResponsesModel])


def add(a: int, b: int) -> int:
    """Add two numbers, on the server."""
    return a + b


class Client:
    """An agent of the SDK whose model is a served agent.

    Attributes:
        agent: of the SDK.
        zones: that its tool was called with.
        model: the server of the served agent's model.
    """

    def __init__(self, api: Any, connection: AsyncOpenAI, model: ModelServer) -> None:
        self.zones: list[str] = []
        self.model = model

        @function_tool
        def clock(zone: str) -> str:
            """Tell the time at the user's."""
            self.zones.append(zone)
            return "12:00"

        self.agent = Agent(
            name="Host",
            instructions="Be brief.",
            model=api("assistant", connection),
            tools=[clock],
        )

    def roles(self) -> list[str]:
        """Return the roles of the messages that the model had last."""
        return [message["role"] for message in self.model.bodies[-1]["messages"]]


@asynccontextmanager
async def served(api: Any) -> AsyncIterator[Client]:
    with ModelServer(OWN, ASKS, chat("It is ", "noon."), chat("Bye.")) as model:
        agent = nbagent.Agent(
            "test-1", tools=[add], client=model.client(), api="chat", name="assistant"
        )
        with nbagent.serve(agent, port=0) as server:
            options: Any = {"base_url": f"{server.url}/v1", "api_key": "any", "max_retries": 0}
            async with AsyncOpenAI(**options) as connection:
                yield Client(api, connection, model)


@both_apis
async def test_the_client_runs_its_tool_and_a_second_turn_knows_the_first(api: Any) -> None:
    async with served(api) as client:
        session = agents.SQLiteSession("one")
        first = await Runner.run(client.agent, "What time is it?", session=session)
        assert (first.final_output, client.zones) == ("It is noon.", ["UTC"])
        second = await Runner.run(client.agent, "Thanks.", session=session)
        assert second.final_output == "Bye."
        assert client.roles() == [*ONE_TURN, "assistant", "user"]


@both_apis
async def test_the_client_runs_its_tool_while_it_streams(api: Any) -> None:
    async with served(api) as client:
        streamed = Runner.run_streamed(client.agent, "What time is it?")
        names = [event.name async for event in streamed.stream_events() if hasattr(event, "name")]
        assert (streamed.final_output, client.zones) == ("It is noon.", ["UTC"])
        assert client.roles() == ONE_TURN
    assert [name for name in names if name.startswith("tool_")] == ["tool_called", "tool_output"]


async def test_the_client_goes_on_from_a_response_by_its_id() -> None:
    async with served(OpenAIResponsesModel) as client:
        run = await Runner.run(client.agent, "What time is it?", auto_previous_response_id=True)
        assert (run.final_output, client.zones) == ("It is noon.", ["UTC"])
        assert client.roles() == ONE_TURN
