"""The agent with a real language model. What it says is its own: the tests hold what must hold whatever it says.

Its figures tell what it did: it is a model of 270 million parameters that was trained on plain text.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest
from adapters.recorded import Transcript
from agent.conversations import check_chat
from campaign import figure
from language_model.model import CALLS, Model, serve

import nbagent
from nbagent import Agent, SummaryBuffer
from nbagent import events as e
from nbagent.events.question import Question

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]

CAMPAIGN = "language model"
PROMPTS = ["Name a town in Norway.", "Name another one.", "Which one was the first?"]
LIMITS = {"chat": "max_tokens", "responses": "max_output_tokens"}

both_apis = pytest.mark.parametrize("api", ["responses", "chat"])


@dataclass
class Town:
    """A town."""

    name: str
    inhabitants: int


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    """Yield a server for all tests."""
    with serve(tmp_path_factory.mktemp("model")) as model:
        yield model


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    """Yield a server that tells the model of tools."""
    with serve(tmp_path_factory.mktemp("model"), CALLS) as model:
        yield model


def agent_of(model: Model, api: Any, tokens: int = 16, **options: Any) -> Agent:
    """Return an agent whose answers are the same each time."""
    client = openai.AsyncOpenAI(base_url=f"{model.address}/v1", api_key="none", timeout=120)
    settings = {LIMITS[api]: tokens, "temperature": 0, **options.pop("model_settings", {})}
    return Agent("gemma", client=client, api=api, model_settings=settings, **options)


async def collect(stream: AsyncIterable[e.Event]) -> list[e.Event]:
    """Return the events. Asserts that they keep the rules of event streams."""
    events = [event async for event in stream]
    Transcript.of(events)
    return events


def end_of(events: list[e.Event]) -> e.RunEnd:
    assert isinstance(events[-1], e.RunEnd)
    return events[-1]


def examples(*towns: str) -> list[dict[str, Any]]:
    """Return a conversation in which a tool is called for each town: what the model continues."""
    made: list[dict[str, Any]] = []
    for number, town in enumerate(towns):
        function = {"name": "weather", "arguments": f'{{"town": "{town}"}}'}
        made += [
            {"role": "user", "content": f"What is the weather in {town}?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": f"c{number}", "type": "function", "function": function}],
            },
            {"role": "tool", "tool_call_id": f"c{number}", "content": f"rain in {town}"},
            {"role": "assistant", "content": f"There is rain in {town}."},
        ]
    return made


@both_apis
async def test_a_session_goes_on_in_another_process(model: Model, api: str, tmp_path: Path) -> None:
    path = str(tmp_path / "chats.db")
    ends = [end_of(await collect(agent_of(model, api).session("s", store=path).stream(prompt))) for prompt in PROMPTS[:2]]
    code = """if True:
        import sys, openai
        from nbagent import Agent
        address, path, api, prompt = sys.argv[1:]
        client = openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="none", timeout=120)
        settings = {"max_tokens" if api == "chat" else "max_output_tokens": 16, "temperature": 0}
        chat = Agent("gemma", client=client, api=api, model_settings=settings).session("s", store=path)
        end = list(chat.stream(prompt))[-1]
        assert end.status != "failed"
        print(end.usage.input)
    """
    command = [sys.executable, "-c", code, model.address, path, api, PROMPTS[2]]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    messages = agent_of(model, api).session("s", store=path).messages
    check_chat(messages)
    assert [message["content"] for message in messages[::2]] == PROMPTS
    assert [message["content"] for message in messages[1:4:2]] == [end.output for end in ends]
    inputs = [end.usage.input or 0 for end in ends if end.usage is not None] + [int(told)]
    assert inputs == sorted(set(inputs)), "each request has all that was said before"
    figure(CAMPAIGN, f"{api}: tokens read for three prompts, the last by another process", inputs)


@both_apis
async def test_a_summary_keeps_a_long_conversation_within_its_budget(model: Model, api: str) -> None:
    chat = agent_of(model, api, 60, memory=SummaryBuffer(150)).session()
    summaries = 0
    for number in range(5):
        events = await collect(chat.stream(f"Tell me more about town {number}."))
        end = end_of(events)
        assert end.status in ("completed", "incomplete")
        assert end.output
        summaries += len([event for event in events if isinstance(event, e.AgentStart)])
    assert len(chat.messages) == 10
    check_chat(chat.messages)
    assert summaries
    figure(CAMPAIGN, f"{api}: summaries written in five prompts", summaries)


async def test_a_grammar_of_the_server_holds_the_model_to_the_form_of_its_answer(model: Model) -> None:
    events = await collect(agent_of(model, "chat", 200).stream("Oslo is a town with 700000 inhabitants.", output=Town))
    end = end_of(events)
    assert (end.status, [event for event in events if isinstance(event, e.Status)]) == ("completed", [])
    assert isinstance(end.value, e.Live)
    assert isinstance(end.value.value, Town)
    figure(CAMPAIGN, "chat: answer in the form that was asked for", end.value.value)


async def test_a_server_that_ignores_the_form_is_asked_once_more_and_the_run_says_what_it_got(model: Model) -> None:
    """llama.cpp's Responses API takes no notice of `text.format`."""
    events = await collect(agent_of(model, "responses", 40).stream("Oslo is a town with 700000 inhabitants.", output=Town))
    end = end_of(events)
    asked = [event.message for event in events if isinstance(event, e.Status)]
    if end.status == "completed":
        assert isinstance(end.value, e.Live)
        assert isinstance(end.value.value, Town)
    else:
        assert (end.status, end.code, len(asked)) == ("failed", "invalid_output", 1)
        assert end.output
    figure(CAMPAIGN, "responses: end of an answer in a form, which the server does not enforce", f"{end.status} {end.code}")


@both_apis
@pytest.mark.parametrize("allowed", [True, False])
async def test_a_tool_that_asks_first_runs_only_if_it_is_allowed(caller: Model, api: str, allowed: bool) -> None:
    ran: list[str] = []

    @nbagent.tool(approve=True)
    def weather(town: str) -> str:
        """Looks up the weather in a town."""
        ran.append(town)
        return f"rain in {town}"

    asked: list[Any] = []
    stop = {"extra_body": {"stop": ["\nuser:", "\ntool:"]}}  # the model would write the reader's lines too
    agent = agent_of(caller, api, 60, tools=[weather], max_steps=3, model_settings=stop)
    prompt = [*examples("Rome", "Paris", "Bergen"), {"role": "user", "content": "What is the weather in Oslo?"}]

    def answer(question: Question) -> bool:
        asked.append(question.args)
        return allowed

    run = await nbagent.show(agent.stream(prompt), answer=answer)
    finished = [call for call in run.tools if call.state != "cancelled"]
    assert run.status in ("completed", "incomplete", "max_steps")
    assert ran == ([call.args["town"] for call in finished] if allowed else [])
    assert len(asked) == len(finished)
    check_chat(run.messages)
    said = f"{len(run.tools)} calls, {len(asked)} asked, {len(ran)} ran: {run.text!r}"
    figure(CAMPAIGN, f"{api}: a tool that asks first, {'allowed' if allowed else 'denied'}", said)


@both_apis
async def test_a_conversation_goes_on_after_stop(model: Model, api: str) -> None:
    chat = agent_of(model, api, 1500).session()
    stream = chat.stream("Write a long story about the sea.")
    said = ""
    async for event in stream:
        if isinstance(event, e.TextDelta):
            said += event.delta
            if len(said) > 20:
                break
    await stream.aclose()
    rest = [event async for event in stream]
    assert end_of(rest).status == "cancelled"
    while model.writes:  # llama.cpp looks between two tokens; the test's time limit is the end of this wait
        await asyncio.sleep(0.05)
    kept = chat.messages[-1]["content"]
    assert kept.startswith(said)

    short = agent_of(model, api)
    end = end_of(await collect(short.session("on", store=chat.store).stream(PROMPTS[0])))
    assert end.status != "failed"
    end = end_of(await collect(short.stream("Go on.", after=chat.messages)))
    assert end.status != "failed", end
    assert end.output
    figure(CAMPAIGN, f"{api}: characters of a stopped answer that the next prompt went on from", len(kept))


@both_apis
async def test_a_chat_in_the_cell_answers_each_prompt(model: Model, api: str) -> None:
    chat = nbagent.chat(agent_of(model, api))
    answers = [await chat.ask(prompt) for prompt in PROMPTS]
    assert all(answers)
    assert [message["content"] for message in chat.messages] == [
        text for prompt, answer in zip(PROMPTS, answers, strict=True) for text in (prompt, answer)
    ]
    chat.close()


@both_apis
async def test_a_budget_of_tokens_ends_a_run_that_would_call_on(caller: Model, api: str) -> None:
    def weather(town: str) -> str:
        """Looks up the weather in a town."""
        raise AssertionError("the budget is spent")

    stop = {"extra_body": {"stop": ["\nuser:", "\ntool:"]}}
    agent = agent_of(caller, api, 60, tools=[weather], max_total_tokens=50, model_settings=stop)
    events = await collect(agent.stream([*examples("Rome", "Paris", "Bergen"), {"role": "user", "content": PROMPTS[0]}]))
    end = end_of(events)
    assert end.usage is not None
    assert (end.usage.total or 0) > 50
    assert [event for event in events if isinstance(event, e.Error)] == []
    called = [event for event in events if isinstance(event, e.ToolStart)]
    assert end.status == "incomplete" if called else end.status in ("completed", "incomplete")
    figure(CAMPAIGN, f"{api}: end of a run with a budget of 50 tokens", f"{end.status} {end.code}, {end.usage.total} tokens")
