"""DSPy: rules of its streams that the recordings do not show."""

from itertools import pairwise
from typing import Any

import pytest
from adapters.recorded import Transcript, decode
from hypothesis import given
from hypothesis import strategies as st

from nbagent import events as ev
from nbagent.adapters.decoders import decoder_for
from nbagent.adapters.dspy.decoder import DspyDecoder
from nbagent.adapters.dspy.field_text import FieldText
from nbagent.events import Event

RESPONSE = (
    "[[ ## reasoning ## ]]\nIt is [[1, 2]] and [x].\n\n[[ ## answer ## ]]\nParis,\n\n I know.\n"
)
FIELDS = {"reasoning": "It is [[1, 2]] and [x].", "answer": "Paris,\n\n I know."}


def piece(field: str, text: str, last: bool = False, of: str = "predict") -> dict[str, Any]:
    return {
        "predict_name": of,
        "signature_field_name": field,
        "chunk": text,
        "is_last_chunk": last,
    }


def said(message: str) -> dict[str, Any]:
    return {"message": message}


def chunk(content: str | None = None, reason: str | None = None, **delta: Any) -> dict[str, Any]:
    delta = {"content": content, **delta}
    return {
        "predict_id": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
    }


def prediction(**values: Any) -> dict[str, Any]:
    return {"prediction": values}


def run(*items: Any) -> list[Event]:
    return decode(DspyDecoder(), items)


def shown(events: list[Event]) -> list[tuple[str, str]]:
    """Return what is shown, in order: the kind and the text of each block."""
    order: dict[str, tuple[str, str]] = {}
    for event in events:
        match event:
            case ev.TextStart(id=id):
                order[id] = ("text", "")
            case ev.ReasoningStart(id=id):
                order[id] = ("thought", "")
            case ev.ToolStart(id=id, name=name):
                order[id] = ("call", name)
            case ev.TextDelta(id=id, delta=delta) | ev.ReasoningDelta(id=id, delta=delta):
                order[id] = (order[id][0], order[id][1] + delta)
    return list(order.values())


@given(st.lists(st.integers(0, len(RESPONSE)), max_size=20))
def test_the_fields_of_a_response_do_not_depend_on_its_pieces(cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(RESPONSE)]
    text = FieldText()
    pieces = [piece for start, end in pairwise(ends) for piece in text.feed(RESPONSE[start:end])]
    found: dict[str, str] = {}
    for each in [*pieces, *text.finish()]:
        found[each.field] = found.get(each.field, "") + each.text
    assert found == FIELDS


def test_a_field_of_the_reasoning_is_a_thought_and_one_of_the_answer_a_text() -> None:
    events = run(
        piece("reasoning", "Hm."), piece("reasoning", "", True), piece("answer", "Paris", True)
    )
    assert shown(events) == [("thought", "Hm."), ("text", "Paris")]
    assert events[-1] == ev.RunEnd(status="completed")


def test_a_stream_that_breaks_off_is_incomplete() -> None:
    end = run(piece("answer", "Par"))[-1]
    assert isinstance(end, ev.RunEnd)
    assert end.status == "incomplete"


def test_a_prediction_repeats_nothing_of_what_was_streamed() -> None:
    events = run(piece("answer", "Paris", True), prediction(answer="Paris", score=0.5))
    assert shown(events) == [("text", "Paris"), ("text", "0.5")]


def test_an_answer_that_a_program_renames_is_no_other_one() -> None:
    events = run(piece("answer", "Paris", True), prediction(capital="Paris"))
    assert shown(events) == [("text", "Paris")]


def test_a_prediction_alone_is_thought_and_answer() -> None:
    events = run(prediction(reasoning="Hm.", answer="Paris", towns=["Lyon"]))
    assert shown(events) == [("thought", "Hm."), ("text", "Paris"), ("text", '["Lyon"]')]


def test_a_thought_that_comes_with_the_prediction_does_not_stand_below_the_answer() -> None:
    events = run(piece("answer", "Paris", True), prediction(reasoning="Hm.", answer="Paris"))
    assert shown(events) == [("text", "Paris")]
    assert [event.data for event in events if isinstance(event, ev.Custom)] == [
        {"reasoning": "Hm."}
    ]


def test_the_next_turn_of_a_predictor_is_a_step_of_its_own() -> None:
    events = run(piece("next_thought", "One.", True), piece("next_thought", "Two.", True))
    assert shown(events) == [("thought", "One."), ("thought", "Two.")]
    assert sum(isinstance(event, ev.StepStart) for event in events) == 2


def test_predictors_that_stream_side_by_side_keep_their_texts() -> None:
    events = run(
        piece("title", "A", of="one"),
        piece("title", "X", of="two"),
        piece("title", "B", True, of="one"),
        piece("title", "Y", True, of="two"),
    )
    assert shown(events) == [("text", "AB"), ("text", "XY")]


CALLED = {"tool_name_0": "find", "tool_args_0": {"town": "Lyon"}}
FAILED = {**CALLED, "observation_0": "Execution error in find: no map"}


@pytest.mark.parametrize(
    ("observation", "status"), [("here", "ok"), (FAILED["observation_0"], "error")]
)
def test_a_call_begins_with_dspys_message_and_has_its_result_from_the_prediction(
    observation: str, status: str
) -> None:
    events = run(
        said("Calling tool find..."),
        said("Tool calling finished!"),
        piece("answer", "There.", True),
        prediction(answer="There.", trajectory={**CALLED, "observation_0": observation}),
    )
    assert shown(events) == [("call", "find"), ("text", "There.")]
    call = Transcript.of(events).tools[0]
    assert (call["args"], call["result"], call["status"]) == (
        {"town": "Lyon"},
        observation,
        status,
    )
    assert [event.message for event in events if isinstance(event, ev.Status)] == [
        "Tool calling finished!"
    ]


def test_a_call_that_the_model_wrote_begins_once() -> None:
    events = run(
        piece("next_tool_name", "find", True, of="react"),
        piece("next_tool_args", '{"town": ', of="react"),
        piece("next_tool_args", '"Lyon"}', True, of="react"),
        said("Calling tool find..."),
        said("Calling tool find..."),
    )
    assert shown(events) == [("call", "find"), ("call", "find")]
    assert Transcript.of(events).tools[0]["args"] == {"town": "Lyon"}


def test_calls_that_no_message_told_stay_out_of_sight_below_a_streamed_answer() -> None:
    told = {**CALLED, "observation_0": "here"}
    events = run(piece("answer", "There.", True), prediction(answer="There.", trajectory=told))
    assert shown(events) == [("text", "There.")]
    assert [event.data["calls"][0]["name"] for event in events if isinstance(event, ev.Custom)] == [
        "find"
    ]
    assert shown(run(said("Looks"), prediction(answer="There.", trajectory=told))) == [
        ("call", "find"),
        ("text", "There."),
    ]


def test_calls_of_a_history_are_those_of_this_run() -> None:
    def turn(result: str) -> dict[str, Any]:
        calls = [{"id": "c", "name": "find", "args": {}}]
        results = {"tool_call_results": [{"name": "find", "value": result, "is_error": False}]}
        return {"tool_calls": {"tool_calls": calls, "tool_call_results": results}}

    history = {"messages": [turn("before"), turn("now")]}
    events = run(said("Calling tool find..."), prediction(answer="There.", history=history))
    assert [call["result"] for call in Transcript.of(events).tools] == ["now"]


def test_a_models_chunks_are_read_as_the_fields_in_them() -> None:
    events = run(
        chunk(reasoning_content="Hm."),
        chunk(RESPONSE[:30]),
        chunk(RESPONSE[30:]),
        chunk(None, "stop"),
    )
    assert shown(events) == [
        ("thought", "Hm."),
        ("thought", FIELDS["reasoning"]),
        ("text", FIELDS["answer"]),
    ]


def test_a_response_without_fields_is_no_answer() -> None:
    events = run(chunk('{"answer": "Paris"}'), chunk(None, "stop"), prediction(answer="Paris"))
    starts = [event for event in events if isinstance(event, ev.TextStart)]
    assert [start.phase for start in starts] == ["commentary", None]
    assert shown(events)[-1] == ("text", "Paris")


def test_the_tokens_of_every_model_are_added() -> None:
    counts = {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}
    events = run({**prediction(answer="Paris"), "lm_usage": {"one": counts, "two": counts}})
    assert isinstance(events[-1], ev.RunEnd)
    assert events[-1].usage == ev.Usage(input=10, output=12, total=22)


def test_a_chunk_without_dspys_mark_is_one_of_chat() -> None:
    assert decoder_for(chunk("Hi")).system == "dspy"
    assert decoder_for({"choices": chunk("Hi")["choices"]}).system == "openai.chat"
