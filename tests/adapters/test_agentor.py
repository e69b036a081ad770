from dataclasses import dataclass, field
from typing import Any

import pytest
from adapters.recorded import BY_NAME, FOLDER, Transcript, decode

from nbagent import events as ev
from nbagent.adapters.agentor.decoder import AgentorDecoder
from nbagent.adapters.decoders import decoder_for

BODY = (FOLDER / "agentor/engine-chat-endpoint.body.txt").read_text()


@dataclass
class Output:
    """An output of `stream_chat`."""

    type: str = "run_item_stream_event"
    message: Any = None
    chunk: str | None = None
    tool_action: Any = None
    reasoning: str | None = None
    raw_event: Any = None


@dataclass
class Action:
    name: str
    type: str


@dataclass
class Engine:
    """An event of the engine."""

    type: str
    text: str | None = None
    name: str | None = None
    args: Any = None
    result: Any = None
    error: str | None = None
    call_id: str | None = None
    turn: int | None = 1
    usage: Any = None
    status: str | None = None
    agent: str | None = "helper"
    model: str | None = None
    reasoning: str | None = None
    calls: Any = None
    forked_from: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def run(*items: Any) -> list[ev.Event]:
    return decode(decoder_for(items[0]), items)


def of(kind: type[Any], events: list[ev.Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def check(events: list[ev.Event]) -> None:
    transcript = Transcript.of(events)
    assert transcript.texts == ["It is sunny in Mexico City."]
    assert [(tool["name"], tool["result"]) for tool in transcript.tools] == [
        ("get_country", "Mexico"),
        ("get_product_name", "Pydantic AI"),
        ("get_weather", "sunny in Mexico City"),
    ]
    assert transcript.end is not None
    assert transcript.end.status == "completed"


def test_dicts_are_read() -> None:
    check(run(*BY_NAME["agentor/engine-stream_chat"].items))


@pytest.mark.parametrize("size", [60, 61, 100, 5000])
def test_serialised_items_are_read_wherever_the_body_was_cut(size: int) -> None:
    check(run(*(BODY[at : at + size] for at in range(0, len(BODY), size))))
    check(run(*(BODY.encode()[at : at + size] for at in range(0, len(BODY), size))))


def test_the_documented_recipe_puts_data_before_each() -> None:
    check(run(*(f"data: {piece}\n}}\n\n\n" for piece in BODY.split("\n}\n")[:-1])))


def test_what_is_no_json_does_not_hide_what_follows() -> None:
    pieces = BODY.split("\n}\n")
    damaged = "\n}\n".join([pieces[0], pieces[1].replace(":", "", 1), *pieces[2:]])
    events = decode(AgentorDecoder(), [damaged])
    assert Transcript.of(events).texts == ["It is sunny in Mexico City."]
    assert len(of(ev.Raw, events)) == 1


def test_results_that_lost_their_name_go_to_the_oldest_call() -> None:
    (tool,) = Transcript.of(run(*BY_NAME["agentor/pre-stream_chat"].items)).tools
    assert (tool["name"], tool["result"]) == ("get_capital", "Paris")


def test_objects_with_deltas_thoughts_and_hand_offs_are_read() -> None:
    events = run(
        Output(type="agent_updated_stream_event", message="one"),
        Output(reasoning="Hmm"),
        Output(type="raw_response_event", chunk="Hel"),
        Output(message="Hello"),
        Output(tool_action=Action("transfer", "handoff_requested")),
        Output(tool_action=Action("transfer", "handoff_occured"), message="two"),
        Output(message="Bye"),
    )
    transcript = Transcript.of(events)
    assert (transcript.thoughts, transcript.texts) == (["Hmm"], ["Hello", "Bye"])
    (handoff,) = of(ev.AgentHandoff, events)
    assert (handoff.from_, handoff.to) == ("one", "two")


def test_a_stream_that_stops_after_a_tool_was_cut() -> None:
    assert run(Output(tool_action=Action("f", "tool_called")))[-1].status == "incomplete"  # type: ignore[union-attr]
    assert run(Output(tool_action=Action("f", "mcp_approval_requested")))[-1].status == "paused"  # type: ignore[union-attr]


def test_the_engines_events_have_arguments_usage_and_an_end() -> None:
    events = run(
        Engine("run_start", model="m"),
        Engine("tool_call", name="f", args={"x": 1}, call_id="c"),
        Engine("generation", usage={"input": 1, "output": 2, "total": 3}),
        Engine("tool_result", name="f", error="no", call_id="c"),
        Engine("text_delta", text="Hi", turn=2),
        Engine("message", text="Hi!", turn=2),
        Engine("generation", usage={"input": 1, "output": 2, "total": 3}, turn=2),
        Engine("run_end", status="max_turns", text="Hi!"),
    )
    transcript = Transcript.of(events)
    assert (transcript.texts, transcript.tools[0]["args"], transcript.tools[0]["status"]) == (
        ["Hi!"],
        {"x": 1},
        "error",
    )
    assert transcript.end is not None
    assert (transcript.end.status, transcript.end.usage) == (
        "max_steps",
        ev.Usage(input=2, output=4, total=6),
    )
    assert len(of(ev.StepStart, events)) == 2


def test_a_generation_tells_thoughts_and_the_text_beside_its_calls() -> None:
    events = run(
        Engine("fork", forked_from="run-1"),
        Engine("generation", text="I look.", reasoning="Hm.", calls=[{"id": "c"}]),
        Engine("tool_call", name="f", args={}, call_id="c"),
    )
    transcript = Transcript.of(events)
    assert (transcript.thoughts, transcript.texts) == (["Hm."], ["I look."])
    assert [event.message for event in of(ev.Status, events)] == ["Goes on from run-1"]


def test_what_the_engine_tells_and_then_raises_is_one_error() -> None:
    items = [Engine("run_start", model="m"), Engine("error", error="LookupError: no map")]
    (error,) = of(ev.Error, decode(decoder_for(items[0]), items, LookupError("no map")))
    assert (error.error_type, error.message) == ("LookupError", "no map")


def test_the_agents_sdk_has_the_same_tags_and_is_not_meant() -> None:
    assert not AgentorDecoder.recognises(
        {"type": "run_item_stream_event", "name": "tool_called", "item": {}}
    )
    assert not AgentorDecoder.recognises({"type": "error", "message": "x"})
