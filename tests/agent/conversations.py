"""Rules that a conversation has to keep in each of OpenAI's APIs, and conversations to try them
on.
"""

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from nbagent.agent.model import input_items
from nbagent.agent.model.input_items import FunctionCall, FunctionCallOutput, Item, Message

Json = dict[str, Any]


def check_chat(messages: Iterable[Json]) -> None:
    """Assert that Chat Completions takes the messages: each call is answered at once, and nothing
    else is.
    """
    open_calls: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            assert message["tool_call_id"] in open_calls, f"an orphaned result: {message}"
            open_calls.remove(message["tool_call_id"])
            assert isinstance(message["content"], str)
        else:
            assert not open_calls, f"calls without a result: {open_calls}"
            open_calls = [call["id"] for call in message.get("tool_calls", ())]
            assert message["content"] is not None or open_calls
    assert not open_calls


def check_responses(items: Iterable[Json]) -> None:
    """Assert that the Responses API takes the input: each output follows its call, and each call
    has one.
    """
    open_calls: list[str] = []
    for item in items:
        if item.get("type") == "function_call":
            open_calls.append(item["call_id"])
        elif item.get("type") == "function_call_output":
            assert item["call_id"] in open_calls, f"an orphaned result: {item}"
            open_calls.remove(item["call_id"])
    assert not open_calls


def check(items: Iterable[Item]) -> None:
    """Assert that both APIs take the history."""
    items = list(items)
    check_chat(input_items.to_chat(items, ""))
    check_responses(input_items.to_responses(items, stored=False))


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)
_IDS = st.sampled_from("abc")
USER = st.builds(Message, role=st.just("user"), content=TEXTS)
ANSWER = st.builds(Message, role=st.just("assistant"), content=TEXTS)
CALL = st.builds(FunctionCall, call_id=_IDS, name=st.just("f"), arguments=st.just("{}"))
OUTPUT = st.builds(FunctionCallOutput, call_id=_IDS, text=TEXTS, preliminary=st.booleans())

BROKEN = st.lists(st.one_of(USER, ANSWER, CALL, OUTPUT), max_size=20)
"""Histories with calls and outputs in any order."""


@st.composite
def turns(draw: st.DrawFn) -> list[Item]:
    """Return a turn as an agent makes it: a prompt, responses with calls and their outputs, an
    answer.
    """
    made: list[Item] = [draw(USER)]
    for _ in range(draw(st.integers(0, 3))):
        if draw(st.booleans()):
            made.append(draw(ANSWER))
        ids = draw(st.lists(_IDS, min_size=1, max_size=3, unique=True))
        made += [FunctionCall(call_id=id, name="f", arguments="{}") for id in ids]
        made += [FunctionCallOutput(call_id=id, text=draw(TEXTS)) for id in ids]
    return [*made, draw(ANSWER)]
