"""A session whose turn was broken off at any point goes on, whole: killed, stopped, or cut by its
server.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agent.conversations import Json, check_chat, check_responses
from agent.server import Exchange, Server, say
from campaign import WHOLE, figure, sample
from preloaded import start

from nbagent import events as e
from nbagent.agent import Agent
from nbagent.agent.model.valid_history import NO_RESULT, NOT_ALLOWED
from nbagent.render.messages import NO_ANSWER

POINTS = ["1", "event", "before write", "after write"] if WHOLE else ["13", "after write"]
CALLS = [("c1", "first", "{}"), ("c2", "second", "{}")]


def answer(exchange: Exchange) -> None:
    """Answer as the conversation goes on: with calls, with a text about their results, with another
    text.
    """
    body = exchange.body
    api = "chat" if "messages" in body else "responses"
    said: list[Json] = body["messages" if api == "chat" else "input"]
    if said[-1].get("content") == "go":
        reply = say(api, "I look.", CALLS)
    elif said[-1].get("role") == "user":
        reply = say(api, "Fine.", number=3)
    else:
        reply = say(api, "Both are done.", number=2)
    exchange.begin()
    exchange.send(*reply)
    exchange.end()


both_apis = pytest.mark.parametrize("api", ["responses", "chat"])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@both_apis
async def test_a_turn_that_was_killed_anywhere_goes_on_whole(tmp_path: Path, api: Any) -> None:
    with Server(*[answer] * 500) as server:
        path = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])
        arguments = ("-m", "agent.killed_turns", server.base_url, str(tmp_path), api, *POINTS)
        assert start(*arguments, env={**os.environ, "PYTHONPATH": path}).wait(300) == 0
        stores = sorted(tmp_path.glob("*.db"))
        outcomes = [await resumed(server, store, api) for store in stores]
    figure("killed turns", f"gone on whole ({api})", f"{len(outcomes)} of {len(stores)}")
    # A sample of the points need not have each of them: how many events come before a write
    # differs.
    everything = {
        "nothing said",
        "no answer",
        "calls that were not allowed",
        "calls without results",
        "answered",
    }
    assert set(outcomes) >= (everything if WHOLE else {"answered"})


async def resumed(server: Server, store: Path, api: Any) -> str:
    """Go on with a session, and return how its turn had ended.

    Asserts that nothing is lost and nothing is done twice.
    """
    seen = store.with_suffix(".seen").read_text().splitlines()
    agent = Agent("test-1", client=server.client(), api=api)
    chat = agent.session("s", store=store)
    before = chat.messages
    check_chat(before)
    results = [message["content"] for message in before if message["role"] == "tool"]
    if "saw step.start " in seen:
        assert before[0]["content"] == "go"
    for result in ("first result", "second result"):
        assert f"saw tool.result {result}" not in seen or result in results
    if NOT_ALLOWED in results:
        assert "ran second" not in seen
    if "saw approval.request " in seen and "allowed second" not in seen:
        assert NOT_ALLOWED in results
    if "saw run.end " in seen:
        assert before[-1]["content"] == "Both are done."

    assert await chat.generate("and then?") == "Fine."
    ran = Counter(
        line
        for line in store.with_suffix(".seen").read_text().splitlines()
        if line.startswith("ran")
    )
    assert max(ran.values(), default=0) <= 1
    sent = server.bodies[-1]
    if api == "chat":
        check_chat(sent["messages"])
    else:
        check_responses(sent["input"])
    assert chat.messages == [
        *before,
        {"role": "user", "content": "and then?"},
        {"role": "assistant", "content": "Fine."},
    ]
    if not before:
        return "nothing said"
    if NOT_ALLOWED in results:
        return "calls that were not allowed"
    if NO_RESULT in results:
        return "calls without results"
    return "no answer" if before[-1]["content"] == NO_ANSWER else "answered"


def first() -> str:
    """Does one thing."""
    return "first result"


async def second() -> str:
    """Does another."""
    return "second result"


def check_sent(body: Json) -> None:
    check_chat(body["messages"]) if "messages" in body else check_responses(body["input"])


@both_apis
async def test_a_turn_that_was_stopped_anywhere_goes_on_whole(api: Any) -> None:
    with Server(*[answer] * 500) as server:
        agent = Agent("test-1", client=server.client(), api=api, tools=[first, second])
        count = len([event async for event in agent.stream("go")])
        for stop in sample(range(1, count + 1), 12):
            chat = agent.session()
            stream = chat.stream("go")
            seen = [await anext(stream) for _ in range(stop)]
            await stream.aclose()
            before = chat.messages
            check_chat(before)
            results = [message["content"] for message in before if message["role"] == "tool"]
            assert all(
                event.content in results for event in seen if isinstance(event, e.ToolResult)
            )
            assert await chat.generate("and then?") == "Fine."
            check_sent(server.bodies[-1])
            assert chat.messages[: len(before)] == before


@both_apis
async def test_a_turn_that_was_cut_anywhere_goes_on_whole(api: Any) -> None:
    def cut_after(count: int) -> Callable[[Exchange], None]:
        def reply(exchange: Exchange) -> None:
            exchange.begin()
            exchange.send(*say(api, "I look.", CALLS)[:count])
            exchange.cut()

        return reply

    for count in sample(range(len(say(api, "I look.", CALLS)) - 2), 6):
        with Server(cut_after(count), *[answer] * 3) as server:
            agent = Agent("test-1", client=server.client(), api=api, tools=[first, second])
            chat = agent.session()
            end = [event async for event in chat.stream("go")][-1]
            assert isinstance(end, e.RunEnd)
            assert end.status in ("failed", "incomplete")
            assert await chat.generate("and then?") == "Fine."
            check_sent(server.bodies[-1])
        said = [message["content"] for message in chat.messages]
        assert said == ["go", end.output or NO_ANSWER, "and then?", "Fine."]
