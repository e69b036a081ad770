"""AG2: rules of its events that the recordings do not show, and the thoughts of one of them."""

from typing import Any

import pytest
from adapters.recorded import BY_NAME, Transcript, decode

from nbagent import events as ev
from nbagent.adapters.ag2.decoder import Ag2Decoder
from nbagent.adapters.decoders import decoder_for
from nbagent.events import Event


def event(name: str, module: str = "events.types", /, **fields: Any) -> dict[str, Any]:
    return {"__event__": f"ag2.{module}.{name}", **fields}


def usage(**counts: int) -> dict[str, Any]:
    return {"__dataclass__": "ag2.events.types.Usage", "data": counts}


def call(id: str = "c", name: str = "find", arguments: str = "{}") -> dict[str, Any]:
    return event("ToolCallEvent", id=id, name=name, arguments=arguments)


def response(text: str | None = None, *calls: Any, **fields: Any) -> dict[str, Any]:
    message = event("ModelMessage", content=text) if text else None
    made = event("ToolCallsEvent", calls=list(calls))
    return event("ModelResponse", message=message, tool_calls=made, **fields)


def result(*parts: Any, name: str = "ToolResultEvent", **fields: Any) -> dict[str, Any]:
    told = {"__dataclass__": "ag2.events.tool_events.ToolResult", "data": {"parts": list(parts)}}
    return event(name, parent_id="c", name="find", result=told, **fields)


def text_part(text: str) -> dict[str, Any]:
    return event("TextInput", content=text)


def run(*items: Any) -> list[Event]:
    return decode(Ag2Decoder(), items)


def only(events: list[Event], kind: type) -> list[Any]:
    return [each for each in events if isinstance(each, kind)]


def end_of(events: list[Event]) -> ev.RunEnd:
    assert isinstance(events[-1], ev.RunEnd)
    return events[-1]


@pytest.mark.parametrize(
    "item", [response("Hi"), {"type": "ag2.events.types.ModelMessage", "data": {"content": "Hi"}}]
)
def test_the_first_item_tells_the_system(item: Any) -> None:
    assert decoder_for(item).system == "ag2"
    assert Transcript.of(run(item)).texts == ["Hi"]


def test_each_whole_thought_of_a_provider_is_one() -> None:
    transcript = Transcript.of(run(*BY_NAME["ag2/replay-thinking"].items))
    heads = [thought.split("\n")[0] for thought in transcript.thoughts]
    assert (len(heads), heads[0]) == (4, "**Providing street crossing instructions**")
    assert transcript.texts[0].startswith("I'm not a road safety professional")


def test_pieces_of_a_thought_are_one() -> None:
    events = run(
        event("ModelReasoning", content="Hm"),
        event("ModelReasoning", content="."),
        event("ModelMessageChunk", content="Paris"),
    )
    assert Transcript.of(events).thoughts == ["Hm."]


def test_messages_without_pieces_are_texts_of_their_own() -> None:
    events = run(
        event("ModelMessage", content="One."),
        event("ModelMessage", content="Two."),
        response("Two."),
    )
    assert Transcript.of(events).texts == ["One.", "Two."]


def test_a_message_after_its_pieces_repeats_them_also_around_a_call() -> None:
    events = run(
        event("ModelMessageChunk", content="One."),
        event("OpenAIServerToolCallEvent", "config.openai.events", id="w", name="web_search"),
        event("ModelMessageChunk", content="Two."),
        event("ModelMessage", content="One.Two."),
        response("One.Two."),
    )
    assert Transcript.of(events).texts == ["One.", "Two."]
    assert [(started.name, started.kind) for started in only(events, ev.ToolStart)] == [
        ("web_search", "hosted")
    ]


def test_calls_are_told_once_in_whatever_order_a_subscriber_gets_them() -> None:
    calls = event("ToolCallsEvent", calls=[call()])
    inside_out = [response(None, call()), result(text_part("here")), call(), response("Ok"), calls]
    in_order = [response(None, call()), calls, call(), result(text_part("here")), response("Ok")]
    for items in (inside_out, in_order):
        events = run(*items)
        tools = Transcript.of(events).tools
        assert [(made["name"], made["result"]) for made in tools] == [("find", "here")]
        assert end_of(events).status == "completed"


def test_a_call_of_a_later_response_may_have_the_id_of_an_earlier_one() -> None:
    turn = [response(None, call()), result(text_part("here"))]
    assert len(Transcript.of(run(*turn, *turn, response("Ok"))).tools) == 2


@pytest.mark.parametrize(
    ("parts", "content"),
    [
        ([text_part("here")], "here"),
        ([event("DataInput", data={"x": 1})], {"x": 1}),
        ([text_part("a"), text_part("b")], ["a", "b"]),
        ([], []),
    ],
)
def test_a_result_is_its_one_part_or_a_list(parts: list[Any], content: Any) -> None:
    tools = Transcript.of(run(response(None, call()), result(*parts))).tools
    assert [made["result"] for made in tools] == [content]


def test_a_call_that_failed_has_its_exception() -> None:
    error = {"__exception__": "LookupError", "message": "no map"}
    events = run(response(None, call()), result(name="ToolErrorEvent", error=error))
    assert [each.error.message for each in only(events, ev.ToolResult)] == ["no map"]


def test_a_turn_that_ends_with_results_is_incomplete() -> None:
    assert end_of(run(response(None, call()), result(text_part("x")))).status == "incomplete"


def test_calls_for_the_agents_client_end_the_turn() -> None:
    forced = response(None, call(), response_force=True)
    events = run(response(None, call()), forced)
    assert (end_of(events).status, len(Transcript.of(events).tools)) == ("completed", 1)


@pytest.mark.parametrize("reason", ["length", "content_filter", "max_tokens"])
def test_a_response_that_is_cut_short_is_incomplete(reason: str) -> None:
    end = end_of(run(response("Par", finish_reason=reason)))
    assert (end.status, end.finish_reason) == ("incomplete", reason)


def test_the_tokens_of_a_response_are_counted_once_and_those_of_other_work_too() -> None:
    told = usage(prompt_tokens=5, completion_tokens=6, total_tokens=11)
    events = run(
        event("UsageEvent", kind="subtask", usage=told),
        event("UsageEvent", kind="model_call", usage=told),
        response("Ok", usage=told),
    )
    assert end_of(events).usage == ev.Usage(input=10, output=12, total=22)


def test_a_sub_agent_belongs_to_its_call() -> None:
    task = {"task_id": "t", "agent_name": "expert"}
    events = run(
        response(None, call()),
        event("TaskStarted", parent_tool_call_id="c", **task),
        event("TaskProgress", content="Looking.", **task),
        event("TaskCompleted", result="here", **task),
        result(text_part("here")),
        response("Ok"),
    )
    started, progress = only(events, ev.AgentStart)[0], only(events, ev.Status)[0]
    assert (started.name, started.tool_id) == ("expert", only(events, ev.ToolStart)[0].id)
    assert (progress.message, progress.parent_id) == ("Looking.", started.id)
    assert [ended.status for ended in only(events, ev.AgentEnd)] == ["completed"]


@pytest.mark.parametrize(
    ("name", "status"), [("TaskFailed", "failed"), ("TaskExpired", "cancelled"), (None, "failed")]
)
def test_a_sub_agent_that_does_not_end_well_says_so(name: str | None, status: str) -> None:
    decoder = Ag2Decoder()
    events = decoder.feed(event("TaskStarted", task_id="t", agent_name="expert"))
    if name is not None:
        events += decoder.feed(event(name, task_id="t"))
    events += decoder.close(ValueError("no"))
    assert [ended.status for ended in only(events, ev.AgentEnd)] == [status]


def test_a_question_about_a_call_names_it() -> None:
    asked = event("ToolApprovalRequest", id="q", content="Really?", tool_call_id="c")
    events = run(response(None, call()), asked, event("HumanMessage", parent_id="q", content="y"))
    request, answer = only(events, ev.ApprovalRequest)[0], only(events, ev.ApprovalResponse)[0]
    assert request.tool_id == only(events, ev.ToolStart)[0].id
    assert (request.approval_id, answer.approval_id, answer.value) == ("q", "q", "y")


def test_a_file_of_the_model_is_shown() -> None:
    data = {"data": {"__bytes__": "aGk="}, "metadata": {"filename": "a.txt"}}
    file = {"__dataclass__": "ag2.events.types.BinaryResult", "data": data}
    files = only(run(response("Ok", files=[file])), ev.File)
    assert [(each.name, each.data) for each in files] == [("a.txt", "aGk=")]


def test_alerts_are_status_lines_and_events_of_ones_own_are_shown() -> None:
    alert = event("ObserverAlert", severity="critical", message="Slow.", source="watch")
    events = run(alert, event("Mine", "shop", price=3), response("Ok"))
    assert [(each.message, each.level) for each in only(events, ev.Status)] == [
        ("Slow.", "warning")
    ]
    assert [(each.name, each.data["price"]) for each in only(events, ev.Custom)] == [("Mine", 3)]
