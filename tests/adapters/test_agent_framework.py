"""Microsoft's agent framework: cases that no recording has."""

from typing import Any

from adapters.recorded import Transcript, decode

from nbagent import events as ev
from nbagent.adapters.agent_framework.decoder import AgentFrameworkDecoder


def update(*contents: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "type": "agent_response_update",
        "role": "assistant",
        "response_id": "r1",
        "contents": list(contents),
        **fields,
    }


def whole(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "merge_mode": "replace", **fields}


def run(*items: Any) -> list[ev.Event]:
    return decode(AgentFrameworkDecoder(), [*items, update(finish_reason="stop", response_id=None)])


def text(delta: str) -> dict[str, Any]:
    return {"type": "text", "text": delta, "merge_mode": "append"}


def thought(delta: str, **fields: Any) -> dict[str, Any]:
    return {"type": "text_reasoning", "id": "rs_1", "text": delta, **fields}


def test_a_text_that_comes_again_as_a_whole_is_one() -> None:
    events = run(
        update(text("Lon")), update(text("don")), update(whole("text", text="London")), update()
    )
    assert Transcript.of(events).texts == ["London"]


def test_parts_of_a_text_are_texts() -> None:
    events = run(
        update(text("A")), update(whole("text", text="A")), update(text("B")), update(text(""))
    )
    assert Transcript.of(events).texts == ["A", "B"]


def test_arguments_that_come_again_as_a_whole_are_those_of_the_call() -> None:
    call = {"type": "function_call", "call_id": "c1", "name": "f"}
    events = run(
        update({**call, "arguments": ""}),
        update({**call, "arguments": '{"x": 1}'}),
        update({**call, "arguments": '{"x": 1}', "merge_mode": "replace"}),
    )
    assert [tool["args"] for tool in Transcript.of(events).tools] == [{"x": 1}]


def test_the_encrypted_form_of_reasoning_is_kept_with_its_last_part() -> None:
    events = run(
        update(thought("", protected_data="begun")),
        update(thought("Hm")),
        update(thought("Hm", merge_mode="replace")),
        update(thought("So")),
        update(thought("So", merge_mode="replace")),
        update(thought("", protected_data="sealed")),
        update(text("Hi")),
    )
    ends = [event for event in events if isinstance(event, ev.ReasoningEnd)]
    assert Transcript.of(events).thoughts == ["Hm", "So"]
    assert [(end.encrypted, end.meta) for end in ends] == [
        (None, None),
        ("sealed", {"item_id": "rs_1"}),
    ]


def test_reasoning_without_a_text_is_kept_for_the_next_request() -> None:
    events = run(update(thought("", protected_data="sealed")), update(text("Hi")))
    (end,) = [event for event in events if isinstance(event, ev.ReasoningEnd)]
    assert (end.encrypted, end.meta) == ("sealed", {"item_id": "rs_1"})


def test_opaque_data_of_reasoning_without_an_item_is_its_signature() -> None:
    events = run(
        update({"type": "text_reasoning", "text": "Hm"}),
        update({"type": "text_reasoning", "protected_data": "signed"}),
        update(text("Hi")),
    )
    (end,) = [event for event in events if isinstance(event, ev.ReasoningEnd)]
    assert (end.signature, end.encrypted) == ("signed", None)


def test_token_counts_of_the_run_so_far_follow_those_of_the_first_response() -> None:
    def counted(total: int, **fields: Any) -> dict[str, Any]:
        return {"type": "usage", "usage_details": {"total_token_count": total}, **fields}

    events = run(
        update(counted(68), finish_reason="tool_calls"),
        update(counted(155, merge_mode="replace"), response_id="r2"),
    )
    totals = [event.usage for event in events if isinstance(event, ev.StepEnd)]
    assert [usage and usage.total for usage in totals] == [68, 87]
