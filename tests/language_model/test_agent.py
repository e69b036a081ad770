"""The agent with a real language model.

What it says is its own: the tests hold what must hold whatever it says.

Its figures tell what it did: it is a model of 270 million parameters that was trained on plain
text.
"""

import subprocess
import sys
from collections.abc import AsyncIterable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from adapters.recorded import Transcript
from agent.conversations import check_chat
from campaign import figure
from language_model.model import Model, serve

from nbagent import Agent, SummaryBuffer
from nbagent import events as e

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]

CAMPAIGN = "language model"
PROMPTS = ["Name a town in Norway.", "Name another one.", "Which one was the first?"]
LIMITS = {"chat": "max_tokens", "responses": "max_output_tokens"}

both_apis = pytest.mark.parametrize("api", ["responses", "chat"])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    """Yield a server for all tests."""
    with serve(tmp_path_factory.mktemp("model")) as model:
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


@both_apis
async def test_a_session_goes_on_in_another_process(model: Model, api: str, tmp_path: Path) -> None:
    path = str(tmp_path / "chats.db")
    ends = [
        end_of(await collect(agent_of(model, api).session("s", store=path).stream(prompt)))
        for prompt in PROMPTS[:2]
    ]
    code = """if True:
        import sys, openai
        from nbagent import Agent
        address, path, api, prompt = sys.argv[1:]
        client = openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="none", timeout=120)
        settings = {"max_tokens" if api == "chat" else "max_output_tokens": 16, "temperature": 0}
        agent = Agent("gemma", client=client, api=api, model_settings=settings)
        chat = agent.session("s", store=path)
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
async def test_a_long_conversation_is_summarised_and_nothing_of_it_is_lost(
    model: Model, api: str
) -> None:
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
