"""A transcript as messages that a model's API takes."""

import ast
from typing import Any

import pytest
from adapters.recorded import RECORDINGS, Recording
from agent.conversations import check, check_chat, check_responses
from hypothesis import given
from hypothesis import strategies as st
from streams import event_streams

from nbagent import events as e
from nbagent.agent.model.input_items import Message, from_prompt, text_of, to_chat
from nbagent.agent.model.valid_history import ended
from nbagent.render.messages import messages_of, messages_python, responses_of
from nbagent.transcript import Transcript


def blocks_of(*events: e.Event) -> list[dict[str, Any]]:
    transcript = Transcript("test")
    for at, event in enumerate(events):
        transcript.feed(
            event if event.ts else e.from_dict({**e.to_dict(event), "ts": float(at + 1)})
        )
    return transcript.snapshot()


def call(name: str, call_id: str | None = None) -> list[e.Event]:
    args = e.ToolArgs(id=name, args={"year": 2025}, args_text='{"year": 2025}')
    return [e.ToolStart(id=name, name=name, call_id=call_id), args]


def calls(*called: tuple[str, str]) -> list[dict[str, Any]]:
    named = [(id, {"name": name, "arguments": '{"year": 2025}'}) for id, name in called]
    return [{"id": id, "type": "function", "function": function} for id, function in named]


def test_calls_side_by_side_are_one_message_and_their_results_follow() -> None:
    events = [e.TextEnd(id="t", text="I look."), *call("a", "x"), *call("b", "y")]
    events += [
        e.ToolResult(id="b", content="B"),
        e.ToolResult(id="a", content={"n": 1}),
        e.TextEnd(id="u", text="Done."),
    ]
    assert messages_of(blocks_of(*events)) == [
        {"role": "assistant", "content": "I look.", "tool_calls": calls(("x", "a"), ("y", "b"))},
        {"role": "tool", "tool_call_id": "x", "content": '{"n":1}'},
        {"role": "tool", "tool_call_id": "y", "content": "B"},
        {"role": "assistant", "content": "Done."},
    ]


def test_a_call_after_a_result_is_another_message() -> None:
    events = [
        *call("a"),
        e.ToolResult(id="a", content="A"),
        *call("b"),
        e.ToolResult(id="b", content="B"),
    ]
    assert [message["role"] for message in messages_of(blocks_of(*events))] == [
        "assistant",
        "tool",
        "assistant",
        "tool",
    ]


def test_a_call_without_a_result_is_left_to_be_answered() -> None:
    assert messages_of(blocks_of(*call("a"), e.RunEnd(status="completed"))) == [
        {"role": "assistant", "content": None, "tool_calls": calls(("call_1", "a"))}
    ]


def test_an_error_a_refusal_and_a_stop_are_results() -> None:
    failed = e.ToolResult(id="a", status="error", error=e.ErrorInfo(type="KeyError", message="no"))
    events = [
        *call("a"),
        *call("b"),
        *call("c"),
        failed,
        e.ToolResult(id="b", status="denied"),
        e.RunEnd(status="cancelled"),
    ]
    contents = [
        message["content"]
        for message in messages_of(blocks_of(*events))
        if message["role"] == "tool"
    ]
    assert contents == ["KeyError: no", "denied by the user", "cancelled"]


def test_what_the_model_saw_goes_before_what_the_reader_saw() -> None:
    shown = e.Display(summary="2 rows", data={"text/plain": "a table"})
    blocks = blocks_of(*call("a"), e.ToolResult(id="a", content="rows", display=shown))
    assert messages_of(blocks)[1]["content"] == "a table"
    assert messages_of(blocks, {"a": {"rows": 2}})[1]["content"] == '{"rows":2}'


def test_thoughts_and_sub_agents_are_left_out() -> None:
    inner = e.TextEnd(id="t", text="between us", parent_id="a")
    assert (
        messages_of(
            blocks_of(e.ReasoningDelta(id="r", delta="hm"), e.AgentStart(id="a", name="x"), inner)
        )
        == []
    )


def test_the_prompt_is_the_users_message() -> None:
    picture = {"media_type": "image/png", "data": "aGk="}
    events: list[e.Event] = [
        e.Prompt(text="Hi"),
        e.TextEnd(id="s", text="Hello"),
        e.Prompt(text="What is it?", files=[picture, {"media_type": "text/csv", "name": "a.csv"}]),
        e.TextEnd(id="t", text="A."),
    ]
    parts = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        {"type": "text", "text": "[file: a.csv]"},
    ]
    messages = messages_of(blocks_of(*events))
    assert messages == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": parts},
        {"role": "assistant", "content": "A."},
    ]
    assert responses_of(messages)[2]["content"] == [
        {"type": "input_text", "text": "What is it?"},
        {"type": "input_image", "image_url": "data:image/png;base64,aGk="},
        {"type": "input_text", "text": "[file: a.csv]"},
    ]


def test_ids_and_names_of_calls_are_made_fit() -> None:
    events: list[e.Event] = [
        *call("web search/x", "c"),
        e.ToolResult(id="web search/x", content="A"),
        *call("b", "c"),
        *call("c", "x" * 65),
    ]
    messages = messages_of(blocks_of(*events))
    made = [each for message in messages for each in message.get("tool_calls", ())]
    assert [each["function"]["name"] for each in made] == ["web_search_x", "b", "c"]
    assert [each["id"] for each in made] == ["c", "call_2", "call_3"]


def test_arguments_that_are_no_json_are_put_into_json() -> None:
    events: list[e.Event] = [
        e.ToolStart(id="a", name="a"),
        e.ToolArgs(id="a", args_text='{"year": 20', valid=False),
    ]
    ((made,),) = (message["tool_calls"] for message in messages_of(blocks_of(*events)))
    assert made["function"]["arguments"] == '{"invalid_json":"{\\"year\\": 20"}'


def test_a_call_that_was_passed_over_says_so() -> None:
    messages = messages_of(
        blocks_of(*call("a", "x"), e.TextEnd(id="t", text="Never mind."), *call("b", "y"))
    )
    assert [message.get("content") for message in messages] == [None, "no result", "Never mind."]


@pytest.mark.parametrize("recording", RECORDINGS, ids=str)
def test_the_messages_of_every_recording_are_a_history(recording: Recording) -> None:
    decoder, transcript = recording.decoder(), Transcript("test")
    decoded = [event for item in recording.items for event in decoder.feed(item)]
    for event in (e.Prompt(text="Go."), *decoded, *decoder.close()):
        transcript.feed(event)
    check_history(transcript.snapshot())


@given(event_streams())
def test_the_messages_of_any_run_are_a_history(events: list[e.Event]) -> None:
    check_history(blocks_of(*events))


def said(content: Any) -> str:
    return (
        content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
    )


def check_history(blocks: list[dict[str, Any]]) -> None:
    """Assert that both APIs take the messages, once the last calls are answered, and that our agent
    takes them as they are.
    """
    messages = messages_of(blocks)
    asked = [call["id"] for message in messages for call in message.get("tool_calls", ())]
    assert len(set(asked)) == len(asked)
    answered = {message["tool_call_id"] for message in messages if message["role"] == "tool"}
    results = [
        {"role": "tool", "tool_call_id": id, "content": "done"}
        for id in asked
        if id not in answered
    ]
    check_chat([*messages, *results])
    check_responses(responses_of([*messages, *results]))
    if messages:
        items = from_prompt(messages)
        check(ended(items))
        check(ended(from_prompt(responses_of(messages))))
        for entry in (items, from_prompt(responses_of(messages))):
            assert [text_of(item) for item in entry if isinstance(item, Message)] == [
                said(message["content"])
                for message in messages
                if message["role"] != "tool" and message["content"]
            ]


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), max_size=5))
def test_the_python_is_a_literal_and_a_conversation(texts: list[str]) -> None:
    events: list[e.Event] = []
    for number, text in enumerate(texts):
        events += [
            e.TextEnd(id=f"t{number}", text=text),
            *call(f"c{number}"),
            e.ToolResult(id=f"c{number}", content=text),
        ]
    blocks = blocks_of(*events)
    code = messages_python(blocks)
    assert code.startswith("messages = ")
    messages = ast.literal_eval(code.removeprefix("messages = "))
    assert messages == messages_of(blocks)
    if messages:
        assert to_chat(from_prompt(messages), "") == messages
