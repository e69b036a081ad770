"""Conversion of a history to the form of either API."""

from typing import Any

import pytest
from agent.conversations import BROKEN, check, turns
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from nbagent.agent.model.input_items import (
    FunctionCall,
    FunctionCallOutput,
    Item,
    Message,
    OpaqueItem,
    from_prompt,
    from_responses,
    is_of_model,
    to_chat,
    to_responses,
)
from nbagent.agent.model.valid_history import (
    NO_RESULT,
    NOT_ALLOWED,
    ended,
    final,
    paired,
    settled,
    valid_parts,
)
from nbagent.errors import NbagentError
from nbagent.render.messages import NO_ANSWER

REASONING: dict[str, Any] = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [],
    "encrypted_content": "gAAAA",
}
MESSAGE: dict[str, Any] = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hm."}],
    "phase": "commentary",
}
CALL: dict[str, Any] = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "c1",
    "name": "f",
    "arguments": "{}",
}


def test_a_text_is_what_the_user_says() -> None:
    assert from_prompt("Hi") == [Message(role="user", content="Hi")]


def test_items_of_the_responses_api_go_back_to_it_unchanged() -> None:
    items = [
        *from_prompt("Hi"),
        *map(from_responses, (REASONING, MESSAGE, CALL)),
        FunctionCallOutput(call_id="c1", text="5"),
    ]

    assert to_responses(items, stored=False) == [
        {"type": "message", "role": "user", "content": "Hi"},
        REASONING,
        MESSAGE,
        CALL,
        {"type": "function_call_output", "call_id": "c1", "output": "5"},
    ]


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant"])
def test_a_message_names_its_type(role: Any) -> None:
    """llama.cpp refuses a request with an assistant's message that does not (400, "Cannot determine
    type of 'item'").
    """
    (sent,) = to_responses([Message(role=role, content="a")], stored=False)
    assert sent == {"type": "message", "role": role, "content": "a"}


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
            "tool_calls": [
                {"id": "c3", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
    ]


def test_a_text_between_calls_and_their_outputs_joins_the_calls() -> None:
    items: list[Item] = [
        FunctionCall(call_id="c1", name="f", arguments="{}"),
        Message(role="assistant", content="Wait."),
        FunctionCallOutput(call_id="c1", text="5"),
    ]

    assert [(message["role"], message["content"]) for message in to_chat(items, "")] == [
        ("assistant", "Wait."),
        ("tool", "5"),
    ]


_texts = st.text(min_size=1, max_size=5)
_items: st.SearchStrategy[Item] = st.one_of(
    st.builds(
        Message, role=st.sampled_from(["system", "developer", "user", "assistant"]), content=_texts
    ),
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
        assert [item for item in converted if isinstance(item, kind)] == [
            item for item in items if isinstance(item, kind)
        ]
    for role in ("system", "developer", "user", "assistant"):
        assert _text_of(role, converted) == _text_of(role, items)


def _text_of(role: str, items: list[Item]) -> str:
    return "".join(
        str(item.content) for item in items if isinstance(item, Message) and item.role == role
    )


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ([], "the prompt is an empty list"),
        (5, "the prompt must be a text or a list of messages, got 5"),
        ({"role": "user", "content": "Hi"}, "put it in a list"),
        ([5], "a prompt's messages are dicts with 'role' and 'content', got int"),
        ([{"role": "robot", "content": "Hi"}], "needs 'role'"),
        ([{"role": "user"}], "got ['role']"),
        (
            [{"role": "assistant", "tool_calls": [{"id": "c"}]}],
            "a message's tool call needs 'id' and 'function'",
        ),
    ],
)
def test_a_prompt_that_cannot_be_read_is_refused(prompt: Any, message: str) -> None:
    with pytest.raises(NbagentError) as refused:
        from_prompt(prompt)
    assert message in str(refused.value)


# --- pairs of calls and outputs ---


@given(BROKEN)
def test_any_history_is_made_valid_and_loses_no_word(items: list[Item]) -> None:
    made = paired(items)
    check(made)
    kept = [item for item in items if not isinstance(item, FunctionCallOutput)]
    assert [item for item in made if not isinstance(item, FunctionCallOutput)] == kept
    assert paired(made) == made


@given(turns())
def test_a_whole_turn_stays_as_it_is(turn: list[Item]) -> None:
    assert ended(turn) == paired(turn) == turn


@given(BROKEN)
def test_a_history_can_be_cut_between_any_two_exchanges(items: list[Item]) -> None:
    parts = valid_parts(paired(items))
    assert [item for part in parts for item in part] == paired(items)
    for at in range(len(parts) + 1):
        check(item for part in parts[:at] for item in part)
        check(item for part in parts[at:] for item in part)


@given(turns(), st.integers(1, 20))
def test_a_turn_that_was_broken_off_anywhere_can_go_on(turn: list[Item], length: int) -> None:
    whole = ended(turn[:length])
    check([*whole, Message(role="user", content="and then?")])
    assert is_of_model(whole[-1])


def test_results_follow_their_calls_in_the_calls_order() -> None:
    a, b = (FunctionCall(call_id=id, name="f", arguments="{}") for id in "ab")
    of_a, of_b = (FunctionCallOutput(call_id=id, text=id) for id in "ab")
    assert paired([a, b, of_b, of_a]) == [a, b, of_a, of_b]


def test_calls_of_one_id_get_their_own_results() -> None:
    call = FunctionCall(call_id="c", name="f", arguments="{}")
    first, second, third = (FunctionCallOutput(call_id="c", text=text) for text in "123")
    assert paired([call, call, first, second, call, third]) == [
        call,
        call,
        first,
        second,
        call,
        third,
    ]


def test_a_preliminary_output_gives_way_to_one_that_follows() -> None:
    call = FunctionCall(call_id="c", name="f", arguments="{}")
    asked = FunctionCallOutput(call_id="c", text=NOT_ALLOWED, preliminary=True)
    begun = FunctionCallOutput(call_id="c", text=NO_RESULT, preliminary=True)
    result = FunctionCallOutput(call_id="c", text="1")
    assert paired([call, asked, begun, result]) == [call, result]
    assert paired([call, asked, begun]) == [call, FunctionCallOutput(call_id="c", text=NO_RESULT)]
    assert paired([call, asked]) == [call, FunctionCallOutput(call_id="c", text=NOT_ALLOWED)]
    assert settled([call, asked, begun]) == []
    assert settled([call, asked, begun, result]) == [call, result]
    assert final([call, asked, begun, result]) == [call, result]


def test_a_call_that_was_interrupted_says_so() -> None:
    call = FunctionCall(call_id="c", name="f", arguments="{}")
    assert ended([Message(role="user", content="go"), call]) == [
        Message(role="user", content="go"),
        call,
        FunctionCallOutput(call_id="c", text=NO_RESULT),
        Message(role="assistant", content=NO_ANSWER),
    ]
