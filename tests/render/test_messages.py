"""A transcript as messages that a model's API takes."""

import ast
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nbagent import events as e
from nbagent.agent.history import from_prompt, to_chat
from nbagent.render.messages import messages_of, messages_python
from nbagent.transcript import Transcript


def blocks_of(*events: e.Event) -> list[dict[str, Any]]:
    transcript = Transcript("test")
    for at, event in enumerate(events):
        transcript.feed(event if event.ts else e.from_dict({**e.to_dict(event), "ts": float(at + 1)}))
    return transcript.snapshot()


def call(name: str, call_id: str | None = None) -> list[e.Event]:
    args = e.ToolArgs(id=name, args={"year": 2025}, args_text='{"year": 2025}')
    return [e.ToolStart(id=name, name=name, call_id=call_id), args]


def calls(*called: tuple[str, str]) -> list[dict[str, Any]]:
    named = [(id, {"name": name, "arguments": '{"year": 2025}'}) for id, name in called]
    return [{"id": id, "type": "function", "function": function} for id, function in named]


def test_calls_side_by_side_are_one_message_and_their_results_follow() -> None:
    events = [e.TextEnd(id="t", text="I look."), *call("a", "x"), *call("b", "y")]
    events += [e.ToolResult(id="b", content="B"), e.ToolResult(id="a", content={"n": 1}), e.TextEnd(id="u", text="Done.")]
    assert messages_of(blocks_of(*events)) == [
        {"role": "assistant", "content": "I look.", "tool_calls": calls(("x", "a"), ("y", "b"))},
        {"role": "tool", "tool_call_id": "x", "content": '{"n":1}'},
        {"role": "tool", "tool_call_id": "y", "content": "B"},
        {"role": "assistant", "content": "Done."},
    ]


def test_a_call_after_a_result_is_another_message() -> None:
    events = [*call("a"), e.ToolResult(id="a", content="A"), *call("b"), e.ToolResult(id="b", content="B")]
    assert [message["role"] for message in messages_of(blocks_of(*events))] == ["assistant", "tool", "assistant", "tool"]


def test_a_call_without_a_result_is_left_to_be_answered() -> None:
    assert messages_of(blocks_of(*call("a"), e.RunEnd(status="completed"))) == [
        {"role": "assistant", "content": None, "tool_calls": calls(("call_1", "a"))}
    ]


def test_an_error_a_refusal_and_a_stop_are_results() -> None:
    failed = e.ToolResult(id="a", status="error", error=e.ErrorInfo(type="KeyError", message="no"))
    events = [*call("a"), *call("b"), *call("c"), failed, e.ToolResult(id="b", status="denied"), e.RunEnd(status="cancelled")]
    contents = [message["content"] for message in messages_of(blocks_of(*events)) if message["role"] == "tool"]
    assert contents == ["KeyError: no", "denied by the user", "cancelled"]


def test_what_the_model_saw_goes_before_what_the_reader_saw() -> None:
    shown = e.Display(summary="2 rows", data={"text/plain": "a table"})
    blocks = blocks_of(*call("a"), e.ToolResult(id="a", content="rows", display=shown))
    assert messages_of(blocks)[1]["content"] == "a table"
    assert messages_of(blocks, {"a": {"rows": 2}})[1]["content"] == '{"rows":2}'


def test_thoughts_and_sub_agents_are_left_out() -> None:
    inner = e.TextEnd(id="t", text="between us", parent_id="a")
    assert messages_of(blocks_of(e.ReasoningDelta(id="r", delta="hm"), e.AgentStart(id="a", name="x"), inner)) == []


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), max_size=5))
def test_the_python_is_a_literal_and_a_conversation(texts: list[str]) -> None:
    events: list[e.Event] = []
    for number, text in enumerate(texts):
        events += [e.TextEnd(id=f"t{number}", text=text), *call(f"c{number}"), e.ToolResult(id=f"c{number}", content=text)]
    blocks = blocks_of(*events)
    code = messages_python(blocks)
    assert code.startswith("messages = ")
    messages = ast.literal_eval(code.removeprefix("messages = "))
    assert messages == messages_of(blocks)
    if messages:
        assert to_chat(from_prompt(messages), "") == messages
