"""Semantic Kernel's agents and kernels, run against recorded models."""

from collections.abc import AsyncIterator
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
    completion,
    held,
    recorded,
    refused,
    text_reply,
)
from frameworks.watching import (
    GET_CAPITAL,
    calls,
    cancel,
    hang_up_at_next_word,
    of_type,
    stop,
    watch,
    watch_and_answer,
)
from openai import AsyncOpenAI
from semantic_kernel import Kernel
from semantic_kernel.agents import AgentGroupChat, ChatCompletionAgent, ChatHistoryAgentThread
from semantic_kernel.agents.strategies import DefaultTerminationStrategy
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import (
    OpenAIChatCompletion,
    OpenAIChatPromptExecutionSettings,
)
from semantic_kernel.filters import FilterTypes
from semantic_kernel.functions import KernelArguments, KernelPlugin, kernel_function

from nbagent import events as ev

QUESTION = "Capital of the UK?"
THINKS = "openai_chat/vercel-alibaba-reasoning.sse"


def service(provider: Replay) -> OpenAIChatCompletion:
    client = AsyncOpenAI(base_url=provider.url, api_key=KEY, max_retries=0)
    return OpenAIChatCompletion(ai_model_id="m", async_client=client)


def plugin(used: Any) -> KernelPlugin:
    function = kernel_function(used, name="get_capital", description="The capital of a country.")
    return KernelPlugin("geo", functions=[function])


def geographer(provider: Replay, used: Any = capital_of) -> ChatCompletionAgent:
    return ChatCompletionAgent(service=service(provider), name="geographer", plugins=[plugin(used)])


def asked(provider: Replay, used: Any = capital_of) -> Any:
    """Return the stream of an agent."""
    return geographer(provider, used).invoke_stream(messages=QUESTION)


def prompted(provider: Replay, used: Any = capital_of, **options: Any) -> Any:
    """Return the stream of a kernel."""
    kernel = Kernel(services=[service(provider)], plugins={"geo": plugin(used)})
    settings = OpenAIChatPromptExecutionSettings(
        function_choice_behavior=FunctionChoiceBehavior.Auto()
    )
    arguments = KernelArguments(settings=settings)
    return kernel.invoke_prompt_stream(QUESTION, arguments=arguments, **options)


BOTH = pytest.mark.parametrize("streamed", [asked, prompted])


@BOTH
async def test_a_tool_loop_is_told_with_its_results(serve: Serve, streamed: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(streamed(provider))
    assert (run.text, run.status, calls(run)) == (LONDON, "completed", [GET_CAPITAL])
    assert (run.usage.input, run.usage.output) == (131, 24)


async def test_an_agents_whole_messages_are_shown(serve: Serve) -> None:
    provider = serve(*map(completion, (CALL, ANSWER)))
    run = await watch(geographer(provider).invoke(messages=QUESTION))
    assert (run.text, run.status, calls(run)) == (LONDON, "completed", [GET_CAPITAL])
    assert (run.usage.input, run.usage.output) == (131, 24)


async def test_messages_that_a_callback_gets_too_are_told_once(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))

    async def merged() -> AsyncIterator[Any]:
        messages: list[Any] = []

        async def note(message: Any) -> None:
            messages.append(message)

        agent = geographer(provider)
        async for item in agent.invoke_stream(QUESTION, on_intermediate_message=note):
            while messages:
                yield messages.pop(0)
            yield item

    run = await watch(merged())
    assert (run.text, calls(run), run.usage.input) == (LONDON, [GET_CAPITAL], 131)


async def test_agents_of_a_group_chat_are_named(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), text_reply("Good."))
    critic = ChatCompletionAgent(service=service(provider), name="critic")
    strategy = DefaultTerminationStrategy(maximum_iterations=2)
    chat = AgentGroupChat(agents=[geographer(provider), critic], termination_strategy=strategy)
    await chat.add_chat_message(QUESTION)
    run = await watch(chat.invoke_stream())
    assert (run.text, run.status) == (f"{LONDON}\n\nGood.", "completed")
    assert [event.agent for event in of_type(run, ev.TextStart)] == ["geographer", "critic"]


async def test_an_agent_that_a_filter_ends_after_a_call_is_complete(serve: Serve) -> None:
    async def end(context: Any, next: Any) -> None:
        await next(context)
        context.terminate = True

    provider = serve(recorded(CALL))
    agent = geographer(provider)
    agent.kernel.add_filter(FilterTypes.AUTO_FUNCTION_INVOCATION, end)
    run = await watch(agent.invoke_stream(QUESTION))
    assert (run.status, calls(run)) == ("completed", [GET_CAPITAL])


async def test_calls_of_an_earlier_turn_are_not_told_again(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), text_reply("Good."))
    agent, thread = geographer(provider), ChatHistoryAgentThread()
    await watch(agent.invoke_stream(messages=QUESTION, thread=thread))
    run = await watch(agent.invoke_stream(messages="Sure?", thread=thread))
    assert (run.text, run.status, calls(run)) == ("Good.", "completed", [])


@BOTH
async def test_a_tool_that_fails_has_its_error(serve: Serve, streamed: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(streamed(provider, no_capital))
    assert [(call.state, "no map of UK" in str(call.error)) for call in run.tools] == [
        ("output-error", True)
    ]


async def test_thoughts_of_a_model_are_told(serve: Serve) -> None:
    run = await watch(prompted(serve(recorded(THINKS))))
    assert (run.status, len(run.thinking) > 100, len(run.text) > 100) == ("completed", True, True)


@BOTH
@pytest.mark.parametrize("used", [get_capital, get_capital_async])
async def test_a_tool_of_nbagents_reports_its_call(serve: Serve, streamed: Any, used: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(streamed(provider, used))
    assert known(run) == LIVE


@BOTH
async def test_a_tool_of_nbagents_that_fails_has_its_exception(serve: Serve, streamed: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch(streamed(provider, failing))
    assert [(call.state, str(call.exception)) for call in run.tools] == [
        ("output-error", "no map of UK")
    ]


@BOTH
async def test_a_tool_of_nbagents_stops_at_a_breakpoint(serve: Serve, streamed: Any) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    stream = streamed(provider, get_capital_async)
    run = await watch_and_answer(stream, skip, stop_at="get_capital")
    assert calls(run) == [("get_capital", {"country": "UK"}, "Paris", "ok")]
    assert provider.requests[-1]["messages"][-1]["content"] == "Paris"


@BOTH
async def test_a_provider_that_refuses_fails_the_run(serve: Serve, streamed: Any) -> None:
    run = await watch(streamed(serve(refused(400, "too much"))))
    assert (run.status, "too much" in str(run.error)) == ("failed", True)


@BOTH
async def test_calls_before_an_error_are_told(serve: Serve, streamed: Any) -> None:
    run = await watch(streamed(serve(recorded(CALL), refused(400, "too much"))))
    assert (run.status, calls(run)) == ("failed", [GET_CAPITAL])


async def test_stop_closes_the_connection(serve: Serve) -> None:
    provider = serve(held(ANSWER, b"capital"))
    run = await stop(prompted(provider), provider)
    assert (run.status, LONDON.startswith(run.text)) == ("cancelled", True)


async def test_stop_of_an_agent_closes_the_connection_at_the_models_next_word(
    serve: Serve,
) -> None:
    provider = serve(held(ANSWER, b"capital")._replace(drip=True))
    run = await cancel(asked(provider))
    assert (run.status, LONDON.startswith(run.text)) == ("cancelled", True)
    await hang_up_at_next_word(provider)
