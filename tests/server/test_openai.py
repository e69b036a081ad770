"""The endpoints of OpenAI's API, as its own client uses them: tools of the client, parameters,
conversations, errors.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx2
import openai
import pytest
from agent.server import Server as ModelServer
from agent.server import chat, refuse, say
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from openai.types.responses import Response
from pydantic import BaseModel
from server.served import holding
from starlette.testclient import TestClient

import nbagent
from nbagent.agent import Agent
from nbagent.server import serve
from nbagent.server.hosting import paused_runs

CLOCK: dict[str, Any] = {
    "name": "clock",
    "description": "Tells the time at the user's.",
    "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}},
}
CHAT_TOOLS: Any = [{"type": "function", "function": CLOCK}]
TOOLS: Any = [{"type": "function", **CLOCK}]
ASKS_CLOCK = chat("Let me look.", calls=[("c1", "clock", '{"zone": "UTC"}')])
NOON = chat("It is ", "noon.")
MESSAGES: Any = [{"role": "user", "content": "What time is it?"}]


def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: One.
        b: The other.
    """
    return a + b


@contextmanager
def serving(
    *replies: Any, agent_options: Any = None, **options: Any
) -> Iterator[tuple[openai.OpenAI, ModelServer]]:
    """Yield OpenAI's client of a server with the agent `assistant`, and the server of its model."""
    with ModelServer(*replies) as model:
        agent = Agent(
            "test-1",
            client=model.client(),
            api="chat",
            name="assistant",
            **(agent_options or {}),
        )
        with (
            serve(agent, port=0, **options) as server,
            openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0) as client,
        ):
            yield client, model


# --- tools of the client ---


def test_a_completion_leaves_calls_to_its_client_which_goes_on_with_the_results() -> None:
    with serving(ASKS_CLOCK, NOON, agent_options={"tools": [add]}) as (client, model):
        first = client.chat.completions.create(
            model="assistant", messages=MESSAGES, tools=CHAT_TOOLS
        )
        choice = first.choices[0]
        [call] = choice.message.tool_calls or []
        assert (choice.finish_reason, choice.message.content) == ("tool_calls", "Let me look.")
        assert call.type == "function"
        assert (call.function.name, call.function.arguments) == ("clock", '{"zone": "UTC"}')
        result = {"role": "tool", "tool_call_id": call.id, "content": "12:00"}
        more: Any = [*MESSAGES, choice.message, result]
        second = client.chat.completions.create(model="assistant", messages=more, tools=CHAT_TOOLS)
        assert second.choices[0].message.content == "It is noon."
        assert second.choices[0].finish_reason == "stop"
    sent = [tool["function"]["name"] for tool in model.bodies[0]["tools"]]
    assert sent == ["add", "clock"]
    assert [message["role"] for message in model.bodies[1]["messages"]] == [
        "user",
        "assistant",
        "tool",
    ]


def test_a_streamed_completion_leaves_calls_to_its_client() -> None:
    with serving(ASKS_CLOCK) as (client, _):
        with client.chat.completions.stream(
            model="assistant", messages=MESSAGES, tools=CHAT_TOOLS
        ) as stream:
            stream.until_done()
            choice = stream.get_final_completion().choices[0]
    [call] = choice.message.tool_calls or []
    assert (choice.finish_reason, call.function.name) == ("tool_calls", "clock")
    assert call.function.arguments == '{"zone": "UTC"}'


def test_the_agents_own_calls_are_not_the_clients() -> None:
    own = chat(calls=[("c0", "add", '{"a": 1, "b": 2}')])
    with serving(own, ASKS_CLOCK, agent_options={"tools": [add]}) as (client, _):
        made = client.chat.completions.create(
            model="assistant", messages=MESSAGES, tools=CHAT_TOOLS
        )
    calls: Any = made.choices[0].message.tool_calls
    assert [call.function.name for call in calls] == ["clock"]


@pytest.mark.parametrize("goes_on", ["previous_response_id", "items", "references"])
def test_a_response_leaves_calls_to_its_client_which_goes_on_with_the_results(
    goes_on: str,
) -> None:
    with serving(ASKS_CLOCK, NOON) as (client, model):
        first = client.responses.create(model="assistant", input="What time is it?", tools=TOOLS)
        [call] = [item for item in first.output if item.type == "function_call"]
        assert (first.status, call.status, call.name) == ("completed", "completed", "clock")
        result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "12:00"}
        more: Any = {"input": [result], "previous_response_id": first.id}
        if goes_on == "items":
            items = [item.model_dump(exclude_none=True) for item in first.output]
            more = {"input": [*MESSAGES, *items, result]}
        elif goes_on == "references":
            items = [{"type": "item_reference", "id": item.id} for item in first.output]
            more = {"input": [*MESSAGES, *items, result]}
        second = client.responses.create(model="assistant", tools=TOOLS, **more)
        assert second.output_text == "It is noon."
    sent = model.bodies[1]["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool"]
    assert sent[2] == {"role": "tool", "tool_call_id": "c1", "content": "12:00"}


def test_a_streamed_response_leaves_calls_to_its_client() -> None:
    with serving(ASKS_CLOCK) as (client, _):
        with client.responses.stream(
            model="assistant", input="What time is it?", tools=TOOLS
        ) as stream:
            stream.until_done()
            made = stream.get_final_response()
    [call] = [item for item in made.output if item.type == "function_call"]
    assert (made.status, call.arguments) == ("completed", '{"zone": "UTC"}')


@pytest.mark.parametrize(
    ("choice", "sent", "sent_choice"),
    [
        ("auto", ["add", "clock", "calendar"], None),
        ("none", ["add"], None),
        ("required", ["clock", "calendar"], "required"),
        ({"type": "function", "name": "clock"}, ["clock"], "required"),
        (
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "clock"}],
            },
            ["add", "clock"],
            None,
        ),
    ],
)
def test_the_choice_of_tools_is_kept(choice: Any, sent: list[str], sent_choice: Any) -> None:
    calendar: Any = {"type": "function", "name": "calendar", "parameters": None}
    with serving(NOON, agent_options={"tools": [add]}) as (client, model):
        client.responses.create(
            model="assistant", input="x", tools=[*TOOLS, calendar], tool_choice=choice
        )
    assert [tool["function"]["name"] for tool in model.bodies[0]["tools"]] == sent
    assert model.bodies[0].get("tool_choice") == sent_choice


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("is_kept", [True, False])
def test_the_model_gets_the_agents_own_calls_again_when_the_client_goes_on(
    api: str, is_kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_kept:
        monkeypatch.setattr(paused_runs, "MAX_RUNS", 0)
    own = chat("Adding.", calls=[("c0", "add", '{"a": 1, "b": 2}')])
    both = chat("Look.", calls=[("c1", "add", '{"a": 3, "b": 4}'), ("c2", "clock", "{}")])
    with serving(own, both, NOON, agent_options={"tools": [add]}) as (client, model):
        if api == "chat":
            first = client.chat.completions.create(
                model="assistant", messages=MESSAGES, tools=CHAT_TOOLS
            )
            message = first.choices[0].message
            [call] = message.tool_calls or []
            result = {"role": "tool", "tool_call_id": call.id, "content": "12:00"}
            more: Any = [*MESSAGES, message, result]
            client.chat.completions.create(model="assistant", messages=more, tools=CHAT_TOOLS)
        else:
            made = client.responses.create(model="assistant", input=MESSAGES, tools=TOOLS)
            call_id = made.output[-1].to_dict()["call_id"]
            output = {"type": "function_call_output", "call_id": call_id, "output": "12:00"}
            items: Any = [*MESSAGES, *(item.to_dict() for item in made.output), output]
            client.responses.create(model="assistant", input=items, tools=TOOLS)
    sent = model.bodies[2]["messages"]
    results = {each["tool_call_id"]: each["content"] for each in sent if each["role"] == "tool"}
    assert results == ({"c0": "3", "c1": "7", "c2": "12:00"} if is_kept else {"c2": "12:00"})
    calls = [call["id"] for each in sent for call in each.get("tool_calls", [])]
    assert calls == list(results)


# --- conversations ---


def test_a_response_goes_on_from_another_one() -> None:
    with serving(chat("Hello, Ada."), chat("Ada.")) as (client, model):
        first = client.responses.create(model="assistant", input="I am Ada.")
        second = client.responses.create(
            model="assistant", input="Who am I?", previous_response_id=first.id
        )
    assert second.previous_response_id == first.id
    assert [message["content"] for message in model.bodies[1]["messages"]] == [
        "I am Ada.",
        "Hello, Ada.",
        "Who am I?",
    ]


def test_two_responses_go_on_from_one_apart() -> None:
    with serving(chat("One."), chat("Two."), chat("Three."), chat("Four.")) as (client, model):
        root = client.responses.create(model="assistant", input="root")
        left = client.responses.create(
            model="assistant", input="left", previous_response_id=root.id
        )
        for begin in (root, left):
            client.responses.create(model="assistant", input="next", previous_response_id=begin.id)
    sent = [[message["content"] for message in body["messages"]] for body in model.bodies[2:]]
    assert sent == [["root", "One.", "next"], ["root", "One.", "left", "Two.", "next"]]


def test_a_response_goes_on_after_the_server_was_started_again(tmp_path: Any) -> None:
    options: Any = {"store": tmp_path / "runs.db"}
    with serving(chat("Hello, Ada."), **options) as (client, _):
        first = client.responses.create(model="assistant", input="I am Ada.")
    with serving(chat("Ada."), **options) as (client, model):
        client.responses.create(model="assistant", input="x", previous_response_id=first.id)
    assert len(model.bodies[0]["messages"]) == 3


@pytest.mark.parametrize("store", [True, False])
def test_a_response_that_is_not_there_cannot_be_gone_on_from(store: bool) -> None:
    with serving(NOON, NOON) as (client, _):
        made = client.responses.create(model="assistant", input="x", store=False)
        with pytest.raises(openai.BadRequestError) as caught:
            client.responses.create(
                model="assistant",
                input="x",
                previous_response_id="resp_run-none" if store else made.id,
            )
    assert caught.value.code == "previous_response_not_found"
    assert caught.value.param == "previous_response_id"


def test_a_result_of_no_call_is_refused() -> None:
    result: Any = {"type": "function_call_output", "call_id": "c9", "output": "12:00"}
    with serving(ASKS_CLOCK) as (client, _):
        first = client.responses.create(model="assistant", input="x", tools=TOOLS)
        follow: Any = {"previous_response_id": first.id}
        mores: list[Any] = [{}, follow]
        for more in mores:
            with pytest.raises(openai.BadRequestError, match="no call 'c9'") as caught:
                client.responses.create(model="assistant", input=[result], **more)
            assert caught.value.param == "input"
        message: Any = {"role": "tool", "tool_call_id": "c9", "content": "12:00"}
        with pytest.raises(openai.BadRequestError, match="no call 'c9'"):
            client.chat.completions.create(model="assistant", messages=[*MESSAGES, message])


def test_a_response_is_read_again_and_one_that_goes_on_is_stopped() -> None:
    with serving(NOON, holding) as (client, _):
        made = client.responses.create(model="assistant", input="x", metadata={"a": "b"})
        assert client.responses.retrieve(made.id) == made
        begun = client.responses.create(model="assistant", input="x", background=True)
        assert begun.status in ("queued", "in_progress")
        stopped = client.responses.cancel(begun.id)
        assert (stopped.id, stopped.status) == (begun.id, "cancelled")
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve("resp_run-none")


def test_a_response_is_streamed_again_from_any_event_on() -> None:
    with serving(NOON) as (client, _):
        events = list(client.responses.create(model="assistant", input="x", stream=True))
        made: Any = events[0]
        again = client.responses.retrieve(made.response.id, stream=True, starting_after=3)
        assert list(again) == events[4:]


# --- parameters ---


class Town(BaseModel):
    """A form that a client asks for."""

    name: str


def test_the_models_options_reach_the_model() -> None:
    with serving(NOON, NOON) as (client, model):
        options: Any = {"temperature": 0.5, "top_p": 0.9, "stop": ["."], "seed": 7}
        client.chat.completions.create(
            model="assistant",
            messages=MESSAGES,
            max_completion_tokens=9,
            reasoning_effort="low",
            user="ada",
            **options,
        )
        client.responses.create(
            model="assistant",
            input="x",
            instructions="Be brief.",
            max_output_tokens=9,
            reasoning={"effort": "low"},
            temperature=0,
        )
    first, second = model.bodies
    assert {name: first[name] for name in options} == options
    assert (first["max_completion_tokens"], first["reasoning_effort"]) == (9, "low")
    assert (second["max_tokens"], second["reasoning_effort"]) == (9, "low")
    assert second["temperature"] == 0
    assert second["messages"][0] == {"role": "system", "content": "Be brief."}
    assert "user" not in first


def test_a_client_reads_json_of_the_form_that_it_asks_for() -> None:
    say = chat('{"name": ', '"Oslo"}')
    with serving(say, say, say) as (client, model):
        parsed = client.chat.completions.parse(
            model="assistant", messages=MESSAGES, response_format=Town
        )
        assert parsed.choices[0].message.parsed == Town(name="Oslo")
        assert client.responses.parse(
            model="assistant", input="x", text_format=Town
        ).output_parsed == Town(name="Oslo")
        client.chat.completions.create(
            model="assistant", messages=MESSAGES, response_format={"type": "json_object"}
        )
    forms = [body["response_format"]["json_schema"] for body in model.bodies]
    assert [form["name"] for form in forms] == ["Town", "Town", "answer"]
    assert [form["strict"] for form in forms] == [True, True, False]


def test_json_comes_without_the_texts_before_the_agents_own_calls() -> None:
    own = chat("Let me add.", calls=[("c0", "add", '{"a": 1, "b": 2}')])
    with serving(own, chat('{"name": "Oslo"}'), agent_options={"tools": [add]}) as (client, _):
        with client.chat.completions.stream(
            model="assistant", messages=MESSAGES, response_format=Town
        ) as stream:
            stream.until_done()
            message = stream.get_final_completion().choices[0].message
    assert message.parsed == Town(name="Oslo")


def test_an_answer_that_reaches_its_limit_comes_as_far_as_it_goes() -> None:
    cut = chat("It is", finish_reason="length")
    with serving(cut, cut) as (client, _):
        whole = client.chat.completions.create(model="assistant", messages=MESSAGES, max_tokens=2)
        made = client.responses.create(model="assistant", input="x", max_output_tokens=2)
    assert (whole.choices[0].finish_reason, whole.choices[0].message.content) == (
        "length",
        "It is",
    )
    assert made.status == "incomplete"
    assert made.incomplete_details is not None
    assert made.incomplete_details.reason == "max_output_tokens"


CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
FUNCTION = {"type": "function"}
TEXT = {"type": "text", "text": "What is in it?"}
URL = "data:image/png;base64,iVBORw0KGgo="
PICTURE = {"type": "image_url", "image_url": {"url": URL, "detail": "low"}}
BY_ID = {"file_id": "file-1"}
RESULT = {"type": "function_call_output", "call_id": "c1"}


def user(*parts: Any) -> Any:
    return [{"role": "user", "content": list(parts)}]


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_picture_of_either_api_reaches_the_model_in_the_form_of_its_own(api: Any) -> None:
    shown = {"type": "input_image", "image_url": URL, "detail": "low"}
    expected = [TEXT, PICTURE] if api == "chat" else [{**TEXT, "type": "input_text"}, shown]
    with ModelServer(say(api, "A dot."), say(api, "A dot.")) as model:
        agent = Agent("test-1", client=model.client(), api=api, name="assistant")
        with (
            serve(agent, port=0) as server,
            openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0) as client,
        ):
            client.chat.completions.create(model="assistant", messages=user(TEXT, PICTURE))
            asked = user({**TEXT, "type": "input_text"}, shown)
            client.responses.create(model="assistant", input=asked)
    for body in model.bodies:
        [message] = body["messages" if api == "chat" else "input"]
        assert message["content"] == expected


@pytest.mark.parametrize(
    ("path", "more", "param"),
    [
        (CHAT, {"n": 2}, "n"),
        (CHAT, {"logprobs": True}, "logprobs"),
        (CHAT, {"functions": [CLOCK]}, "functions"),
        (CHAT, {"modalities": ["text", "audio"]}, "modalities"),
        (CHAT, {"top_k": 3}, "top_k"),
        (CHAT, {"temperature": "hot"}, "temperature"),
        (CHAT, {"temperature": 3}, "temperature"),
        (CHAT, {"max_tokens": 0}, "max_tokens"),
        (CHAT, {"tools": [{"type": "custom", "custom": {}}]}, "tools[0].type"),
        (CHAT, {"tools": [{**FUNCTION, "function": {}}]}, "tools[0].function"),
        (CHAT, {"tools": CHAT_TOOLS * 2}, "tools"),
        (CHAT, {"tools": CHAT_TOOLS, "tool_choice": "any"}, "tool_choice"),
        (CHAT, {"tool_choice": {**FUNCTION, "function": {"name": "clock"}}}, "tool_choice"),
        (CHAT, {"tool_choice": "required"}, "tool_choice"),
        (CHAT, {"response_format": {"type": "xml"}}, "response_format.type"),
        (CHAT, {"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (CHAT, {"messages": []}, "messages"),
        (CHAT, {"messages": [{"role": "nobody", "content": "x"}]}, "messages"),
        (CHAT, {"messages": "x"}, "messages"),
        (CHAT, {"messages": [{"type": [], "role": "nobody", "content": "x"}]}, "messages"),
        (CHAT, {"messages": user({"type": "video_url"})}, "messages[0].content[0]"),
        (CHAT, {"messages": user(TEXT, {"type": "image_url"})}, "messages[0].content[1]"),
        (CHAT, {"messages": user({"type": "file", "file": BY_ID})}, "messages[0].content[0]"),
        (
            CHAT,
            {"messages": [*MESSAGES, {"role": "tool", "tool_call_id": "c1", "content": [PICTURE]}]},
            "messages[1].content[0]",
        ),
        (RESPONSES, {"input": user({"type": "input_image", **BY_ID})}, "input[0].content[0]"),
        (RESPONSES, {"input": [{**RESULT, "output": [PICTURE]}]}, "input[0].output[0]"),
        (CHAT, {"stream": "yes"}, "stream"),
        (RESPONSES, {"tools": [{"type": "web_search"}]}, "tools[0].type"),
        (RESPONSES, {"truncation": "auto"}, "truncation"),
        (RESPONSES, {"conversation": "conv_1"}, "conversation"),
        (RESPONSES, {"max_tool_calls": 1}, "max_tool_calls"),
        (RESPONSES, {"include": ["message.output_text.logprobs"]}, "include"),
        (RESPONSES, {"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
        (
            RESPONSES,
            {"input": [{"type": "item_reference", "id": f"msg_run-{'x' * 16}_text-1"}]},
            "input[0]",
        ),
        (RESPONSES, {"input": ""}, "input"),
        (RESPONSES, {"max_tokens": 5}, "max_tokens"),
        (RESPONSES, {"text": {"format": {"type": "json_schema"}}}, "text.format"),
    ],
)
def test_a_parameter_that_cannot_be_kept_is_refused_by_its_name(
    path: str, more: dict[str, Any], param: str
) -> None:
    body = {"model": "assistant", **({"messages": MESSAGES} if path == CHAT else {"input": "x"})}
    app = nbagent.asgi(Agent("demo", name="assistant"))
    with TestClient(app, base_url="http://localhost") as client:
        response = client.post(path, json={**body, **more})
    error = response.json()["error"]
    assert (response.status_code, error["param"]) == (400, param)
    assert error["type"] == "invalid_request_error"
    assert param.partition("[")[0] in error["message"]


def test_null_and_the_defaults_are_no_parameters() -> None:
    with serving(NOON) as (client, _):
        client.chat.completions.create(
            model="assistant", messages=MESSAGES, n=1, logprobs=False, audio=None, stop=None
        )


def test_what_changes_no_answer_is_taken() -> None:
    more: Any = {"store": True, "metadata": {"a": "b"}, "service_tier": "auto", "user": "ada"}
    with serving(NOON, NOON) as (client, _):
        client.chat.completions.create(model="assistant", messages=MESSAGES, **more)
        client.responses.create(model="assistant", input="x", prompt_cache_key="k", **more)


def test_an_option_that_the_agents_model_does_not_have_is_refused() -> None:
    with ModelServer() as model:
        agent = Agent("test-1", client=model.client(), api="responses", name="assistant")
        app = nbagent.asgi(agent)
        with TestClient(app, base_url="http://localhost") as client:
            body = {"model": "assistant", "messages": MESSAGES, "seed": 1}
            response = client.post(CHAT, json=body)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "seed")


# --- the model, and errors ---


def test_the_agents_name_is_the_model_everywhere() -> None:
    with serving(NOON, NOON, NOON, NOON) as (client, _):
        whole = client.chat.completions.create(model="assistant", messages=MESSAGES)
        chunks = client.chat.completions.create(
            model="assistant",
            messages=MESSAGES,
            stream=True,
            stream_options={"include_usage": True},
        )
        made = client.responses.create(model="assistant", input="x")
        events: Any = client.responses.create(model="assistant", input="x", stream=True)
        names = {whole.model, *(chunk.model for chunk in chunks), made.model}
        names |= {event.response.model for event in events if hasattr(event, "response")}
        names |= {client.responses.retrieve(made.id).model}
        names |= {client.models.retrieve("assistant").id, client.models.list().data[0].id}
    assert names == {"assistant"}


@pytest.mark.parametrize(
    "body",
    [
        {"tools": TOOLS, "tool_choice": "auto"},
        {"tools": TOOLS, "tool_choice": {"type": "function", "name": "clock"}},
        {"tools": [{"type": "function", "name": "clock"}], "parallel_tool_calls": False},
        {"text": {"format": {"type": "json_object"}}, "metadata": {"a": "b"}, "temperature": 0},
        {"instructions": "Be brief.", "max_output_tokens": 9, "background": True},
    ],
)
def test_a_response_is_one_by_openais_own_types(body: dict[str, Any]) -> None:
    with serving(ASKS_CLOCK if "tools" in body else NOON) as (client, _):
        url = f"{client.base_url}responses"
        made = httpx2.post(url, json={"model": "assistant", "input": "x", **body}).json()
        again = httpx2.get(f"{url}/{made['id']}").json()
    for each in (made, again):
        assert set(each) <= set(Response.model_fields)
        Response.model_validate(each)
        assert each["metadata"] == body.get("metadata", {})


def test_a_completion_is_one_by_openais_own_types() -> None:
    with serving(ASKS_CLOCK) as (client, _):
        body = {"model": "assistant", "messages": MESSAGES, "tools": CHAT_TOOLS}
        made = httpx2.post(f"{client.base_url}chat/completions", json=body).json()
    assert set(made) <= set(ChatCompletion.model_fields)
    assert set(made["choices"][0]["message"]) <= set(ChatCompletionMessage.model_fields)
    ChatCompletion.model_validate(made)


def test_an_agent_that_is_not_served_is_not_found() -> None:
    with serving() as (client, _):
        for ask in (
            lambda: client.models.retrieve("gpt-5"),
            lambda: client.chat.completions.create(model="gpt-5", messages=MESSAGES),
            lambda: client.responses.create(model="gpt-5", input="x"),
        ):
            with pytest.raises(openai.NotFoundError) as caught:
                ask()
            error = caught.value
            assert (error.type, error.param, error.code) == (
                "invalid_request_error",
                "model",
                "model_not_found",
            )


def test_a_failure_of_the_model_is_told_and_begins_no_other_run() -> None:
    with serving(refuse(401, "no such key"), refuse(401, "no such key")) as (client, model):
        patient = client.with_options(max_retries=2)
        for ask in (
            lambda: patient.chat.completions.create(model="assistant", messages=MESSAGES),
            lambda: patient.responses.create(model="assistant", input="x"),
        ):
            with pytest.raises(openai.InternalServerError, match="no such key") as caught:
                ask()
            assert caught.value.type == "server_error"
    assert len(model.bodies) == 2


REFUSED: list[tuple[int, str, dict[str, Any]]] = [
    (
        400,
        "invalid_request_error",
        {"content": b"{", "headers": {"content-type": "application/json"}},
    ),
    (401, "invalid_request_error", {"headers": {"authorization": "Bearer wrong"}}),
    (413, "invalid_request_error", {"json": {"messages": [{"content": "x" * 3000}]}}),
    (415, "invalid_request_error", {"content": b"{}", "headers": {"content-type": "text/plain"}}),
]


@pytest.mark.parametrize(("status", "type", "request_"), REFUSED)
@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_each_refusal_has_the_form_of_openais(
    path: str, status: int, type: str, request_: dict[str, Any]
) -> None:
    app = nbagent.asgi(
        Agent("demo", name="assistant"), token="t" * 20, limits=nbagent.Limits(max_body_bytes=2000)
    )
    headers = {"authorization": f"Bearer {'t' * 20}"} | request_.get("headers", {})
    with TestClient(app, base_url="http://localhost") as client:
        response = client.post(path, **{**request_, "headers": headers})
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (status, type)
    assert set(error) == {"message", "type", "param", "code"}


def test_too_many_requests_and_runs_have_the_form_of_openais() -> None:
    limits = nbagent.Limits(requests_at_once=2, requests_per_s=0.01)
    app = nbagent.asgi(Agent("demo", name="assistant"), limits=limits)
    with TestClient(app, base_url="http://localhost") as client:
        refused = [client.get("/v1/models") for _ in range(3)][-1]
    error = refused.json()["error"]
    assert (refused.status_code, error["type"]) == (429, "rate_limit_error")
    assert (error["code"], "retry-after" in refused.headers) == ("rate_limit_exceeded", True)
    with serving(holding, limits=nbagent.Limits(max_runs=1)) as (client, _):
        client.responses.create(model="assistant", input="x", background=True)
        with pytest.raises(openai.InternalServerError, match="max_runs") as caught:
            client.responses.create(model="assistant", input="x")
    assert (caught.value.status_code, caught.value.type) == (503, "server_error")


# --- clients that leave ---


@asynccontextmanager
async def asked(path: str, body: dict[str, Any], **options: Any) -> AsyncIterator[ModelServer]:
    """Ask a server, leave when its model has begun to answer, and yield the model."""
    begun = threading.Event()

    def hold(exchange: Any) -> None:
        begun.set()
        holding(exchange)

    with ModelServer(hold) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with serve(agent, port=0, **options) as server:
            async with httpx2.AsyncClient(base_url=server.url, timeout=60) as client:
                asking = asyncio.create_task(client.post(path, json=body))
                assert await asyncio.to_thread(begun.wait, 30)
                asking.cancel()
                await asyncio.wait([asking])
            yield model


BODIES = [
    (CHAT, {"model": "assistant", "messages": MESSAGES}),
    (RESPONSES, {"model": "assistant", "input": "x"}),
    ("/chat", {"message": "x", "stream": False}),
]


@pytest.mark.parametrize(("path", "body"), BODIES)
@pytest.mark.parametrize("by", ["server", "request"])
async def test_a_run_without_a_stream_is_cancelled_when_its_client_leaves(
    path: str, body: dict[str, Any], by: str
) -> None:
    query = "?cancel_on_disconnect=true" if by == "request" else ""
    async with asked(path + query, body, cancel_on_disconnect=by == "server") as model:
        assert await asyncio.to_thread(model.hung_up.wait, 30)


async def test_a_run_goes_on_without_its_client_by_default() -> None:
    async with asked(*BODIES[0]) as model:
        assert not await asyncio.to_thread(model.hung_up.wait, 0.3)
