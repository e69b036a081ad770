"""Runs of an agent against a real server on loopback, through the real openai client."""

import asyncio
import contextvars
import gc
import inspect
import json
import re
import sys
import threading
from collections.abc import AsyncIterable
from typing import Any

import httpx2
import openai
import pytest
from agent.server import (
    KEY,
    Exchange,
    Json,
    Server,
    call,
    chat,
    chat_chunk,
    message,
    reasoning,
    refuse,
    responses,
    say,
)

from nbagent import events as e
from nbagent.agent import Agent, tool, usage_hints
from nbagent.errors import AgentError, Cancelled, NbagentError, ToolError
from nbagent.gate.secrets import mask
from nbagent.runtime import loop

user = contextvars.ContextVar("user", default="nobody")
both_apis = pytest.mark.parametrize("api", ["responses", "chat"])


def weather(town: str, days: int = 1) -> str:
    """Looks up the weather."""
    return f"{town}: rain in {days} d"


def agent_of(server: Server, api: Any = "chat", **options: Any) -> Agent:
    return Agent("test-1", client=server.client(), api=api, **options)


async def collect(stream: AsyncIterable[e.Event]) -> list[e.Event]:
    return [event async for event in stream]


def end_of(events: list[e.Event]) -> e.RunEnd:
    """Return the last event. Asserts the rules of every run."""
    assert isinstance(events[0], e.RunStart)
    assert [type(event) for event in events].count(e.RunEnd) == 1
    assert KEY not in b"".join(map(e.to_json, events)).decode()
    assert KEY not in repr(events)
    end = events[-1]
    assert isinstance(end, e.RunEnd)
    return end


def tokens(end: e.RunEnd) -> tuple[int | None, int | None, int | None]:
    assert end.usage is not None
    return end.usage.input, end.usage.output, end.usage.total


def of(events: list[e.Event], kind: type[e.Event]) -> list[Any]:
    return [event for event in events if type(event) is kind]


# --- answers ---


@both_apis
async def test_an_answer_streams_through(api: str) -> None:
    with Server(say(api, "Hello there.")) as server:
        events = await collect(
            agent_of(server, api, name="greeter", instructions="Be kind.").stream("Hi")
        )

    end = end_of(events)
    assert (end.status, end.output, tokens(end)) == ("completed", "Hello there.", (10, 5, 15))
    assert events[0] == e.RunStart(name="greeter", model="test-1", agent="greeter")
    assert {event.agent for event in events} == {"greeter"}
    assert {event.step for event in events[2:]} == {1}
    assert "".join(event.delta for event in of(events, e.TextDelta)) == "Hello there."
    kinds = [e.type_of(event) for event in events if not isinstance(event, e.TextDelta)]
    assert kinds == [
        "run.start",
        "prompt",
        "step.start",
        "text.start",
        "text.end",
        "step.end",
        "run.end",
    ]


@both_apis
async def test_a_tool_is_called_and_its_output_goes_back(api: str) -> None:
    replies = [
        say(api, "Let me see.", [("c1", "weather", '{"town": "Oslo", "days": "3"}')], number=1),
        say(api, "Rain.", number=2),
    ]
    with Server(*replies) as server:
        events = await collect(agent_of(server, api, tools=[weather]).stream("Weather in Oslo?"))
        first, second = server.bodies

    end = end_of(events)
    assert (end.status, end.output, tokens(end)) == ("completed", "Rain.", (20, 10, 30))
    (start,), (args,), (result,) = (
        of(events, e.ToolStart),
        of(events, e.ToolArgs),
        of(events, e.ToolResult),
    )
    assert start.id == args.id == result.id
    assert (start.name, start.call_id, args.args) == (
        "weather",
        "c1",
        {"town": "Oslo", "days": "3"},
    )
    assert (result.status, result.content, result.value.value, result.step) == (
        "ok",
        "Oslo: rain in 3 d",
        "Oslo: rain in 3 d",
        1,
    )
    assert [event.step for event in of(events, e.StepStart)] == [1, 2]
    assert events.index(result) < events.index(of(events, e.StepStart)[1])
    if api == "chat":
        assert second["messages"][: len(first["messages"])] == first["messages"]
        assert second["messages"][-2]["content"] == "Let me see."
        assert (
            second["messages"][-2]["tool_calls"][0]["function"]["arguments"]
            == '{"town": "Oslo", "days": "3"}'
        )
        assert second["messages"][-1] == {
            "role": "tool",
            "tool_call_id": "c1",
            "content": "Oslo: rain in 3 d",
        }
    else:
        assert second["input"][: len(first["input"])] == first["input"]
        assert [item["type"] for item in second["input"][1:]] == [
            "message",
            "function_call",
            "function_call_output",
        ]
        assert second["input"][-1] == {
            "type": "function_call_output",
            "call_id": "c1",
            "output": "Oslo: rain in 3 d",
        }


async def test_what_is_asked_of_each_api() -> None:
    with Server(say("responses", "a"), say("chat", "b")) as server:
        for api in ("responses", "chat"):
            settings = {"temperature": 0.5, "top_k": 3}
            agent = agent_of(
                server, api, instructions="Be kind.", tools=[weather], model_settings=settings
            )
            await agent.generate("Hi")
        asked, chatted = server.bodies
        paths = [exchange.path for exchange in server.exchanges]

    assert paths == ["/v1/responses", "/v1/chat/completions"]
    (function,) = asked.pop("tools")
    assert asked == {
        "model": "test-1",
        "stream": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "instructions": "Be kind.",
        "input": [{"type": "message", "role": "user", "content": "Hi"}],
        "temperature": 0.5,
        "top_k": 3,
    }
    assert (function["name"], function["strict"]) == ("weather", False)
    (function,) = chatted.pop("tools")
    assert chatted == {
        "model": "test-1",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}],
        "temperature": 0.5,
        "top_k": 3,
    }
    assert function["function"]["name"] == "weather"


async def test_encrypted_thoughts_and_remarks_go_back_as_they_came() -> None:
    output = [
        reasoning("Hm."),
        message("Looking.", phase="commentary"),
        call("c1", "weather", '{"town":"Oslo"}'),
    ]
    with Server(
        responses(*output), responses(message("Rain.", phase="final_answer"), number=2)
    ) as server:
        agent = agent_of(server, "responses", tools=[weather])
        events = await collect(agent.stream("Weather?"))
        sent = server.bodies[1]["input"]

    assert sent[1:4] == output
    assert end_of(events).output == "Rain."


async def test_a_remark_is_the_output_only_where_nothing_else_is() -> None:
    with Server(
        responses(
            message("Looking.", "m1", phase="commentary"),
            message("Rain.", "m2", phase="final_answer"),
        )
    ) as server:
        assert await agent_of(server, "responses").generate("?") == "Rain."
    with Server(responses(message("Looking.", "m1", phase="commentary"))) as server:
        assert await agent_of(server, "responses").generate("?") == "Looking."


async def test_messages_are_a_prompt_too() -> None:
    with Server(say("chat", "Bob.")) as server:
        conversation: list[Json] = [
            {"role": "user", "content": "I am Bob."},
            {"role": "assistant", "content": "Hello!"},
            {"role": "user", "content": "Who am I?"},
        ]
        assert await agent_of(server).generate(conversation) == "Bob."
        assert server.bodies[0]["messages"] == conversation


async def test_one_agent_runs_many_prompts_at_once_and_remembers_none() -> None:
    def echo(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(*chat(exchange.body["messages"][-1]["content"]))
        exchange.end()

    with Server(*[echo] * 8) as server:
        agent = agent_of(server)
        answers = await asyncio.gather(*(agent.generate(f"prompt {n}") for n in range(8)))

    assert answers == [f"prompt {n}" for n in range(8)]
    assert {len(body["messages"]) for body in server.bodies} == {1}


# --- tools ---


async def test_calls_of_one_response_run_together_and_report_as_they_finish() -> None:
    second_done = threading.Event()

    def first() -> str:
        assert second_done.wait(30)  # impossible unless the other one runs meanwhile
        return "1st"

    async def second() -> str:
        second_done.set()
        return "2nd"

    with Server(
        say("chat", calls=[("a", "first", "{}"), ("b", "second", "{}")]),
        say("chat", "done", number=2),
    ) as server:
        events = await collect(agent_of(server, tools=[first, second]).stream("go"))
        outputs = [message for message in server.bodies[1]["messages"] if message["role"] == "tool"]

    assert sorted(result.content for result in of(events, e.ToolResult)) == ["1st", "2nd"]
    assert [(output["tool_call_id"], output["content"]) for output in outputs] == [
        ("a", "1st"),
        ("b", "2nd"),
    ]


async def test_without_parallel_calls_run_one_after_the_other() -> None:
    running: list[str] = []

    def work(name: str) -> int:
        running.append(name)
        others = len(running)
        running.remove(name)
        return others

    calls = [(f"c{n}", "work", json.dumps({"name": str(n)})) for n in range(4)]
    with Server(say("chat", calls=calls), say("chat", "done", number=2)) as server:
        events = await collect(agent_of(server, tools=[work], parallel=False).stream("go"))

    assert [result.content for result in of(events, e.ToolResult)] == [1, 1, 1, 1]
    assert [result.id for result in of(events, e.ToolResult)] == [
        start.id for start in of(events, e.ToolStart)
    ]


def fail() -> None:
    raise LookupError("no such town")


def leave() -> None:
    raise SystemExit(2)


async def cancel_itself() -> None:
    raise asyncio.CancelledError


@tool(timeout=0.01)
async def hang() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("name", "arguments", "error_type", "expected"),
    [
        ("fail", "{}", "LookupError", "Error: LookupError: no such town"),
        ("leave", "{}", "SystemExit", "Error: SystemExit: 2"),
        ("cancel_itself", "{}", "CancelledError", "Error: CancelledError: "),
        ("hang", "{}", "TimeoutError", "Error: TimeoutError: hang took longer than its 0.01 s"),
        (
            "fly",
            "{}",
            "ToolError",
            (
                "Error: ToolError: there is no tool 'fly'; the tools are: weather, fail, leave, "
                "cancel_itself, hang"
            ),
        ),
        (
            "weather",
            '{"town": ',
            "ToolError",
            "Error: ToolError: the arguments are not valid JSON: Input data was truncated",
        ),
        (
            "weather",
            "[1]",
            "ToolError",
            "Error: ToolError: the arguments must be a JSON object, got list",
        ),
        ("weather", "{}", "ToolError", "Error: ToolError: missing parameter 'town'; got none"),
        (
            "weather",
            '{"town": "Oslo", "days": [1]}',
            "ToolError",
            (
                "Error: ToolError: parameter 'days': got [1] (list), wanted int: Input should be a "
                "valid integer"
            ),
        ),
    ],
)
@both_apis
async def test_what_goes_wrong_with_a_call_is_told_and_the_run_goes_on(
    api: str, name: str, arguments: str, error_type: str, expected: str
) -> None:
    with Server(say(api, calls=[("c1", name, arguments)]), say(api, "Sorry.", number=2)) as server:
        events = await collect(
            agent_of(server, api, tools=[weather, fail, leave, cancel_itself, hang]).stream("go")
        )
        request = server.bodies[1]

    assert (end_of(events).status, end_of(events).output) == ("completed", "Sorry.")
    (result,) = of(events, e.ToolResult)
    assert (result.status, result.error.type) == ("error", error_type)
    assert (
        request["messages"][-1]["content"] if api == "chat" else request["input"][-1]["output"]
    ) == expected


DEEP = '{"town": ' + "[" * 5_000 + "]" * 5_000 + "}"


@pytest.mark.parametrize("written", ['{"town": ', DEEP], ids=["cut", "deep"])
@both_apis
@pytest.mark.usefixtures("no_garbage")
async def test_arguments_that_cannot_be_read_go_back_as_json(api: str, written: str) -> None:
    """Servers that parse the arguments in the history would otherwise refuse the next request."""
    with Server(
        say(api, calls=[("c1", "weather", written)]), say(api, "Sorry.", number=2)
    ) as server:
        assert await agent_of(server, api, tools=[weather]).generate("go") == "Sorry."
        request = server.bodies[1]

    if api == "chat":  # the Responses API gets its own items back
        (again,) = request["messages"][-2]["tool_calls"]
        assert json.loads(again["function"]["arguments"]) == {"invalid_json": written}


@both_apis
async def test_calls_with_one_id_go_back_with_an_id_each(api: str) -> None:
    towns = ("Oslo", "Rome")
    calls = [("same", "weather", json.dumps({"town": town})) for town in towns]
    replies = [
        say(api, calls=calls),
        say(api, calls=calls[:1], number=2),
        say(api, "Done.", number=3),
    ]
    with Server(*replies) as server:
        await agent_of(server, api, tools=[weather]).generate("go")
        request = server.bodies[2]

    if api == "chat":
        called = [
            call["id"] for entry in request["messages"] for call in entry.get("tool_calls", ())
        ]
        results = {
            entry["tool_call_id"]: entry["content"]
            for entry in request["messages"]
            if entry["role"] == "tool"
        }
    else:
        called = [item["call_id"] for item in request["input"] if item["type"] == "function_call"]
        outputs = [item for item in request["input"] if item["type"] == "function_call_output"]
        results = {item["call_id"]: item["output"] for item in outputs}
    assert called == ["same", "call_2", "call_3"]
    assert results == {
        "same": "Oslo: rain in 1 d",
        "call_2": "Rome: rain in 1 d",
        "call_3": "Oslo: rain in 1 d",
    }


async def test_falsy_values_are_results() -> None:
    values = {"zero": 0, "empty": "", "no": False, "none": None, "nothing": []}

    def get(key: str) -> Any:
        return values[key]

    calls = [(key, "get", json.dumps({"key": key})) for key in values]
    with Server(say("chat", calls=calls), say("chat", "done", number=2)) as server:
        events = await collect(agent_of(server, tools=[get], parallel=False).stream("go"))
        outputs = [
            message["content"]
            for message in server.bodies[1]["messages"]
            if message["role"] == "tool"
        ]

    assert [result.content for result in of(events, e.ToolResult)] == [0, "", False, None, []]
    assert {result.status for result in of(events, e.ToolResult)} == {"ok"}
    assert outputs == ["0", "", "false", "null", "[]"]


async def test_a_live_object_reaches_the_reader_and_json_the_model() -> None:
    class Table:
        def __init__(self) -> None:
            self.rows = 3

        def _repr_html_(self) -> str:
            return "<table></table>"

    made = Table()

    def load() -> Any:
        return made

    with Server(say("chat", calls=[("c1", "load", "")]), say("chat", "done", number=2)) as server:
        events = await collect(agent_of(server, tools=[load]).stream("go"))

    (result,) = of(events, e.ToolResult)
    assert result.value.value is made
    assert result.display.data["text/html"] == "<table></table>"
    assert e.to_dict(e.from_json(e.to_json(result))).get("value") is None


@both_apis
async def test_call_ids_that_come_again_do_not_mix_up_calls(api: str) -> None:
    replies = [
        say(api, calls=[("call_0", "weather", '{"town": "Oslo"}')], number=1),
        say(api, calls=[("call_0", "weather", '{"town": "Rome"}')], number=2),
        say(api, "Done.", number=3),
    ]
    with Server(*replies) as server:
        events = await collect(agent_of(server, api, tools=[weather]).stream("go"))

    assert len({start.id for start in of(events, e.ToolStart)}) == 2
    assert [result.content for result in of(events, e.ToolResult)] == [
        "Oslo: rain in 1 d",
        "Rome: rain in 1 d",
    ]


@pytest.mark.parametrize("is_async", [True, False])
async def test_tools_see_the_context_variables_of_who_made_the_stream(is_async: bool) -> None:
    async def ask_async() -> str:
        return user.get()

    def ask() -> str:
        return user.get()

    function = ask_async if is_async else ask
    with Server(
        say("chat", calls=[("c1", function.__name__, "{}")]), say("chat", "done", number=2)
    ) as server:
        user.set("cell 7")
        stream = agent_of(server, tools=[function]).stream("go")
        user.set("cell 8")
        events = await collect(stream)

    assert of(events, e.ToolResult)[0].content == "cell 7"


async def test_max_steps_ends_a_model_that_calls_for_ever() -> None:
    with Server(
        *[say("chat", calls=[("c", "weather", '{"town": "Oslo"}')], number=n) for n in range(1, 9)]
    ) as server:
        agent = agent_of(server, tools=[weather], max_steps=3)
        events = await collect(agent.stream("go"))
        with pytest.raises(AgentError, match=r"has not answered within 3 steps \(max_steps\)"):
            await agent.generate("go")

    assert (end_of(events).status, tokens(end_of(events))) == ("max_steps", (30, 15, 45))
    assert len(of(events, e.ToolResult)) == 3
    assert len(server.bodies) == 6


# --- stopping ---


def talk_and_hold(exchange: Exchange) -> None:
    exchange.begin()
    exchange.send(chat_chunk({"role": "assistant", "content": "Well, "}))
    exchange.hold()


async def first_text(stream: AsyncIterable[e.Event]) -> list[e.Event]:
    seen = []
    async for event in stream:
        seen.append(event)
        if isinstance(event, e.TextDelta):
            break
    return seen


async def test_aclose_hangs_up_and_says_cancelled_to_who_reads_on() -> None:
    with Server(talk_and_hold) as server:
        stream = agent_of(server).stream("Hi")
        seen = await first_text(stream)
        await stream.aclose()
        assert await asyncio.to_thread(server.hung_up.wait, 30)
        seen += await collect(stream)

    end = end_of(seen)
    assert (end.status, end.output) == ("cancelled", "Well, ")
    assert not of(seen, e.Error)


async def test_cancelling_the_reader_hangs_up() -> None:
    with Server(talk_and_hold) as server:
        stream = agent_of(server).stream("Hi")
        await first_text(stream)
        reader = asyncio.create_task(collect(stream))
        await asyncio.sleep(0)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert await asyncio.to_thread(server.hung_up.wait, 30)


def test_dropping_the_stream_hangs_up() -> None:
    with Server(talk_and_hold) as server:
        for event in agent_of(server).stream("Hi"):
            if isinstance(event, e.TextDelta):
                break
        del event
        gc.collect()
        assert server.hung_up.wait(30)


def test_close_from_another_thread_ends_a_blocked_reader() -> None:
    with Server(talk_and_hold) as server:
        stream = agent_of(server).stream("Hi")
        seen: list[e.Event] = []
        talking = threading.Event()

        def read() -> None:
            for event in stream:
                seen.append(event)
                if isinstance(event, e.TextDelta):
                    talking.set()

        reader = threading.Thread(target=read)
        reader.start()
        assert talking.wait(30)
        stream.close()
        reader.join(30)
        assert server.hung_up.wait(30)

    assert end_of(seen).status == "cancelled"


async def test_closing_while_the_server_thinks_hangs_up_too() -> None:
    asked = threading.Event()

    def think(exchange: Exchange) -> None:
        asked.set()
        exchange.hold()

    with Server(think) as server:
        stream = agent_of(server).stream("Hi")
        assert isinstance(await anext(stream), e.RunStart)
        assert await asyncio.to_thread(asked.wait, 30)
        await stream.aclose()
        assert await asyncio.to_thread(server.hung_up.wait, 30)
        assert [event.status for event in of(await collect(stream), e.RunEnd)] == ["cancelled"]


async def test_a_stream_closed_before_it_began_never_asks_the_model() -> None:
    with Server() as server:
        stream = agent_of(server).stream("Hi")
        await stream.aclose()
        events = await collect(stream)

    assert (end_of(events).status, server.exchanges) == ("cancelled", [])


async def test_stopping_cancels_async_tools_and_drops_what_sync_ones_return() -> None:
    sync_begun, go_on, cancelled, returned = (threading.Event() for _ in range(4))

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    def block() -> str:
        sync_begun.set()
        go_on.wait()
        returned.set()
        return "too late"

    with Server(say("chat", calls=[("a", "wait", "{}"), ("b", "block", "{}")])) as server:
        stream = agent_of(server, tools=[wait, block]).stream("go")
        seen = [await anext(stream)]
        while len(of(seen, e.ToolArgs)) < 2:
            seen.append(await anext(stream))
        assert await asyncio.to_thread(sync_begun.wait, 30)
        await stream.aclose()
        assert cancelled.is_set()
        assert not returned.is_set()
        seen += await collect(stream)
        go_on.set()
        assert await asyncio.to_thread(returned.wait, 30)

    assert end_of(seen).status == "cancelled"
    assert not of(seen, e.ToolResult)
    assert await collect(stream) == []


@pytest.mark.parametrize("parallel", [True, False])
async def test_a_tool_that_refuses_to_be_cancelled_does_not_keep_the_run(parallel: bool) -> None:
    begun, release = threading.Event(), threading.Event()

    async def stubborn() -> str:
        begun.set()
        for _ in range(3):
            try:
                await asyncio.to_thread(release.wait, 30)
            except asyncio.CancelledError:
                continue
        return "still here"

    with Server(say("chat", calls=[("a", "stubborn", "{}")])) as server:
        stream = agent_of(server, tools=[stubborn], parallel=parallel).stream("go")
        seen = [await anext(stream)]
        while not of(seen, e.ToolArgs):
            seen.append(await anext(stream))
        assert await asyncio.to_thread(begun.wait, 30)
        await stream.aclose()
        seen += await collect(stream)
        release.set()

    assert end_of(seen).status == "cancelled"
    assert len(server.bodies) == 1


async def test_a_stream_that_was_read_says_so() -> None:
    with Server(say("chat", "Hi")) as server:
        stream = agent_of(server).stream("go")
        await collect(stream)
        with pytest.raises(NbagentError, match="read to its end"):
            aiter(stream)


# --- what can go wrong ---


@both_apis
@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [(401, "invalid_api_key", "invalid_api_key"), (429, None, "429"), (500, None, "500")],
)
async def test_a_refusal_is_told_without_the_key(
    api: str, status: int, code: str | None, expected: str
) -> None:
    refusal = refuse(status, f"Go away, {KEY}!", code=code)
    with Server(refusal, refusal) as server:
        agent = agent_of(server, api)
        events = await collect(agent.stream("Hi"))
        with pytest.raises(AgentError) as failed:
            await agent.generate("Hi")

    assert (end_of(events).status, end_of(events).code) == ("failed", expected)
    (error,) = of(events, e.Error)
    where = httpx2.URL(server.base_url).netloc.decode()
    assert error.message == f"test-1 at {where} answered {status}: Go away, {mask(KEY)}!"
    assert (error.fatal, error.code) == (True, expected)
    assert (str(failed.value), failed.value.status, failed.value.code) == (
        error.message,
        "failed",
        expected,
    )
    assert failed.value.__cause__ is None, (
        "a cause with the key in it would be printed with the traceback"
    )


async def test_a_clean_cause_is_kept() -> None:
    with Server(refuse(429, "Slow down.")) as server, pytest.raises(AgentError) as failed:
        await agent_of(server).generate("Hi")
    assert isinstance(failed.value.__cause__, openai.RateLimitError)


async def test_nobody_at_the_address_is_told() -> None:
    with Server() as server:
        client = server.client()
    events = await collect(Agent("test-1", client=client).stream("Hi"))

    (error,) = of(events, e.Error)
    assert error.message.startswith(f"No connection to 127.0.0.1:{client.base_url.port}: ")
    assert (end_of(events).status, end_of(events).code, error.error_type) == (
        "failed",
        "connect_error",
        "APIConnectionError",
    )


@both_apis
async def test_a_broken_connection_keeps_the_text_and_is_no_success(api: str) -> None:
    whole = say(api, "Hello there.")

    def cut(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(*whole[: -3 if api == "chat" else -4])
        exchange.cut()

    with Server(cut, cut) as server:
        agent = agent_of(server, api)
        events = await collect(agent.stream("Hi"))
        with pytest.raises(AgentError) as failed:
            await agent.generate("Hi")

    end = end_of(events)
    assert (end.status, end.code) == ("failed", "connection_lost")
    assert end.output
    assert "Hello there.".startswith(end.output)
    assert failed.value.partial == end.output
    assert (failed.value.status, failed.value.code) == ("failed", "connection_lost")
    assert of(events, e.Error)[0].fatal


@both_apis
async def test_a_stream_that_ends_too_early_is_no_success_and_runs_no_tool(api: str) -> None:
    def short(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(*say(api, calls=[("c1", "fail", "{}")])[: -2 if api == "chat" else -1])
        exchange.end() if api == "responses" else exchange._handler.wfile.write(b"0\r\n\r\n")

    with Server(short) as server:
        events = await collect(agent_of(server, api, tools=[fail]).stream("Hi"))

    assert (end_of(events).status, end_of(events).code) == ("incomplete", e.STREAM_TRUNCATED)
    assert not of(events, e.ToolResult)


@both_apis
async def test_a_token_limit_is_no_success(api: str) -> None:
    if api == "chat":
        reply = chat("Once upon", finish_reason="length")
    else:
        reply = responses(
            message("Once upon"),
            status="incomplete",
            incomplete_details={"reason": "max_output_tokens"},
        )
    said = r"Cut off at \d+ tokens \(max_tokens\)\. error\.partial has the 9 characters that came$"
    with Server(reply, reply) as server:
        agent = agent_of(server, api)
        events = await collect(agent.stream("Hi"))
        with pytest.raises(AgentError, match=said) as failed:
            await agent.generate("Hi")

    assert (end_of(events).status, end_of(events).output) == ("incomplete", "Once upon")
    assert (failed.value.status, failed.value.partial) == ("incomplete", "Once upon")


@both_apis
async def test_an_error_in_the_stream_keeps_the_text_and_fails_the_run(api: str) -> None:
    payload = {
        "message": f"Overloaded, {KEY}",
        "type": "server_error",
        "code": "overloaded",
        "param": None,
    }
    error = (
        {"error": payload}
        if api == "chat"
        else {"type": "error", "error": payload, "sequence_number": 5}
    )

    def break_down(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(*say(api, "Hello there.")[:5], error)
        exchange.end()

    with Server(break_down) as server:
        events = await collect(agent_of(server, api).stream("Hi"))

    end = end_of(events)
    assert (end.status, end.code) == ("failed", "overloaded")
    assert end.output
    (error,) = of(events, e.Error)
    assert error.message == f"Overloaded, {mask(KEY)}"


async def test_a_response_that_failed_fails_the_run() -> None:
    error = {"code": "server_error", "message": "Something broke."}
    with (
        Server(responses(status="failed", error=error)) as server,
        pytest.raises(AgentError, match="Something broke") as failed,
    ):
        await agent_of(server, "responses").generate("Hi")
    assert (failed.value.status, failed.value.code) == ("failed", "server_error")


async def test_a_response_that_the_server_cancelled_is_told_apart() -> None:
    reply = responses(message("Once"), status="cancelled")
    with Server(reply) as server, pytest.raises(Cancelled, match="Stopped by the model's server"):
        await agent_of(server, "responses").generate("Hi")


async def test_an_event_that_is_not_json_fails_the_run() -> None:
    def garble(exchange: Exchange) -> None:
        exchange.begin()
        exchange._put("data: {nonsense\n\n")
        exchange.end()

    with Server(garble) as server:
        events = await collect(agent_of(server).stream("Hi"))

    assert (end_of(events).status, end_of(events).code) == ("failed", "bad_event")


async def test_a_failure_in_a_later_step_keeps_what_came_before() -> None:
    with Server(
        say("chat", "Looking.", [("c1", "weather", '{"town": "Oslo"}')]), refuse(500, "Broken.")
    ) as server:
        events = await collect(agent_of(server, tools=[weather]).stream("go"))

    assert (end_of(events).status, tokens(end_of(events))) == ("failed", (10, 5, 15))
    assert of(events, e.ToolResult)[0].status == "ok"


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"timeout": 0.05}, "test-1 took longer than its limit of 0.05 s in all (timeout)"),
        (
            {"idle_timeout": 0.05},
            "test-1 was silent for longer than the limit of 0.05 s (idle_timeout)",
        ),
    ],
)
@pytest.mark.parametrize("talks", [True, False])
async def test_time_limits_hang_up_and_say_which_one_it_was(
    limits: Any, message: str, talks: bool
) -> None:
    with Server(talk_and_hold if talks else Exchange.hold) as server:
        events = await collect(agent_of(server, **limits).stream("Hi"))
        # On a busy machine the limit may pass before the request has arrived.
        assert not server.exchanges or await asyncio.to_thread(server.hung_up.wait, 30)

    code = next(iter(limits))
    assert (end_of(events).status, end_of(events).code) == ("failed", code)
    (error,) = of(events, e.Error)
    assert (error.message, error.code, error.fatal) == (message, code, True)


async def test_the_total_limit_stops_tools_too() -> None:
    with Server(say("chat", calls=[("c1", "wait", "{}")])) as server:

        async def wait() -> None:
            await asyncio.Event().wait()

        events = await collect(agent_of(server, tools=[wait], timeout=0.2).stream("go"))

    assert (end_of(events).status, end_of(events).code) == ("failed", "timeout")


@pytest.mark.parametrize("types", ["tool.result", e.ToolResult, ("tool.result", e.ToolResult)])
async def test_a_loop_may_ask_for_some_types_of_events(types: Any) -> None:
    with Server(
        *[
            say("chat", calls=[("c1", "weather", '{"town": "Oslo"}')]),
            say("chat", "Rain.", number=2),
        ]
        * 2
    ) as server:
        agent = agent_of(server, tools=[weather])
        assert [event.type async for event in agent.stream("go", types=types)] == ["tool.result"]
        assert [event.type for event in agent.stream("go", types=types)] == ["tool.result"]
    with pytest.raises(ValueError, match=r"did you mean 'tool\.result'\?"):
        agent.stream("go", types="tool_result")


# --- typical mistakes ---


def test_what_an_agent_does_not_have_is_named_with_what_it_has() -> None:
    agent: Any = Agent("demo")
    for name in ("run", "invoke", "ask"):
        with pytest.raises(
            AttributeError,
            match=rf"no attribute '{name}'; await agent\.generate\(…\) returns the answer",
        ):
            getattr(agent, name)
    for name, meant in (
        ("serve", "nbagent.serve(agent)"),
        ("start", "nbagent.serve(agent)"),
        ("stop", "run.cancel()"),
    ):
        with pytest.raises(AttributeError, match=re.escape(meant)):
            getattr(agent, name)
    with pytest.raises(AttributeError, match=r"did you mean 'generate'\?"):
        agent.generat("Hi")
    with pytest.raises(TypeError, match=r"an Agent is not called; await agent\.generate\(…\)"):
        agent("Hi")
    assert not hasattr(agent, "__array__")


async def test_a_stream_that_is_awaited_says_how_it_is_read() -> None:
    stream: Any = Agent("demo").stream("Hi")
    with pytest.raises(TypeError, match=r"await nbagent\.show\(agent\.stream\(…\)\) shows them"):
        await stream
    assert [event async for event in stream][-1].type == "run.end"


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ({"max_tokens": 5}, "go into model_settings={'max_tokens': 5}"),
        ({"temperature": 0.5}, "go into model_settings={'temperature': 0.5}"),
        ({"api_key": "a-secret-key"}, "client=openai.AsyncOpenAI(api_key=…)"),
        ({"tool": []}, "did you mean 'tools'?"),
        ({"budget": 5}, "a run's limits are max_total_tokens=… and max_cost=…"),
        ({"output_type": int}, "agent.generate(…, output=…)"),
        ({"fallback": None}, "nbagent.show(agent.stream(…), fallback="),
        ({"agents": []}, "handoffs=[other]"),
        ({"colour": 1}, "got an unexpected keyword argument 'colour'"),
    ],
)
def test_an_option_of_something_else_is_refused_with_where_it_goes(
    option: dict[str, Any], hint: str
) -> None:
    with pytest.raises(TypeError, match=re.escape(hint)) as refused:
        Agent("demo", **option)
    assert "a-secret-key" not in str(refused.value)


def test_a_models_parameter_is_recognised_before_openai_has_loaded_its_apis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usage_hints._model_settings.cache_clear()
    monkeypatch.delattr(sys.modules["openai.resources"], "responses", raising=False)
    with pytest.raises(TypeError, match="go into model_settings="):
        Agent("demo", max_tokens=5)  # type: ignore[call-arg]


def test_an_agent_of_several_options_is_described_by_its_signature() -> None:
    assert list(inspect.signature(Agent).parameters)[:3] == ["model", "instructions", "tools"]


async def test_another_vendors_model_is_not_sent_to_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(NbagentError, match=r"model 'claude-sonnet-4' is not OpenAI's.*base_url"):
        await Agent("claude-sonnet-4").generate("Hi")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    Agent("claude-sonnet-4").stream("Hi").close()


def test_a_tool_that_tells_a_model_nothing_is_warned_of_by_name() -> None:
    def guess(a, b: int):  # type: ignore[no-untyped-def]
        return a

    with pytest.warns(
        UserWarning, match="The tool guess has no docstring and no type for a: "
    ) as warned:
        Agent("demo", tools=[guess, weather])
    assert len(warned) == 1
    assert warned[0].filename == __file__


# --- readers ---


def test_plain_code_reads_with_for() -> None:
    with Server(
        say("chat", calls=[("c1", "weather", '{"town": "Oslo"}')]), say("chat", "Rain.", number=2)
    ) as server:
        events = list(agent_of(server, tools=[weather]).stream("go"))

    assert end_of(events).output == "Rain."


def test_another_loop_reads_while_the_main_thread_is_blocked() -> None:
    with Server(say("chat", "Hello there.")) as server:
        stream = agent_of(server).stream("Hi")
        done: list[list[e.Event]] = []
        reader = threading.Thread(target=lambda: done.append(asyncio.run(collect(stream))))
        reader.start()
        reader.join(30)  # this thread does nothing but wait

    assert end_of(done[0]).output == "Hello there."


def test_nbagents_own_loop_reads_and_plain_for_is_refused_there() -> None:
    with Server(say("chat", "Hello there.")) as server:
        agent = agent_of(server)
        assert end_of(loop.submit(collect(agent.stream("Hi"))).result(30)).output == "Hello there."

        async def block() -> None:
            for _ in agent.stream("Hi"):
                pass

        with pytest.raises(NbagentError, match="use async for"):
            loop.submit(block()).result(30)


async def test_the_model_goes_on_while_the_readers_loop_is_blocked() -> None:
    sent = threading.Event()

    def speak(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(*say("chat", "Hello there."))
        exchange.end()
        sent.set()

    with Server(say("chat", calls=[("c1", "weather", '{"town": "Oslo"}')]), speak) as server:
        stream = agent_of(server, tools=[weather]).stream("go")
        seen = [await anext(stream)]
        assert sent.wait(30)  # blocks this loop: the tool ran and the second step came all the same
        seen += await collect(stream)

    assert end_of(seen).output == "Hello there."


async def test_a_client_used_on_the_users_loop_serves_the_agent_too() -> None:
    """A kept-alive connection belongs to the loop that opened it; the agent must not pick it up."""
    with Server(say("chat", "mine"), say("chat", "yours"), say("chat", "mine again")) as server:
        client = server.client()

        async def ask() -> str:
            stream = await client.chat.completions.create(
                model="test-1", messages=[{"role": "user", "content": "?"}], stream=True
            )
            return "".join(
                [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
            )

        assert await ask() == "mine"
        assert await Agent("test-1", client=client).generate("?") == "yours"
        assert await ask() == "mine again"
        await client.close()


# --- the agent itself ---


def test_the_repr_names_model_and_tools_and_no_key() -> None:
    client = openai.AsyncOpenAI(api_key=KEY, base_url=f"http://user:{KEY}@127.0.0.1:9/v1")
    agent = Agent("test-1", tools=[weather], client=client, name="scout")

    assert repr(agent) == "Agent('test-1', name='scout', tools=[weather])"
    assert repr(agent.stream("Hi")) == "<AgentStream of scout>"
    assert KEY not in repr(vars(agent).values())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"model": ""}, NbagentError, "model must be a name"),
        (
            {"client": openai.OpenAI(api_key="x")},
            NbagentError,
            "client must be an openai.AsyncOpenAI, got OpenAI",
        ),
        (
            {"api": "assistants"},
            NbagentError,
            "api must be 'responses' or 'chat', got 'assistants'",
        ),
        ({"max_steps": 0}, NbagentError, "max_steps must be a whole number of at least 1, got 0"),
        (
            {"max_steps": "3"},
            NbagentError,
            "max_steps must be a whole number of at least 1, got '3'",
        ),
        ({"delivery": 3}, NbagentError, "delivery must be Delivery(…) or None, got 3"),
        (
            {"model_settings": 3},
            NbagentError,
            "model_settings must be parameters by name, such as ",
        ),
        (
            {"longterm": "session"},
            NbagentError,
            "longterm must be LongTerm('session'), LongTerm('shared') or None, got 'session'",
        ),
        ({"timeout": 0}, NbagentError, "timeout must be a positive number of seconds, got 0"),
        ({"timeout": "5"}, NbagentError, "timeout must be a positive number of seconds, got '5'"),
        (
            {"idle_timeout": -1},
            NbagentError,
            "idle_timeout must be a positive number of seconds, got -1",
        ),
        ({"tools": [weather, weather]}, ToolError, "weather: two tools have this name"),
        (
            {"tools": ["search"]},
            ToolError,
            "only YAML files have tools by their names: in Python, from nbagent.agent.builtin",
        ),
        (
            {"tools": [5]},
            ToolError,
            "a tool must be a function, got 5; write tools=[f], not tools=[f(…)]",
        ),
    ],
)
def test_arguments_that_cannot_be_are_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as refused:
        Agent(**{"model": "test-1", **options})
    assert message in str(refused.value)
