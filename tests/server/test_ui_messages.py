"""Messages of the AI SDK as an agent's prompt, and tools that its page runs."""

from typing import Any

import pytest
from agent.server import Server as ModelServer
from agent.server import chat
from starlette.testclient import TestClient

import nbagent
from nbagent.agent import Agent
from nbagent.server.limits import DEFAULTS
from nbagent.server.problem import Problem
from nbagent.server.ui_messages import conversation

USER = {"id": "1", "role": "user", "parts": [{"type": "text", "text": "What time is it?"}]}
SCHEMA = {"type": "object", "properties": {"zone": {"type": "string"}}}


def clock(**fields: Any) -> dict[str, Any]:
    """Return the part of a call of the page's tool."""
    return {"type": "tool-clock", "toolCallId": "c1", "input": {"zone": "UTC"}, **fields}


def read(*parts: Any) -> list[dict[str, Any]]:
    """Return the conversation after a prompt and an answer of these parts."""
    return conversation([USER, {"id": "2", "role": "assistant", "parts": parts}], DEFAULTS)[1:]


@pytest.mark.parametrize(
    ("part", "result"),
    [
        (clock(state="output-available", output="12:00"), "12:00"),
        (clock(state="output-available", output={"hour": 12}), '{"hour":12}'),
        (clock(state="output-error", errorText="no clock"), "Error: no clock"),
        (clock(state="output-denied"), "The user denied this call."),
        (
            {**clock(state="output-available", output=7), "type": "dynamic-tool"}
            | {"toolName": "clock"},
            "7",
        ),
    ],
)
def test_a_call_with_a_result_is_part_of_the_conversation(part: Any, result: str) -> None:
    function = {"name": "clock", "arguments": '{"zone":"UTC"}'}
    call = {"id": "c1", "type": "function", "function": function}
    assert read({"type": "step-start"}, {"type": "text", "text": "Let me look."}, part) == [
        {"role": "assistant", "content": "Let me look.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": result},
    ]


@pytest.mark.parametrize(
    "part",
    [
        clock(state="input-available"),
        clock(state="input-streaming", input=None),
        clock(state="output-available", output="12", preliminary=True),
        clock(state="output-available", output="12", providerExecuted=True),
        {"type": "reasoning", "text": "Hm."},
        7,
    ],
)
def test_a_part_that_is_no_text_and_no_result_is_left_out(part: Any) -> None:
    with pytest.raises(Problem, match="must be the user's"):
        read({"type": "text", "text": "Hi."}, part)


def test_pictures_and_files_of_the_user_are_kept() -> None:
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "file", "mediaType": "image/png", "url": "data:image/png;base64,AA=="},
        {"type": "file", "mediaType": "application/pdf", "url": "data:,x", "filename": "a.pdf"},
    ]
    [message] = conversation([{"role": "user", "parts": parts}], DEFAULTS)
    assert message["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:,x"}},
    ]


@pytest.mark.parametrize(
    "tools",
    [
        {"clock": {"description": "Tells the time.", "inputSchema": SCHEMA}},
        [{"name": "clock", "description": "Tells the time.", "parameters": SCHEMA}],
    ],
)
def test_a_page_brings_its_tools_and_goes_on_with_its_message(tools: Any) -> None:
    asks = chat(calls=[("c1", "clock", '{"zone": "UTC"}')])
    with ModelServer(asks, chat("Noon.")) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with TestClient(nbagent.asgi(agent), base_url="http://localhost") as http:
            first = http.post("/api/chat", json={"messages": [USER], "tools": tools})
            done = clock(state="output-available", output="12:00")
            answer = {"id": "m1", "role": "assistant", "parts": [{"type": "step-start"}, done]}
            more = {"messages": [USER, answer], "tools": tools, "system": "Be brief."}
            second = http.post("/api/chat", json=more)
    assert '"type":"finish","finishReason":"tool-calls"' in first.text
    assert '{"type":"start","messageId":"m1"}' in second.text
    function = model.bodies[0]["tools"][0]["function"]
    assert (function["name"], function["parameters"]) == ("clock", SCHEMA)
    assert model.bodies[1]["messages"][0] == {"role": "system", "content": "Be brief."}
    assert model.bodies[1]["messages"][-1]["content"] == "12:00"
