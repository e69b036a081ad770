"""smolagents, run against recorded models."""

import gc
import threading
from typing import Any

import pytest
from frameworks.own_tools import LIVE, capital_again, failing, known, skip
from frameworks.own_tools import get_capital as own_capital
from frameworks.replay import (
    ANSWER,
    CALL,
    KEY,
    LONDON,
    REPLY_TIMEOUT_S,
    Replay,
    Serve,
    completion,
    held,
    recorded,
    refused,
    text_reply,
    tool_reply,
)
from frameworks.told import RESULTS, fork, told
from frameworks.watching import GET_CAPITAL, calls, cancel, of_type, watch, watch_and_answer
from smolagents import CodeAgent, OpenAIModel, ToolCallingAgent, tool
from smolagents.monitoring import LogLevel

from nbagent import events as ev
from nbagent.run import Run

FINAL = ("final_answer", {"answer": "London"}, "London", "ok")


@tool
def get_capital(country: str) -> str:
    """The capital of a country.

    Args:
        country: its name
    """
    return {"UK": "London"}[country]


@tool
def get_country() -> str:
    """A country."""
    return "Mexico"


@tool
def get_product_name() -> str:
    """A product."""
    return "Pydantic AI"


@tool
def get_weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: its name
    """
    raise LookupError(f"no weather in {city}")


def model(provider: Replay) -> OpenAIModel:
    return OpenAIModel("m", api_base=provider.url, api_key=KEY, client_kwargs={"max_retries": 0})


def geographer(provider: Replay, *tools: Any, streams: bool = True) -> ToolCallingAgent:
    return ToolCallingAgent(
        [*(tools or [get_capital])],
        model(provider),
        stream_outputs=streams,
        verbosity_level=LogLevel.OFF,
    )


async def test_a_tool_loop_ends_with_the_final_answer(serve: Serve) -> None:
    agent = geographer(serve(recorded(CALL), tool_reply("final_answer", answer="London")))
    run = await watch(agent.run("Capital of the UK?", stream=True))
    assert (run.status, run.text, calls(run)) == ("completed", "London", [GET_CAPITAL, FINAL])
    counted = agent.monitor.get_total_token_counts()
    assert (run.usage.input, run.usage.output) == (counted.input_tokens, counted.output_tokens)


async def test_an_agent_that_does_not_stream_its_model_is_told_by_its_steps(serve: Serve) -> None:
    agent = geographer(serve(completion(CALL), completion(CALL)), streams=False)
    run = await watch(agent.run("Capital of the UK?", stream=True, max_steps=1))
    assert calls(run) == [GET_CAPITAL]


async def test_parallel_calls_have_their_own_results_and_a_tool_that_raises_has_failed(
    serve: Serve,
) -> None:
    turns = [
        recorded(f"openai_chat/pydanticai-parallel-tool-deltas.{turn}.sse") for turn in range(2)
    ]
    provider = serve(*turns, tool_reply("final_answer", answer="London"))
    run = await watch(
        geographer(provider, get_country, get_product_name, get_weather).run("?", stream=True)
    )
    assert calls(run) == [
        ("get_country", {}, "Mexico", "ok"),
        ("get_product_name", {}, "Pydantic AI", "ok"),
        ("get_weather", {"city": "Mexico City"}, None, "error"),
        FINAL,
    ]
    assert "no weather in Mexico City" in of_type(run, ev.Error)[0].message
    assert run.status == "completed"


async def test_a_run_out_of_steps_says_so(serve: Serve) -> None:
    provider = serve(recorded(CALL), completion(ANSWER))
    run = await watch(geographer(provider).run("Capital of the UK?", stream=True, max_steps=1))
    assert (run.status, run.text, calls(run)) == ("max_steps", LONDON, [GET_CAPITAL])


async def test_code_is_a_tool_that_prints(serve: Serve) -> None:
    code = "Thought: easy.\n<code>\nprint(6 * 7)\nfinal_answer(6 * 7)\n</code>"
    agent = CodeAgent(
        [], model(serve(text_reply(code))), stream_outputs=True, verbosity_level=LogLevel.OFF
    )
    run = await watch(agent.run("6 times 7?", stream=True))
    ((name, arguments, result, status),) = calls(run)
    assert (name, status, run.status) == ("python_interpreter", "ok", "completed")
    assert "print(6 * 7)" in arguments
    assert "42" in str(result)
    assert run.text.endswith("42")


async def test_a_provider_that_refuses_fails_the_run(serve: Serve) -> None:
    run = await watch(
        geographer(serve(recorded(CALL), refused(400, "too much"))).run(
            "Capital of the UK?", stream=True
        )
    )
    assert (run.status, calls(run)) == ("failed", [GET_CAPITAL])
    assert "too much" in str(run.error)


async def test_stop_ends_the_agent_at_its_models_next_word(serve: Serve) -> None:
    provider = serve(recorded(CALL), held(ANSWER, b"capital")._replace(drip=True))
    run = await cancel(geographer(provider).run("Capital of the UK?", stream=True))
    assert (run.status, calls(run)) == ("cancelled", [GET_CAPITAL])
    assert run.text
    assert LONDON.startswith(run.text)
    provider.drip()
    for thread in threading.enumerate():
        if thread.name == "nbagent-reader":
            thread.join(REPLY_TIMEOUT_S)
            assert not thread.is_alive()
    gc.collect()  # its model's stream lies in a cycle, and the framework leaves it there
    assert provider.hung_up.wait(REPLY_TIMEOUT_S)


def first_calls(run: Run) -> list[Any]:
    return [each for each in known(run) if each[0] == "get_capital"]


async def test_a_tool_of_nbagents_reports_its_call(serve: Serve) -> None:
    provider = serve(recorded(CALL), tool_reply("final_answer", answer="London"))
    run = await watch(
        geographer(provider, tool(own_capital)).run("Capital of the UK?", stream=True)
    )
    assert (run.status, first_calls(run)) == ("completed", LIVE)
    assert capital_again(run) == "Paris"


async def test_a_tool_of_nbagents_that_fails_has_its_exception(serve: Serve) -> None:
    provider = serve(recorded(CALL), tool_reply("final_answer", answer="London"))
    run = await watch(geographer(provider, tool(failing)).run("Capital of the UK?", stream=True))
    assert (run.tools[0].state, str(run.tools[0].exception)) == ("output-error", "no map of UK")


async def test_a_tool_of_nbagents_stops_at_a_breakpoint(serve: Serve) -> None:
    provider = serve(recorded(CALL), tool_reply("final_answer", answer="London"))
    stream = geographer(provider, tool(own_capital)).run("Capital of the UK?", stream=True)
    run = await watch_and_answer(stream, skip, stop_at="get_capital")
    assert calls(run)[0] == ("get_capital", {"country": "UK"}, "Paris", "ok")


# --- forks ---


@pytest.mark.parametrize("used", [get_weather, *map(tool, RESULTS)])
async def test_a_fork_says_in_its_own_frame_what_the_model_was_told(
    serve: Serve, used: Any
) -> None:
    argument = next(iter(used.inputs))
    provider = serve(
        tool_reply(used.name, **{argument: "UK"}),
        tool_reply("final_answer", answer="?"),
        recorded(ANSWER),
    )
    run = await watch(geographer(provider, used).run("Capital of the UK?", stream=True))
    (_, prompt, *_), (_, _, calls, _), (_, result, *_) = told(await fork(run, provider))
    (_, asked, *_), _, (_, answered, *_) = told(provider.requests[1])
    assert asked == f"New task:\n{prompt}"
    assert calls == [("call_made", used.name, {argument: "UK"})]
    heading, _, text = answered.partition("\n")
    assert heading in ("Observation:", "Error:")
    assert text.partition("\nNow let's retry")[0] == result
