"""Haystack's pipelines, agents and generators, run against recorded models."""

import contextvars
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import Any

import pytest
from frameworks.own_tools import (
    LIVE,
    capital_of,
    failing,
    get_capital,
    get_capital_async,
    known,
    no_capital,
    skip,
)
from frameworks.replay import (
    ANSWER,
    CALL,
    KEY,
    LONDON,
    Replay,
    Serve,
    held,
    recorded,
    refused,
)
from frameworks.watching import GET_CAPITAL, calls, stop, watch, watch_and_answer
from haystack import Pipeline
from haystack.components.agents import Agent
from haystack.components.generators.chat import (
    OpenAIChatGenerator,
    OpenAIResponsesChatGenerator,
)
from haystack.dataclasses import ChatMessage
from haystack.tools import create_tool_from_function
from haystack.utils import Secret

MESSAGES = [ChatMessage.from_user("Capital of the UK?")]
THINKS = "openai_responses/pydanticai-reasoning-summary.0.sse"


def generator(provider: Replay, kind: Any = OpenAIChatGenerator) -> Any:
    return kind(api_key=Secret.from_token(KEY), model="m", api_base_url=provider.url, max_retries=0)


def geographer(provider: Replay, used: Any = capital_of) -> Agent:
    tool = create_tool_from_function(
        used, name="get_capital", description="The capital of a country."
    )
    return Agent(chat_generator=generator(provider), tools=[tool])


def pipeline_of(component: Any) -> Pipeline:
    pipeline = Pipeline()
    pipeline.add_component("it", component)
    return pipeline


async def streamed(component: Any) -> Any:
    """Return the stream of a pipeline that begins inside the run, which tools then know."""
    return pipeline_of(component).stream({"it": {"messages": MESSAGES}})


def chunks_of(run: Any, **inputs: Any) -> Iterator[Any]:
    """Yield the chunks of a component outside of a pipeline, as they come to its callback."""
    chunks: SimpleQueue[Any] = SimpleQueue()
    with ThreadPoolExecutor(1) as pool:
        context = contextvars.copy_context()
        call = partial(run, **inputs, streaming_callback=chunks.put)
        running = pool.submit(context.run, call)
        running.add_done_callback(lambda _: chunks.put(None))
        yield from iter(chunks.get, None)
        running.result()


async def test_a_tool_loop_is_told_with_its_results(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    pipeline = pipeline_of(geographer(provider))
    run = await watch(pipeline.stream({"it": {"messages": MESSAGES}}))
    assert (run.text, run.status, calls(run)) == (LONDON, "completed", [GET_CAPITAL])
    assert (run.usage.input, run.usage.output) == (131, 24)


async def test_a_tool_that_fails_has_its_error(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(streamed(geographer(provider, no_capital)))
    assert [(call.state, "no map of UK" in str(call.error)) for call in run.tools] == [
        ("output-error", True)
    ]


async def test_thoughts_of_the_responses_api_are_told(serve: Serve) -> None:
    provider = serve(recorded(THINKS))
    run = await watch(streamed(generator(provider, OpenAIResponsesChatGenerator)))
    assert (run.status, run.usage.input, run.usage.output) == ("completed", 13, 1680)
    assert run.thinking.startswith("**Providing street crossing instructions**")
    assert run.text.startswith("I'm not a road safety professional")


async def test_chunks_of_a_callback_are_shown(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(chunks_of(geographer(provider).run, messages=MESSAGES))
    assert (run.text, run.status, calls(run)) == (LONDON, "completed", [GET_CAPITAL])


async def test_a_component_outside_of_a_pipeline_that_fails_fails_the_run(serve: Serve) -> None:
    provider = serve(refused(400, "too much"))
    run = await watch(chunks_of(generator(provider).run, messages=MESSAGES))
    assert (run.status, "too much" in str(run.error)) == ("failed", True)


@pytest.mark.parametrize("used", [get_capital, get_capital_async])
async def test_a_tool_of_nbagents_reports_its_call(serve: Serve, used: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(streamed(geographer(provider, used)))
    assert known(run) == LIVE


async def test_a_tool_of_nbagents_that_fails_has_its_exception(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(streamed(geographer(provider, failing)))
    assert [(call.state, str(call.exception)) for call in run.tools] == [
        ("output-error", "no map of UK")
    ]


async def test_a_tool_of_nbagents_stops_at_a_breakpoint(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    stream = streamed(geographer(provider, get_capital_async))
    run = await watch_and_answer(stream, skip, stop_at="get_capital")
    assert calls(run) == [("get_capital", {"country": "UK"}, "Paris", "ok")]
    assert provider.requests[-1]["messages"][-1]["content"] == "Paris"


async def test_a_provider_that_refuses_fails_the_run(serve: Serve) -> None:
    run = await watch(streamed(generator(serve(refused(400, "too much")))))
    assert (run.status, "too much" in str(run.error)) == ("failed", True)


async def test_stop_closes_the_connection(serve: Serve) -> None:
    provider = serve(held(ANSWER, b"capital"))
    run = await stop(streamed(generator(provider)), provider)
    assert (run.status, LONDON.startswith(run.text)) == ("cancelled", True)
