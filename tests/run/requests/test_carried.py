"""The cost of a call's result in the requests that send it; long runs take linear time."""

import json
from typing import Any

import pytest
from agent.server import Server, say

import nbagent
from nbagent.events import Usage
from nbagent.protocol.inspection import Carried
from nbagent.run.requests.carried import carried
from nbagent.run.requests.log import RequestLog
from nbagent.run_context import HTTPExchange

QUESTION = {"role": "user", "content": "What is the rate?"}


def call(id: str) -> dict[str, Any]:
    return {"role": "assistant", "tool_calls": [{"id": id, "type": "function"}]}


def result(id: str, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": text}


def cost(*requests: list[dict[str, Any]], prices: Any = None) -> dict[str, Carried]:
    log = RequestLog()
    for messages in requests:
        body = json.dumps({"model": "m", "messages": messages}).encode()
        assert log.add(HTTPExchange("https://example.test/v1/chat/completions", body))
    usage = Usage(input=100, cache_read=50)
    return carried([(record, usage) for record in log.records()], prices)


def test_a_result_costs_its_tokens_in_every_request_that_sends_it() -> None:
    first = [QUESTION, call("c1"), result("c1", "x" * 400)]
    second = [*first, call("c2"), result("c2", "y" * 40)]
    found = cost([QUESTION], first, second)
    assert {id: each.requests for id, each in found.items()} == {"c1": 2, "c2": 1}
    assert found["c1"].tokens == 2 * -(-len(json.dumps(first[-1], separators=(",", ":"))) // 4)
    assert found["c1"].cost is None


def test_what_is_in_the_services_cache_costs_less() -> None:
    class Prices:
        input = 2.0
        cache_read = 1.0

    found = cost([QUESTION, result("c1", "x" * 400)], prices=Prices())["c1"]
    assert found.cost == pytest.approx(found.tokens * 1.5 / 1_000_000)


def test_a_history_that_was_shortened_no_longer_carries_the_result() -> None:
    long = [QUESTION, call("c1"), result("c1", "x"), {"role": "assistant", "content": "1"}]
    other = {"role": "user", "content": "And now?"}
    found = cost(long, [*long, other], [other])
    assert found["c1"].requests == 2


def test_an_id_that_was_used_twice_says_nothing() -> None:
    messages = [QUESTION, result("c", "1"), call("c"), result("c", "2")]
    assert cost(messages) == {}


def test_results_of_other_apis_are_known() -> None:
    part = {"type": "tool_result", "tool_use_id": "a", "content": "1"}
    found = cost(
        [
            {"type": "function_call_output", "call_id": "r", "output": "1"},
            {"role": "user", "content": [part, {**part, "tool_use_id": "b"}]},
        ]
    )
    assert set(found) == {"r", "a", "b"}


def test_a_long_conversation_is_walked_once() -> None:
    steps = 3_000
    messages = [QUESTION]
    for number in range(steps):
        messages += [call(f"c{number}"), result(f"c{number}", "x")]
    found = cost(*[messages[: 1 + 2 * end] for end in range(steps - 50, steps + 1)])
    assert (found["c0"].requests, found[f"c{steps - 1}"].requests) == (51, 1)


def test_the_timeline_has_it_beside_the_call() -> None:
    def load() -> str:
        """Load."""
        return "x" * 400

    with Server(say("chat", "", [("c1", "load", "{}")], number=1), say("chat", "Done.")) as server:
        agent = nbagent.Agent(
            "test-1", tools=[load], client=server.client(), prices={"input": 2, "output": 8}
        )
        run = nbagent.Run(agent.stream("Go"))
        run.start()
        run.wait(20)
    bars = json.loads(run.page("timeline", 0, 60_000)[0])["bars"]
    (bar,) = [bar for bar in bars if bar["kind"] == "tool"]
    assert bar["carried"]["requests"] == 1
    assert bar["carried"]["tokens"] > 100
    assert bar["carried"]["cost"] > 0
