"""AG2 Classic's agents and group chats, run against recorded models."""

from typing import Any

import pytest
from autogen import ConversableAgent, LLMConfig, UserProxyAgent
from autogen.agentchat import run_group_chat_iter
from autogen.agentchat.group import (
    AgentTarget,
    OnCondition,
    StringLLMCondition,
    TerminateTarget,
)
from autogen.agentchat.group.patterns import DefaultPattern, RoundRobinPattern
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
    Answer,
    Replay,
    Serve,
    completion,
    held,
    recorded,
    refused,
    text_reply,
    tool_reply,
)
from frameworks.watching import (
    GET_CAPITAL,
    calls,
    cancel,
    hang_up_at_next_word,
    of_type,
    watch,
    watch_and_answer,
)

from nbagent import events as ev
from nbagent.events.question import Question

QUESTION = "Capital of the UK?"


def look_up(country: str) -> str:
    """The capital of a country."""
    return capital_of(country)


look_up.__name__ = no_capital.__name__ = "get_capital"


def config(provider: Replay, *, stream: bool = True) -> LLMConfig:
    model = {
        "model": "m",
        "base_url": provider.url,
        "api_key": KEY,
        "max_retries": 0,
        "stream": stream,
        "price": [0, 0],
    }
    return LLMConfig(model, cache_seed=None)


def agent(provider: Replay, name: str = "geographer", **options: Any) -> ConversableAgent:
    return ConversableAgent(name, llm_config=config(provider), **options)


def chat(provider: Replay, used: Any = look_up, way: str = "run_iter") -> Any:
    geographer = agent(provider, functions=[used])
    return getattr(geographer, way)(message=QUESTION, max_turns=2)


WAYS = pytest.mark.parametrize("way", ["run", "a_run", "run_iter", "a_run_iter"])
INSIDE = pytest.mark.parametrize("way", ["a_run", "run_iter", "a_run_iter"])
"""Ways that begin inside the run; `run` has begun before it is shown."""
ITERATORS = pytest.mark.parametrize("way", ["run_iter", "a_run_iter"])


@WAYS
async def test_a_tool_loop_is_told_with_its_results(serve: Serve, way: str) -> None:
    run = await watch(chat(serve(recorded(CALL), recorded(ANSWER)), way=way))
    assert (run.text, run.status, calls(run)) == (LONDON, "completed", [GET_CAPITAL])


async def test_a_chat_without_pieces_is_told_with_its_tokens(serve: Serve) -> None:
    provider = serve(*map(completion, (CALL, ANSWER)))
    geographer = ConversableAgent(
        "geographer", llm_config=config(provider, stream=False), functions=[look_up]
    )
    run = await watch(geographer.run(message=QUESTION, max_turns=2))
    assert (run.text, calls(run)) == (LONDON, [GET_CAPITAL])
    assert (run.usage.input, run.usage.output) == (131, 24)


@WAYS
async def test_a_tool_that_fails_has_its_error(serve: Serve, way: str) -> None:
    run = await watch(chat(serve(recorded(CALL), recorded(ANSWER)), no_capital, way))
    assert [(call.state, "'no map of UK'" in str(call.error)) for call in run.tools] == [
        ("output-error", True)
    ]


async def test_agents_of_a_group_are_named(serve: Serve) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER), text_reply("Good."))
    geographer, critic = agent(provider, functions=[look_up]), agent(provider, "critic")
    pattern = RoundRobinPattern(initial_agent=geographer, agents=[geographer, critic])
    run = await watch(run_group_chat_iter(pattern=pattern, messages=QUESTION, max_rounds=5))
    assert (run.text, run.status, calls(run)) == (f"{LONDON}\n\nGood.", "completed", [GET_CAPITAL])
    assert {event.agent for event in of_type(run, ev.TextStart)} == {"geographer", "critic"}
    assert [(event.from_, event.to) for event in of_type(run, ev.AgentHandoff)] == [
        ("geographer", "critic")
    ]


async def test_a_model_hands_over_to_another_agent(serve: Serve) -> None:
    provider = serve(tool_reply("transfer_to_critic_1"), text_reply("Good."))
    geographer, critic = agent(provider), agent(provider, "critic")
    condition = StringLLMCondition(prompt="Always.")
    geographer.handoffs.add_llm_conditions(
        [OnCondition(target=AgentTarget(critic), condition=condition)]
    )
    pattern = DefaultPattern(
        initial_agent=geographer,
        agents=[geographer, critic],
        group_after_work=TerminateTarget(),
    )
    run = await watch(run_group_chat_iter(pattern=pattern, messages=QUESTION, max_rounds=6))
    assert (run.text, run.status) == ("Good.", "completed")
    assert [(event.from_, event.to) for event in of_type(run, ev.AgentHandoff)] == [
        ("geographer", "critic")
    ]


async def test_code_is_a_call_with_its_output(serve: Serve, tmp_path: Any) -> None:
    provider = serve(text_reply("```python\nprint(1 + 1)\n```"), text_reply("TERMINATE"))
    runner = UserProxyAgent(
        "runner",
        human_input_mode="NEVER",
        code_execution_config={"use_docker": False, "work_dir": str(tmp_path)},
        is_termination_msg=lambda message: message["content"] == "TERMINATE",
    )
    run = await watch(runner.run_iter(recipient=agent(provider), message="1 + 1?", max_turns=3))
    assert run.status == "completed"
    assert [(call.name, call.args) for call in run.tools] == [("code", "print(1 + 1)")]
    assert "2" in str(run.tools[0].result)


@WAYS
async def test_a_question_to_a_human_is_answered_from_the_view(serve: Serve, way: str) -> None:
    answers = iter(["Go on.", "exit"])

    def answer(question: Question) -> None:
        question.answer(next(answers))

    provider = serve(text_reply("Hi."), text_reply("Bye."))
    human = UserProxyAgent("human", human_input_mode="ALWAYS", code_execution_config=False)
    stream = getattr(human, way)(recipient=agent(provider), message="Hello", max_turns=3)
    run = await watch_and_answer(stream, answer)
    assert (run.text, run.status) == ("Hi.\n\nBye.", "completed")
    assert [event.value for event in of_type(run, ev.ApprovalResponse)] == ["Go on.", "exit"]
    assert provider.requests[-1]["messages"][-1]["content"] == "Go on."


@INSIDE
async def test_a_tool_of_nbagents_reports_its_call(serve: Serve, way: str) -> None:
    run = await watch(chat(serve(recorded(CALL), recorded(ANSWER)), get_capital, way))
    assert known(run) == LIVE


async def test_an_async_tool_of_nbagents_reports_its_call(serve: Serve) -> None:
    run = await watch(chat(serve(recorded(CALL), recorded(ANSWER)), get_capital_async, "a_run"))
    assert known(run) == LIVE


@INSIDE
async def test_a_tool_of_nbagents_that_fails_has_its_exception(serve: Serve, way: str) -> None:
    run = await watch(chat(serve(recorded(CALL), recorded(ANSWER)), failing, way))
    assert [(call.state, str(call.exception)) for call in run.tools] == [
        ("output-error", "no map of UK")
    ]


@INSIDE
async def test_a_tool_of_nbagents_stops_at_a_breakpoint(serve: Serve, way: str) -> None:
    provider = serve(recorded(CALL), recorded(ANSWER))
    run = await watch_and_answer(chat(provider, get_capital, way), skip, stop_at="get_capital")
    assert calls(run) == [("get_capital", {"country": "UK"}, "Paris", "ok")]
    assert provider.requests[-1]["messages"][-1]["content"] == "Paris"


@WAYS
async def test_a_provider_that_refuses_fails_the_run(serve: Serve, way: str) -> None:
    run = await watch(chat(serve(refused(400, "too much")), way=way))
    assert (run.status, "too much" in str(run.error)) == ("failed", True)
    assert len(of_type(run, ev.Error)) == 1


@ITERATORS
async def test_stop_closes_the_connection_at_the_models_next_word(serve: Serve, way: str) -> None:
    answer: Answer = held(ANSWER, b"capital")._replace(drip=True)
    provider = serve(answer)
    run = await cancel(chat(provider, way=way))
    assert (run.status, LONDON.startswith(run.text)) == ("cancelled", True)
    await hang_up_at_next_word(provider)
