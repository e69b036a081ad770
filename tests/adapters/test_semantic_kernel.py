"""Semantic Kernel: rules of its messages that the recordings do not show."""

from types import SimpleNamespace
from typing import Any

import pytest
from adapters.recorded import Transcript, decode

from nbagent import events as ev
from nbagent.adapters.decoders import decoder_for
from nbagent.adapters.semantic_kernel.decoder import SemanticKernelDecoder
from nbagent.events import Event

TOKENS = {"prompt_tokens": 5, "completion_tokens": 6}


def message(*items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "content_type": "message",
        "role": "assistant",
        "ai_model_id": "m",
        "choice_index": 0,
        "function_invoke_attempt": 0,
        "items": list(items),
        "metadata": {},
        "finish_reason": None,
        **fields,
    }


def text(words: str, **fields: Any) -> dict[str, Any]:
    return message({"content_type": "text", "text": words}, **fields)


def call(name: str = "find", id: str | None = "c", **fields: Any) -> dict[str, Any]:
    return {"content_type": "function_call", "id": id, "function_name": name, **fields}


def result(value: Any, id: str | None = "c") -> dict[str, Any]:
    item = {"content_type": "function_result", "id": id, "function_name": "find", "result": value}
    return message(item, role="tool")


def of_agent(item: Any, *history: Any) -> Any:
    """Return an agent's item, with the history of its thread."""
    thread = SimpleNamespace(id="t", _chat_history=SimpleNamespace(messages=list(history)))
    kind: Any = type("AgentResponseItem", (), {"__module__": "semantic_kernel.agents.agent"})
    made = kind()
    made.message, made.thread = item, thread
    return made


def run(*items: Any) -> list[Event]:
    return decode(SemanticKernelDecoder(), items)


def tools(*items: Any) -> list[Any]:
    return [
        (made["name"], made["args"], made.get("result"), made.get("status"))
        for made in Transcript.of(run(*items)).tools
    ]


def end_of(events: list[Event]) -> ev.RunEnd:
    assert isinstance(events[-1], ev.RunEnd)
    return events[-1]


@pytest.mark.parametrize(
    "item",
    [
        text("Hi"),
        [text("Hi")],
        of_agent(text("Hi")),
        [{"content_type": "text", "text": "Hi", "choice_index": 0, "ai_model_id": "m"}],
    ],
)
def test_the_first_item_tells_the_system(item: Any) -> None:
    assert decoder_for(item).system == "semantic_kernel"
    assert Transcript.of(run(item)).texts == ["Hi"]


def test_each_choice_is_a_text() -> None:
    events = run([text("A"), text("X", choice_index=1)], [text("B"), text("Y", choice_index=1)])
    assert Transcript.of(events).texts == ["AB", "XY"]


def test_thoughts_end_where_the_text_begins() -> None:
    events = run(message({"content_type": "reasoning", "text": "Hm."}), text("Paris"))
    assert [type(event) for event in events if "End" in type(event).__name__][:2] == [
        ev.ReasoningEnd,
        ev.TextEnd,
    ]
    assert Transcript.of(events).thoughts == ["Hm."]


def test_whole_calls_without_an_index_are_several() -> None:
    calls = [call(id="a", arguments={"town": "Lyon"}), call(id="b", arguments='{"town": "Nice"}')]
    assert [made[1] for made in tools(message(*calls))] == [{"town": "Lyon"}, {"town": "Nice"}]


def test_a_result_without_an_id_belongs_to_the_oldest_call_of_its_name() -> None:
    assert tools(message(call(id=None, arguments="{}")), result("here", "unknown")) == [
        ("find", {}, "here", "ok")
    ]


@pytest.mark.parametrize(
    "words",
    [
        "An error occurred while invoking the function geo-find: no map",
        "The tool call with name `find` is not part of the provided tools, please try again.",
        "Missing required argument(s): ['town']. Please revise the arguments.",
        "Received unexpected argument(s): ['city']. Please revise the arguments.",
        "The tool call arguments are malformed. Arguments must be in JSON format.",
        "There are `1` tool call arguments required and only `0` received.",
    ],
)
def test_a_failed_call_is_told_from_the_words_of_the_kernel(words: str) -> None:
    assert tools(message(call(arguments="{}")), result(words))[0][2:] == (words, "error")


def test_a_response_with_calls_may_be_the_last_one_and_one_with_results_is_not() -> None:
    made = message(call(arguments="{}"), finish_reason="tool_calls")
    assert end_of(run(made)).status == "completed"
    assert end_of(run(made, result("here"))).status == "incomplete"


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_a_response_that_is_cut_short_is_incomplete(reason: str) -> None:
    end = end_of(run(text("Par", finish_reason=reason)))
    assert (end.status, end.finish_reason) == ("incomplete", reason)


def test_tokens_after_the_text_complete_the_response_of_an_agent() -> None:
    told = message(metadata={"usage": TOKENS})
    assert end_of(run(told, text("Hi", function_invoke_attempt=1))).status == "incomplete"
    end = end_of(run(text("Hi"), told))
    assert (end.status, end.usage) == ("completed", ev.Usage(input=5, output=6))


def test_a_stream_that_tells_no_end_is_complete() -> None:
    assert end_of(run(text("Hi"))).status == "completed"


def test_each_request_of_the_kernel_is_a_step() -> None:
    events = run(text("One"), text("Two", function_invoke_attempt=1))
    assert len([event for event in events if isinstance(event, ev.StepEnd)]) == 2


def test_agents_that_take_turns_are_named() -> None:
    events = run(text("One", name="writer"), text("Two", name="critic"))
    assert [event.agent for event in events if isinstance(event, ev.TextStart)] == [
        "writer",
        "critic",
    ]


def test_calls_of_an_agent_are_read_from_its_thread_after_the_question() -> None:
    before = [message(call("old", "o", arguments="{}")), result("then", "o")]
    question = text("Where?", role="user")
    made = message(call(arguments="{}"), metadata={"usage": TOKENS})
    history = [*before, question, made, result("here")]
    first = of_agent(message(metadata={"usage": TOKENS}), *history[:3])
    second = of_agent(text("Here.", function_invoke_attempt=1), *history)
    assert tools(first, second) == [("find", {}, "here", "ok")]


def test_a_call_that_was_told_before_the_thread_was_known_is_told_once() -> None:
    made = message(call(arguments="{}"))
    history = [text("Where?", role="user"), made, result("here")]
    answer = of_agent(text("Here.", function_invoke_attempt=1), *history)
    assert tools(made, result("here"), answer) == [("find", {}, "here", "ok")]


def test_a_call_in_a_thread_may_have_the_id_of_an_earlier_one() -> None:
    made = [message(call(arguments="{}")), result("here")]
    again = [message(call(arguments="{}"), function_invoke_attempt=1), result("there")]
    item = of_agent(text("Here.", function_invoke_attempt=2), *made, *again)
    assert [found[2] for found in tools(item)] == ["here", "there"]


def test_the_thread_of_an_agent_is_that_of_the_run() -> None:
    started = run(of_agent(text("Hi")))[0]
    assert isinstance(started, ev.RunStart)
    assert started.thread_id == "t"


def test_an_agent_that_ends_with_results_is_complete() -> None:
    item = of_agent(message(metadata={"usage": TOKENS}), message(call()), result("here"))
    assert end_of(run(item)).status == "completed"


def test_messages_of_others_are_not_shown() -> None:
    events = run(text("Where?", role="user"), text("Be brief.", role="system"), text("Here."))
    assert Transcript.of(events).texts == ["Here."]


def test_an_annotation_is_a_source() -> None:
    item = {"content_type": "streaming_annotation", "url": "https://a.example", "title": "A"}
    events = run(message(item))
    assert [event.url for event in events if isinstance(event, ev.Source)] == ["https://a.example"]
