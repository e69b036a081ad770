"""Tools of a run's client: the model calls them, the run ends, and the client goes on with the
results.
"""

from typing import Any

import pytest
from agent.server import Server, say
from agent.test_agent import agent_of, collect, of, weather

import nbagent
from nbagent import events as e
from nbagent.agent.client_options import ClientOptions
from nbagent.agent.model.model_options import ModelOptions, UnknownToModel
from nbagent.agent.model.structured import JsonForm
from nbagent.agent.tools.client_tool import ClientTool
from nbagent.errors import ToolError

CLOCK = ClientTool(
    name="clock",
    description="Tells the time at the user's.",
    schema={"type": "object", "properties": {"zone": {"type": "string"}}},
)
OPTIONS = ClientOptions(tools=(CLOCK,))
ASKS_CLOCK = [("c1", "clock", '{"zone": "UTC"}')]
APIS = pytest.mark.parametrize("api", ["chat", "responses"])


def tools_in(body: dict[str, Any]) -> list[str]:
    """Return the names of the tools in a request to the model."""
    return [tool.get("function", tool)["name"] for tool in body.get("tools", [])]


def outputs_in(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the results in a request, each with the id of its call."""
    if "messages" in body:
        results = [each for each in body["messages"] if each["role"] == "tool"]
        return [(each["tool_call_id"], each["content"]) for each in results]
    results = [each for each in body["input"] if each["type"] == "function_call_output"]
    return [(each["call_id"], each["output"]) for each in results]


def result(call_id: str, output: str) -> dict[str, str]:
    """Return the result of a call, as a client gives it."""
    return {"type": "function_call_output", "call_id": call_id, "output": output}


@APIS
async def test_a_call_of_the_clients_tool_ends_the_run(api: Any) -> None:
    with Server(say(api, "Let me look.", calls=ASKS_CLOCK)) as model:
        agent = agent_of(model, api=api, tools=[weather])
        events = await collect(agent.stream("What time is it?", client_options=OPTIONS))
    assert tools_in(model.bodies[0]) == ["weather", "clock"]
    [start], [end] = of(events, e.ToolStart), of(events, e.RunEnd)
    assert (start.kind, start.call_id) == ("client", "c1")
    assert of(events, e.ToolResult) == []
    assert (end.status, end.code) == ("paused", "client_calls")


@APIS
async def test_the_client_goes_on_with_the_results_in_a_session(api: Any) -> None:
    with Server(say(api, calls=ASKS_CLOCK), say(api, "It is noon.", number=2)) as model:
        chat = agent_of(model, api=api).session()
        await collect(chat.stream("What time is it?", client_options=OPTIONS))
        events = await collect(chat.stream([result("c1", "12:00")], client_options=OPTIONS))
    assert outputs_in(model.bodies[1]) == [("c1", "12:00")]
    assert of(events, e.RunEnd)[0].output == "It is noon."
    assert [message["role"] for message in chat.messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]


@pytest.mark.parametrize("memory", [nbagent.BufferWindow(1), nbagent.SummaryBuffer(20), None])
async def test_no_memory_parts_the_results_from_their_calls(memory: Any) -> None:
    with Server(say("chat", calls=ASKS_CLOCK), say("chat", "Noon.", number=2)) as model:
        chat = agent_of(model, memory=memory).session()
        await collect(chat.stream("What time is it?", client_options=OPTIONS))
        await collect(chat.stream([result("c1", "12:00")], client_options=OPTIONS))
    assert outputs_in(model.bodies[1]) == [("c1", "12:00")]


async def test_the_client_goes_on_with_all_messages() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "clock", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "What time is it?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "12:00"},
    ]
    with Server(say("chat", "It is noon.")) as model:
        events = await collect(agent_of(model).stream(messages, client_options=OPTIONS))
    assert model.bodies[0]["messages"] == messages
    assert of(events, e.RunEnd)[0].status == "completed"


async def test_the_agents_own_calls_of_the_same_response_run() -> None:
    calls = [("c1", "weather", '{"town": "Oslo"}'), ("c2", "clock", "{}")]
    with Server(say("chat", calls=calls), say("chat", "Noon.", number=2)) as model:
        chat = agent_of(model, tools=[weather]).session()
        first = await collect(chat.stream("Now?", client_options=OPTIONS))
        await collect(chat.stream([result("c2", "12:00")], client_options=OPTIONS))
    assert [each.id for each in of(first, e.ToolResult)] == [of(first, e.ToolStart)[0].id]
    assert [call_id for call_id, _ in outputs_in(model.bodies[1])] == ["c1", "c2"]


async def test_arguments_that_are_no_json_are_the_clients_affair() -> None:
    with Server(say("chat", calls=[("c1", "clock", '{"zone": ')])) as model:
        events = await collect(agent_of(model).stream("Now?", client_options=OPTIONS))
    assert of(events, e.ToolArgs)[0].args_text == '{"zone": '
    assert of(events, e.RunEnd)[0].status == "paused"


async def test_no_arguments_are_an_empty_object() -> None:
    with Server(say("chat", calls=[("c1", "clock", "")])) as model:
        events = await collect(agent_of(model).stream("Now?", client_options=OPTIONS))
    [args] = of(events, e.ToolArgs)
    assert (args.args, args.args_text) == ({}, "{}")


@APIS
async def test_a_model_that_must_call_gets_the_clients_tools_only(api: Any) -> None:
    options = ClientOptions(tools=(CLOCK,), must_call=True)
    with Server(say(api, calls=ASKS_CLOCK)) as model:
        agent = agent_of(model, api=api, tools=[weather])
        await collect(agent.stream("Now?", client_options=options))
    assert tools_in(model.bodies[0]) == ["clock"]
    assert model.bodies[0]["tool_choice"] == "required"


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["weather"], "the agent has a tool of this name"),
        (["clock", "clock"], "two of the client's tools"),
        (["the clock"], "1 to 64 letters"),
    ],
)
async def test_a_name_that_cannot_be_is_refused(names: list[str], problem: str) -> None:
    options = ClientOptions(tools=tuple(ClientTool(name=name) for name in names))
    with Server() as model, pytest.raises(ToolError, match=problem):
        agent_of(model, tools=[weather]).stream("Now?", client_options=options)


async def test_a_reader_who_sees_no_tools_sees_the_calls_that_are_its_own() -> None:
    calls = [("c1", "weather", '{"town": "Oslo"}'), ("c2", "clock", '{"zone": "UTC"}')]
    with Server(say("chat", calls=calls)) as model:
        agent = agent_of(model, tools=[weather])
        run = nbagent.Run(agent.stream("Now?", client_options=OPTIONS), reveal="answer")
        await run
    assert run.status == "paused"
    assert [each.name for each in of(run.events, e.ToolStart)] == ["clock"]
    assert [each.args for each in of(run.events, e.ToolArgs)] == [{"zone": "UTC"}]


# --- what else a client asks for ---

OPTIONS_OF_MODEL = ModelOptions(
    temperature=0.5,
    max_completion_tokens=100,
    reasoning_effort="low",
    verbosity="low",
    parallel_tool_calls=False,
)


async def test_the_models_options_are_those_of_the_client_by_chat() -> None:
    with Server(say("chat", "Hi.")) as model:
        agent = agent_of(model, model_settings={"temperature": 0, "max_tokens": 50, "top_p": 0.9})
        await collect(agent.stream("Hi", client_options=ClientOptions(model=OPTIONS_OF_MODEL)))
    asked = model.bodies[0]
    assert (asked["temperature"], asked["top_p"]) == (0.5, 0.9)
    assert (asked["reasoning_effort"], asked["verbosity"]) == ("low", "low")
    assert asked["max_tokens"] == 50, "the agent's own limit is lower"
    assert "max_completion_tokens" not in asked


async def test_the_models_options_are_those_of_the_client_by_responses() -> None:
    with Server(say("responses", "Hi.")) as model:
        own = {"reasoning": {"summary": "auto"}, "max_output_tokens": 500}
        agent = agent_of(model, api="responses", model_settings=own)
        await collect(agent.stream("Hi", client_options=ClientOptions(model=OPTIONS_OF_MODEL)))
    asked = model.bodies[0]
    assert (asked["temperature"], asked["max_output_tokens"]) == (0.5, 100)
    assert asked["reasoning"] == {"summary": "auto", "effort": "low"}
    assert asked["text"] == {"verbosity": "low"}
    assert asked["parallel_tool_calls"] is False


def test_an_option_that_the_models_api_does_not_have_is_refused() -> None:
    options = ClientOptions(model=ModelOptions(seed=7))
    with Server() as model, pytest.raises(UnknownToModel, match="seed is not known") as caught:
        agent_of(model, api="responses").stream("Hi", client_options=options)
    assert caught.value.name == "seed"


@APIS
async def test_a_client_asks_for_json_and_gives_instructions(api: Any) -> None:
    form = JsonForm(name="town", schema={"type": "object", "properties": {}}, strict=True)
    options = ClientOptions(form=form, instructions="Be brief.")
    with Server(say(api, '{"town": "Oslo"}')) as model:
        agent = agent_of(model, api=api, instructions="You know towns.")
        events = await collect(agent.stream("Where?", client_options=options))
    asked = model.bodies[0]
    sent = asked["response_format"]["json_schema"] if api == "chat" else asked["text"]["format"]
    assert (sent["name"], sent["schema"], sent["strict"]) == (form.name, form.schema, True)
    prompt = asked["messages"][0]["content"] if api == "chat" else asked["instructions"]
    assert prompt == "You know towns.\n\nBe brief."
    assert of(events, e.TextStart)[0].kind == "json"
    assert of(events, e.RunEnd)[0].output == '{"town": "Oslo"}'
