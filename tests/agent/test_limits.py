"""Budgets in tokens and cost, and calls in a loop: as data, and in runs against a real server on
loopback.
"""

from typing import Any

import pytest
from agent.server import Server, chat, say
from agent.test_agent import agent_of, both_apis, collect, end_of, of, weather
from hypothesis import given
from hypothesis import strategies as st

import nbagent
from nbagent import events as e
from nbagent.agent import tool
from nbagent.agent.options import AgentOptions, Prices
from nbagent.agent.run.limits import LimitReached, Repeats, Spending, cost_of
from nbagent.errors import AgentError, NbagentError

PRICES = {"input": 1.0, "output": 10.0}
CALL = say("chat", calls=[("c1", "weather", '{"town": "Oslo"}')])

# --- budgets ---


@both_apis
async def test_a_run_that_has_used_up_its_tokens_calls_no_more_tools(api: str) -> None:
    replies = [
        say(api, calls=[("c1", "weather", f'{{"town": "{town}"}}')], number=n)
        for n, town in enumerate(("Oslo", "Rome"), 1)
    ]
    with Server(*replies) as server:
        events = await collect(
            agent_of(server, api, name="boss", tools=[weather], max_total_tokens=30).stream("go")
        )

    end = end_of(events)
    assert (end.status, end.code, end.usage.total if end.usage else None) == (
        "incomplete",
        "budget",
        30,
    )
    assert [event.content for event in of(events, e.ToolResult)] == ["Oslo: rain in 1 d"]
    assert [event.message for event in of(events, e.Status)] == [
        "boss has used up its budget: 30 tokens, of 30 (max_total_tokens)"
    ]


async def test_an_answer_that_goes_beyond_the_budget_is_an_answer() -> None:
    with Server(say("chat", "Done.")) as server:
        assert await agent_of(server, max_total_tokens=1).generate("go") == "Done."


async def test_prices_give_a_cost_and_a_limit_of_it() -> None:
    with Server(CALL, CALL, say("chat", "Done.")) as server:
        agent = agent_of(server, name="boss", tools=[weather], prices=PRICES, max_cost=0.0001)
        with pytest.raises(
            AgentError, match=r"boss has used up its budget: \$0\.0001, of \$0\.0001 \(max_cost\)"
        ) as caught:
            await agent.generate("go")
        run = await nbagent.show(agent_of(server, prices=PRICES).stream("go"), face="console")

    assert (caught.value.status, caught.value.code) == ("incomplete", "budget")
    assert run.usage.cost == pytest.approx(0.00006)  # 10 tokens in, 5 out


async def test_tokens_that_a_server_does_not_tell_are_estimated() -> None:
    silent = [
        event for event in chat(calls=[("c1", "weather", '{"town": "Oslo"}')]) if event["choices"]
    ]
    with Server(silent, silent) as server:
        events = await collect(
            agent_of(server, tools=[weather], max_total_tokens=10).stream("x" * 400)
        )
        unlimited = await collect(agent_of(server, tools=[weather]).stream("go"))

    assert end_of(events).code == "budget"
    assert (
        of(events, e.Status)[0].message
        == "The server does not tell its tokens: 4 characters are counted as one"
    )
    assert end_of(unlimited).usage is None


def test_cached_input_has_its_own_price() -> None:
    usage = e.Usage(input=1_000_000, cache_read=400_000, output=100_000)
    assert cost_of(usage, Prices(**PRICES)) == pytest.approx(2.0)
    assert cost_of(usage, Prices(**PRICES, cache_read=0.1)) == pytest.approx(0.6 + 0.04 + 1.0)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 100)), max_size=20))
def test_what_agents_spend_one_inside_another_counts_once_in_each(
    spent: list[tuple[int, int]],
) -> None:
    outer = Spending("outer", AgentOptions())
    middle = Spending("middle", AgentOptions(), outer)
    inner = Spending("inner", AgentOptions(), middle)
    ledgers = [outer, middle, inner]
    for depth, tokens in spent:
        ledgers[depth].add(e.Usage(total=tokens))
    for depth, ledger in enumerate(ledgers):
        expected = [tokens for at, tokens in spent if at >= depth]
        assert (ledger.usage.total if ledger.usage else None) == (
            sum(expected) if expected else None
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_total_tokens": 0}, "max_total_tokens must be a whole number of at least 1, got 0"),
        ({"max_repeats": "3"}, "max_repeats must be a whole number of at least 1, got '3'"),
        ({"max_cost": 1.0}, "max_cost needs the model's prices"),
        (
            {"max_cost": -1, "prices": PRICES},
            "max_cost must be a positive number of US dollars, got -1",
        ),
        ({"prices": {"input": 1}}, "prices needs the key 'output'"),
        ({"prices": {**PRICES, "outptu": 1}}, "prices has no key 'outptu'"),
        ({"prices": {"input": 1, "output": "10"}}, "prices.output must be a number of US dollars"),
        ({"concurrency": 0}, "concurrency must be a whole number of at least 1, got 0"),
    ],
)
def test_a_limit_that_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with Server() as server, pytest.raises(NbagentError, match=message):
        agent_of(server, **options)


# --- calls in a loop ---


async def test_a_model_that_repeats_a_call_is_told_and_then_ended() -> None:
    with Server(*[CALL] * 9) as server:
        agent = agent_of(server, name="boss", tools=[weather])
        events = await collect(agent.stream("go"))
        told = [body["messages"][-1]["content"] for body in server.bodies[1:]]

    end = end_of(events)
    assert (end.status, end.code, len(of(events, e.ToolResult))) == ("incomplete", "loop", 4)
    note = (
        "\n(You have made this call 3 times in a row, with the same result. Do something else, or "
        "answer.)"
    )
    assert told == ["Oslo: rain in 1 d", "Oslo: rain in 1 d", "Oslo: rain in 1 d" + note]
    assert [event.message for event in of(events, e.Status)] == [
        (
            "boss is in a loop: it made the same call 4 times in a row, with the same result: "
            'weather({"town": "Oslo"})'
        )
    ]
    assert of(events, e.ToolResult)[2].content == "Oslo: rain in 1 d"  # the note is for the model


async def test_a_model_that_heeds_the_note_goes_on() -> None:
    with Server(*[CALL] * 3, say("chat", "Rain.")) as server:
        assert await agent_of(server, tools=[weather]).generate("go") == "Rain."


async def test_the_same_call_with_another_result_is_no_loop() -> None:
    ticks = iter(range(99))

    def clock() -> int:
        """Tell the time."""
        return next(ticks)

    with Server(*[say("chat", calls=[("c1", "clock", "{}")])] * 6, say("chat", "Late.")) as server:
        assert await agent_of(server, tools=[clock]).generate("go") == "Late."


async def test_a_call_that_fails_the_same_way_is_a_loop_too() -> None:
    @tool
    def broken() -> None:
        """Break."""
        raise ValueError("no")

    with Server(*[say("chat", calls=[("c1", "broken", "{}")])] * 9) as server:
        events = await collect(agent_of(server, tools=[broken]).stream("go"))
        unlimited = await collect(
            agent_of(server, tools=[broken], max_repeats=None, max_steps=5).stream("go")
        )

    assert end_of(events).code == "loop"
    assert end_of(unlimited).status == "max_steps"


@given(
    st.lists(st.lists(st.sampled_from(["a", "b", "c"]), max_size=3), max_size=12), st.integers(1, 4)
)
def test_a_call_is_in_a_loop_when_it_is_in_more_responses_in_a_row_than_the_limit(
    responses: list[list[str]], limit: int
) -> None:
    repeats = Repeats("boss", limit)
    in_a_row = dict.fromkeys("abc", 0)
    for calls in responses:
        in_a_row = {name: count + 1 if name in calls else 0 for name, count in in_a_row.items()}
        notes = [repeats.add(name, '{"x":1, "y": 2}', "same") for name in calls]
        assert [bool(note) for note in notes] == [in_a_row[name] >= limit for name in calls]
        if any(count > limit for count in in_a_row.values()):
            with pytest.raises(LimitReached, match="is in a loop"):
                repeats.end_response()
            return
        repeats.end_response()


def test_blanks_and_the_order_of_names_do_not_tell_calls_apart() -> None:
    repeats = Repeats("boss", 2)
    assert repeats.add("f", '{"x": 1, "y": 2}', "r") == ""
    repeats.end_response()
    assert repeats.add("f", '{"y":2,"x":1}', "r") != ""
