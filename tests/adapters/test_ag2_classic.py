"""AG2 Classic: rules of its events that the recordings do not show."""

from typing import Any

import pytest
from adapters.recorded import BY_NAME, Transcript, decode

from nbagent import events as ev
from nbagent.adapters.ag2_classic.decoder import Ag2ClassicDecoder
from nbagent.adapters.decoders import decoder_for
from nbagent.events import Event


def event(type: str, /, **content: Any) -> dict[str, Any]:
    return {"type": type, "content": {"uuid": "u", **content}}


def text(content: Any, sender: str = "writer") -> dict[str, Any]:
    return event("text", content=content, sender=sender, recipient="user")


QUESTION = text("Where?", "user")
ASKED = event("input_request", prompt="Reply:")


def piece(content: str) -> dict[str, Any]:
    return event("stream", content=content)


def calls(*ids: str | None, content: str = "") -> dict[str, Any]:
    made = [{"id": id, "function": {"name": "find", "arguments": "{}"}} for id in ids]
    return event("tool_call", content=content, sender="writer", tool_calls=made)


def executed(content: Any, id: str | None = "c", **fields: Any) -> dict[str, Any]:
    return event("executed_function", func_name="find", call_id=id, content=content, **fields)


def run(*items: Any) -> list[Event]:
    return decode(Ag2ClassicDecoder(), [QUESTION, *items])


def only(events: list[Event], kind: type) -> list[Any]:
    return [each for each in events if isinstance(each, kind)]


def end_of(events: list[Event]) -> ev.RunEnd:
    assert isinstance(events[-1], ev.RunEnd)
    return events[-1]


def test_the_first_item_tells_the_system() -> None:
    assert decoder_for(QUESTION).system == "ag2_classic"


def test_the_first_message_is_the_question_and_those_after_it_are_of_agents() -> None:
    events = run(text("Paris"), text("Good.", "critic"))
    assert Transcript.of(events).texts == ["Paris", "Good."]
    assert [each.agent for each in only(events, ev.TextStart)] == ["writer", "critic"]
    assert [each.message for each in only(events, ev.Status)] == ["critic"]


def test_a_whole_message_ends_its_pieces() -> None:
    next_one = event("using_auto_reply", sender="user", recipient="writer")
    events = run(next_one, piece("Par"), piece("is"), text("Paris"))
    assert Transcript.of(events).texts == ["Paris"]
    assert [each.agent for each in only(events, ev.TextStart)] == ["writer"]


def test_a_message_of_parts_is_their_text() -> None:
    parts = [{"type": "text", "text": "Paris"}, {"type": "image_url", "image_url": {"url": "x"}}]
    assert Transcript.of(run(text(parts))).texts == ["Paris"]


def test_a_chat_ends_after_a_whole_message_or_says_that_it_ends() -> None:
    over = event("termination", termination_reason="Maximum turns (2) reached", sender="user")
    assert end_of(run(text("Paris"))).status == "completed"
    assert end_of(run(piece("Par"))).status == "incomplete"
    assert end_of(run(calls("c"), executed("here"))).status == "incomplete"
    end = end_of(run(calls("c"), executed("here"), over))
    assert (end.status, end.finish_reason) == ("completed", "Maximum turns (2) reached")


def test_the_tokens_of_a_chat_are_those_of_its_models() -> None:
    counts = {"cost": 0.5, "prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}
    spent = {"total_cost": 1.0, "a": counts, "b": counts}
    events = run(event("run_completion", cost={"usage_excluding_cached_inference": spent}))
    assert end_of(events).usage == ev.Usage(input=10, output=12, total=22, cost=1.0)
    assert end_of(decode(Ag2ClassicDecoder(), BY_NAME["ag2_classic/replay-run"].items)).usage


def test_calls_and_what_was_written_beside_them_are_of_one_message() -> None:
    events = run(piece("I look."), calls("a", "b", content="I look."), executed("here", "b"))
    transcript = Transcript.of(events)
    assert transcript.texts == ["I look."]
    assert [made.get("result") for made in transcript.tools] == [None, "here"]


def test_a_result_without_an_id_belongs_to_the_oldest_call_of_its_name() -> None:
    called = event("function_call", sender="writer", function_call={"name": "find"})
    told = event("function_response", name="find", content="here")
    for answered in (executed("here", None), told):
        assert [made["result"] for made in Transcript.of(run(called, answered)).tools] == ["here"]


def test_what_the_model_is_told_is_the_result_where_no_other_is_known() -> None:
    told = event("tool_response", tool_responses=[{"tool_call_id": "c", "content": "told"}])
    first = Transcript.of(run(calls("c"), executed("here"), told)).tools
    second = Transcript.of(run(calls("c"), told)).tools
    assert [made["result"] for made in [*first, *second]] == ["here", "told"]


@pytest.mark.parametrize("announced", [True, False])
def test_a_call_that_failed_says_why(announced: bool) -> None:
    failed = executed("Error: no map", is_exec_success=False, arguments={})
    events = run(*[calls("c")] * announced, failed)
    assert [each.error.message for each in only(events, ev.ToolResult)] == ["no map"]


@pytest.mark.parametrize(
    ("output", "status"),
    [("exitcode: 0 (execution succeeded)\n2", "ok"), ("exitcode: 1 (failed)\nno", "error")],
)
def test_what_code_printed_is_its_result(output: str, status: str) -> None:
    code = event("execute_code_block", code="print(2)", language="python")
    transcript = Transcript.of(run(text("Run it."), code, text(output, "user"), text("Two.")))
    assert [(made["args"], made["status"]) for made in transcript.tools] == [("print(2)", status)]
    assert transcript.texts == ["Run it.", "Two."]


def test_the_words_of_a_human_are_the_answer_to_the_question() -> None:
    events = run(text("Go on?"), ASKED, text("Yes.", "human"), text("Done."))
    assert [(each.prompt, each.reply) for each in only(events, ev.ApprovalRequest)] == [
        ("Reply:", None)
    ]
    assert [each.value for each in only(events, ev.ApprovalResponse)] == ["Yes."]
    assert Transcript.of(events).texts == ["Go on?", "Done."]


def test_a_question_that_is_answered_without_words_is_answered_too() -> None:
    events = run(text("Go on?"), ASKED, event("using_auto_reply", recipient="human"), text("Done."))
    assert [each.value for each in only(events, ev.ApprovalResponse)] == [None]


@pytest.mark.parametrize(
    ("decision", "value", "sent"),
    [("approve", "Yes.", "Yes."), ("approve", None, ""), ("deny", None, "exit")],
)
def test_an_answer_from_the_view_goes_to_who_asked(decision: Any, value: Any, sent: str) -> None:
    given: list[str] = []
    decoder = Ag2ClassicDecoder()
    events = decoder.feed(event("input_request", prompt="Reply:", respond=given.append))
    request = only(events, ev.ApprovalRequest)[0]
    answer = ev.ApprovalResponse(approval_id="u", decision=decision, value=value)
    request.reply.value.send(answer)
    told = only(decoder.feed(text(sent, "human")), ev.ApprovalResponse)
    assert (given, [each.value for each in told]) == ([sent], [sent])


def test_an_error_fails_the_chat_once() -> None:
    decoder = Ag2ClassicDecoder()
    error = ValueError("too much")
    events = decoder.feed(event("error", error=error)) + decoder.close(error)
    assert [each.message for each in only(events, ev.Error)] == ["too much"]
    assert end_of(events).status == "failed"


def test_prints_are_status_lines() -> None:
    printed = event("print", objects=["Hi", "you"], sep=" ", end="\n")
    events = run(printed, event("usage_summary"), text("Done."))
    assert [each.message for each in only(events, ev.Status)] == ["Hi you"]
