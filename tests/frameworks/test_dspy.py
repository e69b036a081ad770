"""DSPy's streamed programs, run against models that answer in its form."""

import re
from typing import Any

import dspy
import pytest
from dspy.streaming import StatusMessageProvider, StreamListener
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
from frameworks.replay import KEY, Answer, Replay, Serve, refused, text_reply, tool_reply
from frameworks.watching import (
    GET_CAPITAL,
    calls,
    hang_up_at_next_word,
    of_type,
    watch,
    watch_and_answer,
)

import nbagent
from nbagent import events as ev

QUESTION = "Capital of the UK?"
THOUGHT = "The UK is a country."
LONDON = "It is London."


def written(**fields: str) -> Answer:
    """Return a response that has fields as DSPy asks a model to write them, word by word."""
    text = "".join(f"[[ ## {name} ## ]]\n{value}\n\n" for name, value in fields.items())
    words = re.findall(r"\s*\S+\s?", f"{text}[[ ## completed ## ]]")
    frames = [text_reply(word).body.split(b"\n\n") for word in words]
    return Answer(b"\n\n".join([frame[0] for frame in frames] + frames[-1][1:]))


def acting(thought: str, name: str, args: str) -> Answer:
    return written(next_thought=thought, next_tool_name=name, next_tool_args=args)


ANSWER = written(reasoning=THOUGHT, answer=LONDON)
CALL = acting("I look.", "get_capital", '{"country": "UK"}')
FINISH = acting("I know.", "finish", "{}")
LOOP = (CALL, FINISH, ANSWER)


def asking(provider: Replay, program: Any, **options: Any) -> Any:
    """Return the stream of a program that asks a provider."""
    program.set_lm(
        dspy.LM("openai/m", api_base=provider.url, api_key=KEY, cache=False, num_retries=0)
    )
    return dspy.streamify(program, **options)(question=QUESTION)


def reasoner(provider: Replay, **options: Any) -> Any:
    return asking(provider, dspy.ChainOfThought("question -> answer"), **options)


def geographer(provider: Replay, used: Any = capital_of, **options: Any) -> Any:
    tool = dspy.Tool(used, name="get_capital", desc="The capital of a country.")
    return asking(provider, dspy.ReAct("question -> answer", tools=[tool]), **options)


def listeners(*names: str) -> list[StreamListener]:
    return [StreamListener(name, allow_reuse=True) for name in names]


@pytest.mark.parametrize("names", [(), ("reasoning", "answer")])
@pytest.mark.parametrize("options", [{}, {"async_streaming": False}, {"is_async_program": True}])
async def test_reasoning_is_a_thought_and_the_answer_a_text(
    serve: Serve, names: tuple[str, ...], options: dict[str, Any]
) -> None:
    provider = serve(ANSWER)
    run = await watch(reasoner(provider, stream_listeners=listeners(*names), **options))
    assert (run.text, run.thinking, run.status) == (LONDON, THOUGHT, "completed")


@pytest.mark.parametrize("names", [(), ("next_thought", "reasoning", "answer")])
@pytest.mark.parametrize("is_async", [False, True])
async def test_a_react_is_told_with_its_results(
    serve: Serve, names: tuple[str, ...], is_async: bool
) -> None:
    provider = serve(*LOOP)
    run = await watch(
        geographer(provider, stream_listeners=listeners(*names), is_async_program=is_async)
    )
    assert (run.text, run.answer, run.status) == (LONDON, LONDON, "completed")
    assert run.thinking == f"I look.\n\nI know.\n\n{THOUGHT}"
    assert calls(run) == [GET_CAPITAL]


async def test_the_tokens_are_told_where_dspy_tracks_them(serve: Serve) -> None:
    provider = serve(*LOOP)
    with dspy.context(track_usage=True):
        run = await watch(geographer(provider))
    assert (run.usage.input, run.usage.output) == (15, 18)


async def test_a_tool_that_fails_has_its_error(serve: Serve) -> None:
    provider = serve(*LOOP)
    run = await watch(geographer(provider, no_capital))
    assert [(call.state, "no map of UK" in str(call.error)) for call in run.tools] == [
        ("output-error", True)
    ]


async def test_messages_of_the_programs_own_are_statuses(serve: Serve) -> None:
    class Words(StatusMessageProvider):
        def tool_start_status_message(self, instance: Any, inputs: dict[str, Any]) -> str:
            return f"Looks up {inputs['kwargs']['country']}"

    provider = serve(*LOOP)
    run = await watch(geographer(provider, status_message_provider=Words()))
    assert of_type(run, ev.Status)[0].message == "Looks up UK"
    assert calls(run) == [GET_CAPITAL]


async def test_native_calls_have_their_results(serve: Serve) -> None:
    provider = serve(tool_reply("get_capital", country="UK"), tool_reply("submit", answer=LONDON))
    tool = dspy.Tool(capital_of, name="get_capital", desc="The capital of a country.")
    program = dspy.ReActV2("question -> answer", tools=[tool])
    run = await watch(asking(provider, program))
    submitted = ("submit", {"answer": LONDON}, {"answer": LONDON}, "ok")
    assert (run.answer, calls(run)) == (LONDON, [GET_CAPITAL, submitted])


@pytest.mark.parametrize(("used", "is_async"), [(get_capital, False), (get_capital_async, True)])
async def test_a_tool_of_nbagents_reports_its_call(serve: Serve, used: Any, is_async: bool) -> None:
    provider = serve(*LOOP)
    run = await watch(geographer(provider, used, is_async_program=is_async))
    assert known(run) == LIVE


async def test_a_tool_of_nbagents_that_fails_has_its_exception(
    serve: Serve,
) -> None:
    provider = serve(*LOOP)
    run = await watch(geographer(provider, failing))
    assert [(call.state, str(call.exception)) for call in run.tools] == [
        ("output-error", "no map of UK")
    ]


async def test_a_tool_of_nbagents_stops_at_a_breakpoint(serve: Serve) -> None:
    provider = serve(*LOOP)
    stream = geographer(provider, get_capital_async, is_async_program=True)
    run = await watch_and_answer(stream, skip, stop_at="get_capital")
    assert calls(run) == [("get_capital", {"country": "UK"}, "Paris", "ok")]


async def test_a_provider_that_refuses_fails_the_run(serve: Serve) -> None:
    provider = serve(refused(400, "too much"))
    run = await watch(reasoner(provider))
    assert (run.status, "too much" in str(run.error)) == ("failed", True)


async def test_stop_closes_the_connection_at_the_models_next_word(serve: Serve) -> None:
    end = ANSWER.body.index(b"\n\n", ANSWER.body.index(b"London")) + 2
    provider = serve(ANSWER._replace(stop=end, drip=True))
    run = nbagent.show(reasoner(provider, is_async_program=True), face="console")
    async for _ in run.stream(types=("text.delta",)):
        if run.text == LONDON:  # the model is silent
            run.cancel()
    assert (await run).status == "cancelled"
    await hang_up_at_next_word(provider)
