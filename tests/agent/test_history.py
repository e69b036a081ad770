"""Conversion of a history to the form of either API."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from nbagent.agent.history import (
    FunctionCall,
    FunctionCallOutput,
    Item,
    Message,
    OpaqueItem,
    from_prompt,
    from_responses,
    to_chat,
    to_responses,
)
from nbagent.errors import NbagentError

REASONING: dict[str, Any] = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"}
MESSAGE: dict[str, Any] = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hm."}],
    "phase": "commentary",
}
CALL: dict[str, Any] = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"}


def test_a_text_is_what_the_user_says() -> None:
    assert from_prompt("Hi") == [Message(role="user", content="Hi")]


def test_items_of_the_responses_api_go_back_to_it_unchanged() -> None:
    items = [*from_prompt("Hi"), *map(from_responses, (REASONING, MESSAGE, CALL)), FunctionCallOutput(call_id="c1", text="5")]

    assert to_responses(items, stored=False) == [
        {"role": "user", "content": "Hi"},
        REASONING,
        MESSAGE,
        CALL,
        {"type": "function_call_output", "call_id": "c1", "output": "5"},
    ]


def test_a_thought_without_content_is_sent_only_to_a_server_that_stored_it() -> None:
    bare = {"type": "reasoning", "id": "rs_1", "summary": []}
    plain = {**bare, "content": [{"type": "reasoning_text", "text": "Hm"}]}

    assert to_responses([OpaqueItem(item=bare), OpaqueItem(item=plain)], stored=False) == [plain]
    assert to_responses([OpaqueItem(item=bare)], stored=True) == [bare]


def test_chat_groups_calls_into_the_assistants_message() -> None:
    items = [
        *from_prompt("Hi"),
        *map(from_responses, (REASONING, MESSAGE, CALL)),
        FunctionCall(call_id="c2", name="g", arguments='{"x":1}'),
    ]
    items += [
        FunctionCallOutput(call_id="c1", text="5"),
        FunctionCallOutput(call_id="c2", text="6"),
        FunctionCall(call_id="c3", name="f", arguments="{}"),
    ]

    assert to_chat(items, "Be brief.") == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": "Hm.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "c2", "type": "function", "function": {"name": "g", "arguments": '{"x":1}'}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "5"},
        {"role": "tool", "tool_call_id": "c2", "content": "6"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c3", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
    ]


def test_a_text_between_calls_and_their_outputs_joins_the_calls() -> None:
    items: list[Item] = [
        FunctionCall(call_id="c1", name="f", arguments="{}"),
        Message(role="assistant", content="Wait."),
        FunctionCallOutput(call_id="c1", text="5"),
    ]

    assert [(message["role"], message["content"]) for message in to_chat(items, "")] == [("assistant", "Wait."), ("tool", "5")]


_texts = st.text(min_size=1, max_size=5)
_items: st.SearchStrategy[Item] = st.one_of(
    st.builds(Message, role=st.sampled_from(["system", "developer", "user", "assistant"]), content=_texts),
    st.builds(FunctionCall, call_id=_texts, name=_texts, arguments=_texts),
    st.builds(FunctionCallOutput, call_id=_texts, text=_texts),
)


@given(st.lists(_items, min_size=1))
def test_either_api_gets_all_of_a_history_and_gives_it_back(items: list[Item]) -> None:
    converted: list[Item] = [
        replace(item, item=None) if isinstance(item, FunctionCall) else item
        for item in from_prompt(to_responses(items, stored=False))
    ]
    assert converted == items

    converted = from_prompt(to_chat(items, ""))
    for kind in (FunctionCall, FunctionCallOutput):
        assert [item for item in converted if isinstance(item, kind)] == [item for item in items if isinstance(item, kind)]
    for role in ("system", "developer", "user", "assistant"):
        assert _text_of(role, converted) == _text_of(role, items)


def _text_of(role: str, items: list[Item]) -> str:
    return "".join(str(item.content) for item in items if isinstance(item, Message) and item.role == role)


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ([], "the prompt is an empty list"),
        (5, "the prompt must be a text or a list of messages, got 5"),
        ({"role": "user", "content": "Hi"}, "put it in a list"),
        ([5], "a prompt's messages are dicts with 'role' and 'content', got int"),
        ([{"role": "robot", "content": "Hi"}], "needs 'role'"),
        ([{"role": "user"}], "got ['role']"),
        ([{"role": "assistant", "tool_calls": [{"id": "c"}]}], "a message's tool call needs 'id' and 'function'"),
    ],
)
def test_a_prompt_that_cannot_be_read_is_refused(prompt: Any, message: str) -> None:
    with pytest.raises(NbagentError) as refused:
        from_prompt(prompt)
    assert message in str(refused.value)
