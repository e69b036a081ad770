"""A session whose process was killed at any point of a turn goes on, whole."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from agent.conversations import Json, check_chat, check_responses
from agent.server import Exchange, Server, say
from campaign import WHOLE, figure

from nbagent.agent import Agent
from nbagent.agent.history import NO_ANSWER, NO_RESULT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
CALLS = [("c1", "first", "{}"), ("c2", "second", "{}")]


def answer(exchange: Exchange) -> None:
    """Answer as the conversation goes on: with calls, with a text about their results, with another text."""
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


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_a_turn_that_was_killed_anywhere_goes_on_whole(tmp_path: Path, api: Any) -> None:
    with Server(*[answer] * 500) as server:
        path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
        command = [sys.executable, "-m", "agent.killed_turns", server.base_url, str(tmp_path), api, "1" if WHOLE else "9"]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": path})
        stores = sorted(tmp_path.glob("*.db"))
        outcomes = [await resumed(server, store, api) for store in stores]
    figure("killed turns", f"gone on whole ({api})", f"{len(outcomes)} of {len(stores)}")
    assert set(outcomes) >= {"nothing said", "no answer", "calls without results", "answered"}


async def resumed(server: Server, store: Path, api: Any) -> str:
    """Go on with a session, and return how its turn had ended. Asserts that nothing is lost and nothing is done twice."""
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
    if "saw run.end " in seen:
        assert before[-1]["content"] == "Both are done."

    assert await chat.generate("and then?") == "Fine."
    ran = Counter(line for line in store.with_suffix(".seen").read_text().splitlines() if line.startswith("ran"))
    assert max(ran.values(), default=0) <= 1
    sent = server.bodies[-1]
    if api == "chat":
        check_chat(sent["messages"])
    else:
        check_responses(sent["input"])
    assert chat.messages == [*before, {"role": "user", "content": "and then?"}, {"role": "assistant", "content": "Fine."}]
    if not before:
        return "nothing said"
    if NO_RESULT in results:
        return "calls without results"
    return "no answer" if before[-1]["content"] == NO_ANSWER else "answered"
