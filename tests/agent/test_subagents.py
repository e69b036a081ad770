"""Agents as tools of other agents, hand-offs, and agents one after the other, against a real server
on loopback.
"""

import asyncio
import itertools
import threading
from collections.abc import Callable
from typing import Any

import pytest
from agent.server import Exchange, Server, chat_chunk, refuse, say
from agent.test_agent import agent_of, collect, end_of, of, tokens, weather

import nbagent
from nbagent import events as e
from nbagent.agent import Agent, tool
from nbagent.agent.calls.nested import MAX_DEPTH
from nbagent.errors import AgentError, NbagentError, ToolError
from nbagent.events.question import Question
from nbagent.run import Run
from nbagent.runtime import loop


def asks(name: str, task: str = "Weather in Oslo?", number: int = 1) -> Any:
    """Return a reply that gives an agent a task."""
    return say("chat", calls=[("c1", name, f'{{"task": "{task}"}}')], number=number)


WEATHER = say("chat", calls=[("c1", "weather", '{"town": "Oslo"}')], number=2)


def pair(server: Server, **options: Any) -> Agent:
    """Return an agent that has another one as its tool; the options are that one's."""
    inner = agent_of(
        server, name="Meteo 7", description="Knows the weather.", **{"tools": [weather], **options}
    )
    return agent_of(server, name="boss", tools=[inner])


def slow_inside(name: str) -> Any:
    """Return a reply that gives an agent a task, never answers that one, and says "Too slow." when
    its result has come.
    """

    def reply(exchange: Exchange) -> None:
        messages = exchange.body["messages"]
        if messages[-1]["content"] == "Weather in Oslo?":
            return exchange.hold()
        exchange.begin()
        exchange.send(*(asks(name) if messages[-1]["role"] == "user" else say("chat", "Too slow.")))
        return exchange.end()

    return reply


# --- an agent as a tool ---


async def test_an_agent_is_a_tool_with_one_parameter() -> None:
    with Server(
        asks("Meteo_7"), say("chat", "Rain.", number=2), say("chat", "It rains.", number=3)
    ) as server:
        events = await collect(pair(server, tools=[]).stream("Umbrella?"))
        (function,) = server.bodies[0]["tools"]
        inner, back = server.bodies[1:]

    assert (function["function"]["name"], function["function"]["description"]) == (
        "Meteo_7",
        "Knows the weather.",
    )
    assert list(function["function"]["parameters"]["properties"]) == ["task"]
    assert inner["messages"] == [{"role": "user", "content": "Weather in Oslo?"}]
    assert back["messages"][-1] == {"role": "tool", "tool_call_id": "c1", "content": "Rain."}
    assert end_of(events).output == "It rains."


async def test_its_run_is_nested_in_the_calls_panel_and_its_ids_are_its_own() -> None:
    with Server(
        asks("Meteo_7"), WEATHER, say("chat", "Rain.", number=3), say("chat", "It rains.", number=4)
    ) as server:
        events = await collect(pair(server).stream("Umbrella?"))

    (call, inner_call), (start,), (end,) = (
        of(events, e.ToolStart),
        of(events, e.AgentStart),
        of(events, e.AgentEnd),
    )
    assert (start.name, start.tool_id, start.parent_id, start.agent) == (
        "Meteo 7",
        call.id,
        call.id,
        "boss",
    )
    assert (end.id, end.status, end.parent_id) == (start.id, "completed", call.id)
    assert inner_call.parent_id == start.id
    assert inner_call.id.startswith(f"{start.id}/")
    nested = [event for event in events if event.parent_id == start.id]
    assert {event.agent for event in nested} == {"Meteo 7"}
    assert [event.step for event in nested if isinstance(event, e.StepStart)] == [1, 2]
    assert (
        events.index(start)
        < events.index(inner_call)
        < events.index(end)
        < events.index(of(events, e.ToolResult)[-1])
    )
    started = [
        event.id for event in events if isinstance(event, e.TextStart | e.ToolStart | e.AgentStart)
    ]
    assert len(started) == len(set(started))


async def test_its_tokens_are_its_own_and_count_once_in_the_total() -> None:
    with Server(
        asks("Meteo_7"), WEATHER, say("chat", "Rain.", number=3), say("chat", "It rains.", number=4)
    ) as server:
        run = await nbagent.show(pair(server).stream("Umbrella?"), face="console")

    (agent,) = [block for block in run.snapshot() if block["kind"] == "agent"]
    assert (agent["usage"]["total"], run.usage.total) == (30, 60)
    assert run.name == "boss"
    assert run.answer == "It rains."
    assert [call.name for call in run.tools] == ["Meteo_7", "weather"]


async def test_questions_of_its_tools_reach_the_reader_and_a_yes_for_good_is_kept() -> None:
    @tool(approve=True)
    def delete(name: str) -> str:
        """Delete a file."""
        return f"deleted {name}"

    calls = [say("chat", calls=[("c1", "delete", f'{{"name": "{name}"}}')]) for name in ("a", "b")]
    replies = [
        asks("Meteo_7"),
        calls[0],
        say("chat", "ok"),
        asks("Meteo_7"),
        calls[1],
        say("chat", "ok"),
        say("chat", "Done."),
    ]
    asked: list[Any] = []

    def allow(question: Question) -> None:
        asked.append(question.args)
        question.allow(always=True)

    with Server(*replies) as server:
        run = await nbagent.show(
            pair(server, tools=[delete]).stream("go"), face="console", answer=allow
        )

    assert asked == [{"name": "a"}]
    assert [call.result for call in run.tools if call.name == "delete"] == [
        "deleted a",
        "deleted b",
    ]


async def test_stop_stops_it_too() -> None:
    begun, stopped = threading.Event(), threading.Event()

    async def wait() -> None:
        """Wait."""
        try:
            begun.set()
            await asyncio.sleep(60)
        finally:
            stopped.set()

    with Server(asks("Meteo_7"), say("chat", calls=[("c1", "wait", "{}")])) as server:
        stream = pair(server, tools=[wait]).stream("go")
        async for event in stream:
            if isinstance(event, e.ToolArgs) and event.parent_id is not None:
                assert await asyncio.to_thread(begun.wait, 30)
                break
        await stream.aclose()
        rest = await collect(stream)

    assert stopped.wait(30)
    assert [event.status for event in of(rest, e.AgentEnd)] == ["cancelled"]
    assert end_of([e.RunStart(), *rest]).status == "cancelled"


async def test_the_call_of_a_tool_that_cancels_its_own_run_is_in_the_run() -> None:
    runs: list[Run] = []

    async def give_up() -> None:
        """Give up."""
        runs[0].cancel()
        await asyncio.sleep(60)

    with Server(asks("Meteo_7"), say("chat", calls=[("c1", "give_up", "{}")])) as server:
        runs.append(nbagent.show(pair(server, tools=[give_up]).stream("go"), face="console"))
        await runs[0]

    assert [call.name for call in runs[0].tools] == ["Meteo_7", "give_up"]


@pytest.mark.parametrize(
    ("options", "replies", "expected"),
    [
        ({"max_steps": 1}, [WEATHER], "Meteo 7 has not answered within 1 steps (max_steps)"),
        (
            {"max_total_tokens": 10},
            [WEATHER],
            "Meteo 7 has used up its budget: 15 tokens, of 10 (max_total_tokens)",
        ),
        ({}, [refuse(403, "no such thing")], "test-1 at 127.0.0.1"),
    ],
)
async def test_its_limits_and_failures_are_a_result_of_the_call(
    options: Any, replies: Any, expected: str
) -> None:
    with Server(asks("Meteo_7"), *replies, say("chat", "Sorry.", number=3)) as server:
        events = await collect(pair(server, **options).stream("go"))
        told = server.bodies[-1]["messages"][-1]["content"]

    assert end_of(events).status == "completed"
    result = of(events, e.ToolResult)[-1]
    assert (result.status, result.error.type) == ("error", "AgentError")
    assert result.error.message.startswith(expected)
    assert told.startswith("Error: AgentError: ")
    assert not any(event.fatal for event in of(events, e.Error))


async def test_its_time_limit_holds_for_it_alone() -> None:
    with Server(*[slow_inside("Meteo_7")] * 3) as server:
        events = await collect(pair(server, timeout=0.05).stream("go"))

    assert "took longer than its limit of 0.05 s" in of(events, e.ToolResult)[0].error.message
    assert end_of(events).output == "Too slow."


async def test_a_timeout_of_the_call_stops_it() -> None:
    with Server(*[slow_inside("slow")] * 3) as server:
        slow = agent_of(server, name="slow").as_tool(description="Waits.", timeout=0.05)
        events = await collect(agent_of(server, tools=[slow]).stream("go"))

    assert of(events, e.ToolResult)[0].error.message == "slow took longer than its 0.05 s"
    assert of(events, e.AgentEnd)[0].status == "cancelled"


async def test_agents_one_inside_another_have_a_limit_that_is_named() -> None:
    def deeper(exchange: Exchange) -> None:
        messages = exchange.body["messages"]
        reply = say("chat", "Enough.") if messages[-1]["role"] == "tool" else asks("helper")
        exchange.begin()
        exchange.send(*reply)
        exchange.end()

    with Server(*[deeper] * 20) as server:
        inner = agent_of(server, name="end")
        helper = agent_of(
            server, name="helper", tools=[agent_of(server, name="other", tools=[inner])]
        )

        async def ask(task: str) -> str:
            """Ask the helper."""
            return await recursive.generate(task)

        recursive = agent_of(server, name="helper", tools=[tool(name="helper")(ask)])
        events = await collect(recursive.stream("go"))
        assert await helper.generate("go")

    told = [event.error.message for event in of(events, e.ToolResult) if event.error]
    assert told == [
        (
            f"agents are at work {MAX_DEPTH} deep, one inside another, which is the limit: "
            f"{' → '.join(['helper'] * MAX_DEPTH)}"
        )
    ]
    assert len(of(events, e.AgentStart)) == MAX_DEPTH - 1


@pytest.mark.parametrize("where", ["async", "thread"])
async def test_generate_inside_a_tool_is_nested_too(where: str) -> None:
    with Server(
        say("chat", calls=[("c1", "ask", "{}")]),
        say("chat", "One."),
        say("chat", "Two."),
        say("chat", "Both."),
    ) as server:
        helper = agent_of(server, name="helper")

        async def ask() -> str:
            """Ask the helper twice."""
            return await helper.generate("first") + await helper.generate("second")

        def ask_in_thread() -> str:
            """Ask the helper twice."""
            return asyncio.run(ask())

        used = tool(name="ask")(ask if where == "async" else ask_in_thread)
        events = await collect(agent_of(server, name="boss", tools=[used]).stream("go"))

    assert [event.name for event in of(events, e.AgentStart)] == ["helper", "helper"]
    assert len({event.id for event in of(events, e.AgentStart)}) == 2
    assert of(events, e.ToolResult)[0].content == "One.Two."
    assert tokens(end_of(events)) == (40, 20, 60)


# --- a tool that returns a stream ---


def returns(make: Callable[[], Any], **options: Any) -> Any:
    """Return a tool that asks elsewhere, and returns the stream of the answer."""

    def ask() -> Any:
        """Ask elsewhere."""
        return make()

    return tool(name="ask", **options)(ask)


ASKED = say("chat", calls=[("c1", "ask", "{}")])


def address(server: Server) -> Any:
    """Return the stream of an address, which is that of the models' server."""
    return nbagent.connect(
        f"{server.base_url}/chat/completions", json={"stream": True, "messages": []}
    )


async def test_the_stream_of_an_address_is_nested_and_its_answer_is_the_result() -> None:
    with Server(ASKED, say("chat", "Rain."), say("chat", "It rains.")) as server:
        used = returns(lambda: address(server))
        events = await collect(agent_of(server, name="boss", tools=[used]).stream("go"))
        told = server.bodies[-1]["messages"][-1]["content"]

    (call,), (start,), (end,) = (
        of(events, e.ToolStart),
        of(events, e.AgentStart),
        of(events, e.AgentEnd),
    )
    assert (start.name, start.tool_id, start.parent_id) == ("ask", call.id, call.id)
    assert (end.id, end.status, told) == (start.id, "completed", "Rain.")
    assert {(event.parent_id, event.agent) for event in of(events, e.TextDelta)} == {
        (start.id, "ask"),
        (None, "boss"),
    }
    # given by a run that shows them
    assert {(event.seq, event.ts, event.run_id) for event in events} == {(0, 0.0, "")}


@pytest.mark.parametrize(
    "made", [lambda agent: agent.stream("first"), lambda agent: nbagent.Run(agent.stream("first"))]
)
async def test_the_stream_of_an_agent_is_nested_and_its_tokens_count(
    made: Callable[[Agent], Any],
) -> None:
    with Server(ASKED, say("chat", "One."), say("chat", "Two.")) as server:
        helper = agent_of(server, name="helper")
        events = await collect(
            agent_of(server, name="boss", tools=[returns(lambda: made(helper))]).stream("go")
        )

    assert [event.name for event in of(events, e.AgentStart)] == ["helper"]
    assert of(events, e.ToolResult)[0].content == "One."
    assert (end_of(events).output, tokens(end_of(events))) == ("Two.", (30, 15, 45))


async def test_a_stream_that_fails_is_an_error_of_the_call_with_its_reason() -> None:
    with Server(ASKED, refuse(403, "no such thing"), say("chat", "Sorry.", number=3)) as server:
        events = await collect(
            agent_of(server, tools=[returns(lambda: address(server))]).stream("go")
        )

    (result,) = of(events, e.ToolResult)
    assert (result.status, of(events, e.AgentEnd)[0].status) == ("error", "failed")
    assert result.error.message.startswith("ask did not finish: ")
    assert "403" in result.error.message
    assert end_of(events).output == "Sorry."


async def test_a_stream_has_the_time_limit_of_its_tool() -> None:
    # A server of its own: the time may be over before it is asked at all.
    with Server(ASKED, say("chat", "Too slow.")) as server, Server(Exchange.hold) as elsewhere:
        events = await collect(
            agent_of(server, tools=[returns(lambda: address(elsewhere), timeout=0.05)]).stream("go")
        )

    assert "0.05 s" in of(events, e.ToolResult)[0].error.message
    assert end_of(events).output == "Too slow."


async def test_stop_closes_the_connection_of_a_stream() -> None:
    def begin(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(chat_chunk({"content": "word"}))
        exchange.hold()

    with Server(ASKED, begin) as server:
        stream = agent_of(server, tools=[returns(lambda: address(server))]).stream("go")
        async for event in stream:
            if isinstance(event, e.TextDelta):
                break
        await stream.aclose()
        rest = await collect(stream)
        assert await asyncio.to_thread(server.hung_up.wait, 30)

    assert [event.status for event in of(rest, e.AgentEnd)] == ["cancelled"]
    assert end_of([e.RunStart(), *rest]).status == "cancelled"


async def test_agents_that_return_the_streams_of_one_another_reach_the_limit() -> None:
    with Server(*[ASKED] * MAX_DEPTH, *[say("chat", "Enough.")] * MAX_DEPTH) as server:
        ring = agent_of(server, name="ring", tools=[returns(lambda: ring.stream("deeper"))])
        events = await collect(ring.stream("go"))

    assert len(of(events, e.AgentStart)) == MAX_DEPTH - 1
    assert [event.error.message for event in of(events, e.ToolResult) if event.error] == [
        (
            f"agents are at work {MAX_DEPTH} deep, one inside another, which is the limit: "
            f"{' → '.join(['ring'] * MAX_DEPTH)}"
        )
    ]


async def test_what_a_tool_leaves_running_waits_for_no_reader() -> None:
    left: list[asyncio.Task[str]] = []
    go = asyncio.Event()

    def endless(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(*[chat_chunk({"content": "word "}) for _ in range(600)])
        exchange.send(chat_chunk({}, "stop"))
        exchange.end()

    with Server(
        say("chat", calls=[("c1", "leave", "{}")]), say("chat", "Done."), endless
    ) as server:
        helper = agent_of(server, name="helper")

        async def later() -> str:
            await go.wait()
            return await helper.generate("first")

        async def leave() -> None:
            """Leave a task behind."""
            left.append(asyncio.create_task(later()))

        assert end_of(await collect(agent_of(server, tools=[leave]).stream("go"))).output == "Done."
        loop.loop().call_soon_threadsafe(go.set)

        async def rest() -> str:
            return await left[0]

        assert await asyncio.wrap_future(loop.submit(rest())) == "word " * 600


async def test_several_at_a_time_keep_apart() -> None:
    def answer(exchange: Exchange) -> None:
        messages = exchange.body["messages"]
        words = messages[-1]["content"]
        exchange.begin()
        exchange.send(
            *(
                say("chat", f"{words}!")
                if messages[-1]["role"] == "user" and "go" not in words
                else both
                if "go" in words
                else say("chat", "Done.")
            )
        )
        exchange.end()

    both = say("chat", calls=[("a", "left", '{"task": "L"}'), ("b", "right", '{"task": "R"}')])
    with Server(*[answer] * 4) as server:
        boss = agent_of(
            server,
            tools=[
                agent_of(server, name="left", instructions="l"),
                agent_of(server, name="right", instructions="r"),
            ],
        )
        events = await collect(boss.stream("go"))

    texts = {start.name: "" for start in of(events, e.AgentStart)}
    names = {start.id: start.name for start in of(events, e.AgentStart)}
    for delta in of(events, e.TextDelta):
        if delta.parent_id in names:
            texts[names[delta.parent_id]] += delta.delta
    assert texts == {"left": "L!", "right": "R!"}
    assert {
        event.call_id: result.content
        for event in of(events, e.ToolStart)
        for result in of(events, e.ToolResult)
        if result.id == event.id
    } == {"a": "L!", "b": "R!"}


def test_a_name_that_two_have_is_refused() -> None:
    with Server() as server:
        twins = [agent_of(server, name=name, description="Helps.") for name in ("a b", "a_b")]
        with pytest.raises(ToolError, match="a_b: two tools have this name"):
            agent_of(server, tools=twins)
        with pytest.raises(
            ToolError,
            match="transfer_to_a_b: two tools have this name; give one of the agents another",
        ):
            agent_of(server, handoffs=twins).stream("go")
        with pytest.raises(
            NbagentError, match=r"handoffs is a list of agents, such as handoffs=\[other\]"
        ):
            agent_of(server, handoffs=twins[0])


# --- hand-offs ---


def transfer(name: str, call_id: str = "h1") -> Any:
    return say("chat", "", calls=[(call_id, f"transfer_to_{name}", "{}")])


async def test_after_a_hand_off_the_other_agent_goes_on_with_the_conversation() -> None:
    with Server(
        transfer("billing"),
        say("chat", calls=[("c1", "weather", '{"town": "Oslo"}')]),
        say("chat", "Paid."),
    ) as server:
        billing = agent_of(server, name="billing", instructions="You know bills.", tools=[weather])
        triage = agent_of(server, name="triage", instructions="You route.", handoffs=[billing])
        run = await nbagent.show(triage.stream("My bill?"), face="console")
        first, second, _ = server.bodies

    assert [tool["function"]["name"] for tool in first["tools"]] == ["transfer_to_billing"]
    assert "You know bills." in first["tools"][0]["function"]["description"]
    assert [tool["function"]["name"] for tool in second["tools"]] == ["weather"]
    assert [message["role"] for message in second["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]
    assert second["messages"][0]["content"] == "You know bills."
    assert second["messages"][-1]["content"] == "billing goes on with the conversation."
    (handoff,) = of(run.events, e.AgentHandoff)
    assert (handoff.from_, handoff.to) == ("triage", "billing")
    assert [event.agent for event in of(run.events, e.StepStart)] == [
        "triage",
        "billing",
        "billing",
    ]
    assert [event.step for event in of(run.events, e.StepStart)] == [1, 2, 3]
    assert (run.answer, run.usage.total, run.status) == ("Paid.", 45, "completed")
    starts = [event.id for event in run.events if isinstance(event, e.TextStart | e.ToolStart)]
    assert len(starts) == len(set(starts))
    assert run.tools["transfer_to_billing"].state == "output-available"


class Shelf:
    """A source of tools that are known only once a run has begun."""

    label = "shelf"
    is_open = True

    async def tools(self) -> list[Any]:
        return [tool(name="read")(weather)]


async def test_the_tools_of_a_source_are_those_of_the_agent_that_goes_on() -> None:
    with Server(transfer("b"), say("chat", "Done.")) as server:
        b = agent_of(server, name="b", tools=[Shelf()])
        assert (
            await agent_of(server, name="a", tools=[weather], handoffs=[b]).generate("go")
            == "Done."
        )
        names = [[each["function"]["name"] for each in body["tools"]] for body in server.bodies]

    assert names == [["weather", "transfer_to_b"], ["read"]]


async def test_a_hand_off_to_another_api_takes_the_conversation_along() -> None:
    with Server(transfer("billing"), say("responses", "Paid.")) as server:
        billing = agent_of(server, "responses", name="billing")
        events = await collect(
            agent_of(server, name="triage", handoffs=[billing]).stream("My bill?")
        )
        sent = server.bodies[1]["input"]

    assert [item.get("type", "message") for item in sent] == [
        "message",
        "function_call",
        "function_call_output",
    ]
    assert end_of(events).output == "Paid."


async def test_of_two_hand_offs_the_first_counts_and_other_calls_run_before() -> None:
    calls = [
        ("h1", "transfer_to_a", "{}"),
        ("c1", "weather", '{"town": "Oslo"}'),
        ("h2", "transfer_to_b", "{}"),
    ]
    with Server(say("chat", calls=calls), say("chat", "Here is a.")) as server:
        others = [agent_of(server, name=name) for name in "ab"]
        events = await collect(
            agent_of(server, name="triage", tools=[weather], handoffs=others).stream("go")
        )
        outputs = {
            item["tool_call_id"]: item["content"]
            for item in server.bodies[1]["messages"]
            if item["role"] == "tool"
        }

    assert outputs == {
        "h1": "a goes on with the conversation.",
        "h2": "Not done: a goes on with the conversation already.",
        "c1": "Oslo: rain in 1 d",
    }
    assert [event.to for event in of(events, e.AgentHandoff)] == ["a"]
    assert of(events, e.StepStart)[-1].agent == "a"


async def test_agents_that_hand_over_for_ever_reach_the_limit_of_steps() -> None:
    with Server(*[transfer("b" if n % 2 == 0 else "a") for n in range(9)]) as server:
        a, b = agent_of(server, name="a", max_steps=3), agent_of(server, name="b", max_steps=3)
        a.handoffs.append(b)
        b.handoffs.append(a)
        events = await collect(a.stream("go"))

    assert end_of(events).status == "max_steps"
    assert [event.agent for event in of(events, e.StepStart)] == ["a", "b"] * 3


# --- one after the other, side by side ---


async def test_personas_speak_one_after_the_other_in_one_run() -> None:
    with Server(say("chat", "I know nothing."), say("chat", "Ideas!")) as server:
        socrates, plato = agent_of(server, name="Socrates"), agent_of(server, name="Plato")

        async def dialogue() -> Any:
            async for event in socrates.stream("What is virtue?"):
                yield event
            async for event in plato.stream("And you?"):
                yield event

        run = await nbagent.show(dialogue(), face="console")

    assert (run.status, run.usage.total) == ("completed", 30)
    assert run.text.endswith("I know nothing.\n\nIdeas!")
    assert [(event.from_, event.to) for event in of(run.events, e.AgentHandoff)] == [
        ("Socrates", "Plato")
    ]


async def test_a_sub_agents_events_in_a_lane_stay_in_the_lane() -> None:
    def answer(exchange: Exchange) -> None:
        role, last = exchange.body["messages"][-1]["role"], exchange.body["messages"][-1]["content"]
        exchange.begin()
        exchange.send(
            *(
                asks("Meteo_7", "Rain?")
                if last == "go"
                else say("chat", "Yes." if role == "user" else "It rains.")
            )
        )
        exchange.end()

    with Server(*[answer] * 6) as server:
        run = await nbagent.show(
            {name: pair(server, tools=[]).stream("go") for name in ("left", "right")},
            face="console",
            concurrency=1,
        )

    assert [(lane.name, lane.answer, lane.usage.total) for lane in run.lanes] == [
        ("left", "It rains.", 45),
        ("right", "It rains.", 45),
    ]
    assert run.usage.total == 90
    agents = [
        block for block in run.snapshot() if block["kind"] == "agent" and block["name"] == "Meteo 7"
    ]
    assert [block["parent"].partition("/")[0] for block in agents] == ["lane-1", "lane-2"]


# --- concurrency ---


async def test_concurrency_limits_the_requests_under_way() -> None:
    under_way: set[int] = set()
    most: list[int] = []
    numbers = itertools.count()
    lock = threading.Lock()

    def answer(exchange: Exchange) -> None:
        number = next(numbers)
        with lock:
            under_way.add(number)
            most.append(len(under_way))
        exchange.begin()
        exchange.send(*say("chat", "Done."))
        with lock:
            under_way.remove(number)
        exchange.end()

    with Server(*[answer] * 12) as server:
        agent = agent_of(server, concurrency=2)
        assert await asyncio.gather(*(agent.generate(f"{n}") for n in range(12))) == ["Done."] * 12

    assert max(most) <= 2


async def test_an_agent_inside_itself_does_not_wait_for_its_own_place() -> None:
    def deeper(exchange: Exchange) -> None:
        last = exchange.body["messages"][-1]
        exchange.begin()
        exchange.send(*(asks("ask", "end") if last["content"] == "go" else say("chat", "Done.")))
        exchange.end()

    with Server(*[deeper] * 3) as server:

        async def ask(task: str) -> str:
            """Ask myself."""
            return await agent.generate(task)

        agent = agent_of(server, tools=[ask], concurrency=1)
        assert await agent.generate("go") == "Done."


async def test_a_sub_agent_that_reaches_the_outer_budget_ends_both() -> None:
    with Server(asks("Meteo_7"), WEATHER, WEATHER) as server:
        inner = agent_of(server, name="Meteo 7", description="Knows.", tools=[weather])
        boss = agent_of(server, name="boss", tools=[inner], max_total_tokens=30)
        with pytest.raises(
            AgentError, match=r"boss has used up its budget: 30 tokens, of 30 \(max_total_tokens\)"
        ) as caught:
            await boss.generate("go")
        requests = len(server.bodies)

    assert (caught.value.status, caught.value.code, requests) == ("incomplete", "budget", 2)
