"""Google's Agent Development Kit, run against recorded models of Gemini."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from frameworks.own_tools import Town, failing, get_capital_async, known, skip
from frameworks.own_tools import get_capital as own_capital
from frameworks.replay import KEY, Replay, Serve, held, recorded, refused
from frameworks.watching import calls, of_type, stop, watch, watch_and_answer
from google import genai
from google.adk.agents import Agent
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.models import Gemini
from google.adk.runners import InMemoryRunner
from google.adk.tools import FunctionTool, ToolContext
from google.genai import types

from nbagent import events as ev

TURNS = [f"gemini/pydanticai-tool-loop.{turn}.sse" for turn in range(3)]
CALLED = [
    ("get_capital", {"country": "France"}, "Paris", "ok"),
    ("get_temperature", {"city": "Paris"}, "30C", "ok"),
]


def get_capital(country: str) -> str:
    """The capital of a country."""
    return {"France": "Paris"}[country]


def get_temperature(city: str) -> str:
    """The temperature in a city."""
    return "30C"


class Recorded(Gemini):
    """Gemini model at another address."""

    url: str = ""

    @property
    def api_client(self) -> Any:
        return genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=self.url))


async def ask(provider: Replay, *tools: Any, streams: bool = True) -> AsyncIterator[Any]:
    """The events of a run."""
    agent = Agent(
        name="weather",
        model=Recorded(model="m", url=provider.url),
        tools=[*(tools or (get_capital, get_temperature))],
    )
    runner = InMemoryRunner(agent, app_name="app")
    session = await runner.session_service.create_session(app_name="app", user_id="user")
    message = types.Content(
        role="user", parts=[types.Part(text="How warm is it in the capital of France?")]
    )
    config = RunConfig(streaming_mode=StreamingMode.SSE if streams else StreamingMode.NONE)
    async for event in runner.run_async(
        user_id="user", session_id=session.id, new_message=message, run_config=config
    ):
        yield event


async def test_a_tool_loop_is_told_with_its_results(serve: Serve) -> None:
    run = await watch(ask(serve(*map(recorded, TURNS))))
    assert (run.status, run.text.strip(), calls(run)) == (
        "completed",
        "The temperature in Paris is 30°C.",
        CALLED,
    )
    assert (run.usage.input, run.usage.output) == (52 + 64 + 79, 5 + 5 + 12)
    assert {event.agent for event in of_type(run, ev.StepStart)} == {"weather"}


async def test_thoughts_are_the_models(serve: Serve) -> None:
    run = await watch(ask(serve(recorded("gemini/pydanticai-thinking.0.sse"))))
    assert run.thinking.startswith("**Clarifying User Goals**")
    assert run.text.startswith("This is a great question!")
    assert (run.status, run.usage.reasoning) == ("completed", 787)


async def test_a_run_that_ends_with_a_tools_word_is_complete(serve: Serve) -> None:
    def get_capital(country: str, tool_context: ToolContext) -> str:
        """The capital of a country."""
        tool_context.actions.skip_summarization = True
        return "Paris"

    run = await watch(ask(serve(recorded(TURNS[0])), get_capital))
    assert (run.status, calls(run)) == ("completed", CALLED[:1])


async def test_a_tool_that_needs_confirmation_pauses_the_run(serve: Serve) -> None:
    run = await watch(
        ask(serve(recorded(TURNS[0])), FunctionTool(get_capital, require_confirmation=True))
    )
    assert run.status == "paused"
    (asked,) = of_type(run, ev.ApprovalRequest)
    assert asked.tool_id == of_type(run, ev.ToolStart)[0].id


async def test_a_provider_that_refuses_fails_the_run(serve: Serve) -> None:
    run = await watch(ask(serve(recorded(TURNS[0]), refused(400, "too much"))))
    assert (run.status, calls(run)) == ("failed", CALLED[:1])
    (error,) = of_type(run, ev.Error)
    assert "too much" in error.message


async def test_stop_closes_the_connection_to_the_provider(serve: Serve) -> None:
    provider = serve(*map(recorded, TURNS[:2]), held(TURNS[2], b"text"))
    run = await stop(ask(provider), provider)
    assert (run.status, calls(run)) == ("cancelled", CALLED)
    assert run.text


@pytest.mark.parametrize(
    "recording", ["pydanticai-tool-loop.2", "pydanticai-thinking.0", "vercel-google-tool-call"]
)
@pytest.mark.parametrize("how", ["sync", "async", "chat"])
async def test_the_clients_own_streams_are_told_alike(
    serve: Serve, recording: str, how: str
) -> None:
    provider = serve(*[recorded(f"gemini/{recording}.sse")] * 2)
    client = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=provider.url))
    texts = "".join(
        part.text
        for chunk in client.models.generate_content_stream(model="m", contents="?")
        for part in chunk.candidates[0].content.parts or ()
        if part.text and not part.thought
    )
    if how == "sync":
        run = await watch(client.models.generate_content_stream(model="m", contents="?"))
    elif how == "async":
        run = await watch(client.aio.models.generate_content_stream(model="m", contents="?"))
    else:
        run = await watch(client.chats.create(model="m").send_message_stream("?"))
    assert (run.status, run.text) == ("completed", texts)


OWN = ("get_capital", "output-available", {"country": "France"}, "Paris", Town, "looks up France\n")


@pytest.mark.parametrize("own", [own_capital, get_capital_async])
@pytest.mark.parametrize("as_function_tool", [False, True])
async def test_an_own_tool_tells_its_call_itself(
    serve: Serve, own: Any, as_function_tool: bool
) -> None:
    tool = FunctionTool(own) if as_function_tool else own
    run = await watch(ask(serve(*map(recorded, TURNS)), tool, get_temperature))
    assert (run.status, run.text.strip()) == ("completed", "The temperature in Paris is 30°C.")
    assert known(run)[0] == OWN
    assert [call.name for call in run.tools] == ["get_capital", "get_temperature"]


@pytest.mark.parametrize("own", [own_capital, get_capital_async])
async def test_an_own_tool_stops_at_a_breakpoint(serve: Serve, own: Any) -> None:
    provider = serve(*map(recorded, TURNS))
    run = await watch_and_answer(ask(provider, own, get_temperature), skip, stop_at="get_capital")
    assert (run.status, run.tools[0].result) == ("completed", "Paris")
    assert "looks up" not in repr(known(run)[0])


async def test_what_an_own_tool_raises_is_the_calls_exception(serve: Serve) -> None:
    run = await watch(ask(serve(recorded(TURNS[0])), failing))
    assert [(call.name, call.state) for call in run.tools] == [("get_capital", "output-error")]
    assert repr(run.tools[0].exception) == "LookupError('no map of France')"
