"""Haystack: rules of its chunks that the recordings do not show."""

from typing import Any

import pytest
from adapters.recorded import Transcript, decode

from nbagent import events as ev
from nbagent.adapters.decoders import decoder_for
from nbagent.adapters.haystack.decoder import HaystackDecoder
from nbagent.events import Event

COUNTS = {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}


def chunk(content: str = "", component: str | None = "llm", **fields: Any) -> dict[str, Any]:
    return {
        "content": content,
        "meta": {},
        "component_info": {"type": "Generator", "name": component},
        "index": 0,
        "tool_calls": None,
        "tool_call_result": None,
        "finish_reason": None,
        "reasoning": None,
        **fields,
    }


def call(index: int = 0, **fields: Any) -> dict[str, Any]:
    return chunk(tool_calls=[{"index": index, **fields}])


def result(value: Any, *, error: bool = False, id: str | None = "c", **args: Any) -> dict[str, Any]:
    origin = {"tool_name": "find", "arguments": args, "id": id}
    return chunk(tool_call_result={"result": value, "origin": origin, "error": error})


def thought(text: str, **extra: Any) -> dict[str, Any]:
    return chunk(reasoning={"reasoning_text": text, "extra": extra})


def run(*items: Any) -> list[Event]:
    return decode(HaystackDecoder(), items)


def end_of(events: list[Event]) -> ev.RunEnd:
    assert isinstance(events[-1], ev.RunEnd)
    return events[-1]


def test_the_first_chunk_tells_the_system() -> None:
    assert decoder_for(chunk("Hi")).system == "haystack"


def test_thoughts_end_where_the_text_begins() -> None:
    events = run(thought("Hm."), chunk("Paris"), chunk(finish_reason="stop"))
    assert [type(event) for event in events if "End" in type(event).__name__][:2] == [
        ev.ReasoningEnd,
        ev.TextEnd,
    ]
    transcript = Transcript.of(events)
    assert (transcript.thoughts, transcript.texts) == (["Hm."], ["Paris"])


def test_each_part_of_a_summary_is_a_thought() -> None:
    events = run(thought("One.", summary_index=0), thought("Two.", summary_index=1))
    assert Transcript.of(events).thoughts == ["One.", "Two."]


def test_whole_calls_of_the_same_index_are_several() -> None:
    events = run(
        call(id="a", tool_name="find", arguments='{"town": "Lyon"}'),
        call(id="b", tool_name="find", arguments='{"town": "Nice"}'),
        chunk(finish_reason="tool_calls"),
    )
    assert [made["args"] for made in Transcript.of(events).tools] == [
        {"town": "Lyon"},
        {"town": "Nice"},
    ]


def test_a_name_that_is_repeated_begins_no_new_call() -> None:
    events = run(
        call(id="a", tool_name="find", arguments='{"town"'),
        call(id="a", tool_name="find", arguments=': "Lyon"}'),
        chunk(finish_reason="tool_calls"),
    )
    assert [made["args"] for made in Transcript.of(events).tools] == [{"town": "Lyon"}]


@pytest.mark.parametrize("id", ["item", "call", None, "another"])
def test_a_result_finds_its_call_by_any_of_its_ids(id: str | None) -> None:
    events = run(
        call(id="item", tool_name="find", extra={"call_id": "call"}, arguments="{}"),
        chunk(finish_reason="tool_calls"),
        result("here", id=id),
    )
    assert [made["result"] for made in Transcript.of(events).tools] == ["here"]


def test_a_result_without_its_call_has_the_arguments_with_it() -> None:
    made = Transcript.of(run(result("no map", error=True, town="Lyon"))).tools[0]
    assert (made["args"], made["result"], made["status"]) == ({"town": "Lyon"}, "no map", "error")


def test_a_run_that_ends_with_a_result_is_incomplete_unless_the_tools_have_ended() -> None:
    made = [call(id="c", tool_name="find"), chunk(finish_reason="tool_calls"), result("here")]
    assert end_of(run(*made)).status == "incomplete"
    ended = chunk(component_info=None, finish_reason="tool_call_results")
    assert end_of(run(*made, ended)).status == "completed"


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_a_response_that_is_cut_short_is_incomplete(reason: str) -> None:
    end = end_of(run(chunk("Par", finish_reason=reason)))
    assert (end.status, end.finish_reason) == ("incomplete", reason)


def test_only_a_component_that_tells_nothing_is_complete_at_the_end_of_the_stream() -> None:
    assert end_of(run(chunk("Paris"))).status == "completed"
    cut = chunk("Par", meta={"finish_reason": None})
    assert end_of(run(cut)).status == "incomplete"


def test_tokens_that_follow_the_end_are_those_of_the_response() -> None:
    late = chunk(index=None, meta={"usage": COUNTS})
    events = run(
        chunk("One"), chunk(finish_reason="stop"), late, chunk("Two", meta={"usage": COUNTS})
    )
    usages = [event.usage for event in events if isinstance(event, ev.StepEnd)]
    assert usages == [ev.Usage(input=5, output=6, total=11)] * 2


def test_components_that_stream_side_by_side_keep_their_texts_and_tokens() -> None:
    events = run(
        chunk("A", "one"),
        chunk("X", "two"),
        chunk("B", "one", finish_reason="stop"),
        chunk("", "one", meta={"usage": COUNTS}),
        chunk("Y", "two", finish_reason="stop"),
        chunk("", "two", meta={"usage": COUNTS}),
    )
    assert Transcript.of(events).texts == ["AB", "XY"]
    assert end_of(events).usage == ev.Usage(input=10, output=12, total=22)


def test_a_response_that_failed_fails_the_run() -> None:
    failed = chunk(meta={"response": {"error": {"code": "server_error", "message": "no"}}})
    events = run(chunk("Par"), failed)
    assert [event.message for event in events if isinstance(event, ev.Error)] == ["no"]
    assert end_of(events).status == "failed"


def test_an_annotation_is_a_source() -> None:
    annotation = {"type": "url_citation", "url": "https://a.example", "title": "A"}
    events = run(chunk("Paris"), chunk(meta={"annotation": annotation}))
    assert [event.url for event in events if isinstance(event, ev.Source)] == ["https://a.example"]
