from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from adapters.recorded import BY_NAME, Transcript, decode

from nbagent import events as ev
from nbagent.adapters.decoders import decoder_for, decoder_named


@dataclass
class AIMessageChunk:
    """Stand-in for LangChain's own class, with class defaults for unset fields."""

    content: Any
    id: str = "run-1"
    type: str = "AIMessageChunk"
    tool_call_chunks: list[Any] = field(default_factory=list)
    chunk_position: str | None = None
    additional_kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass
class Interrupt:
    value: Any
    id: str = "i1"


def run(*items: Any) -> list[ev.Event]:
    return decode(decoder_for(items[0]), items)


def only(events: list[ev.Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def v2(event: str, run_id: str = "r", parents: tuple[str, ...] = (), **data: Any) -> dict[str, Any]:
    name = data.pop("name", "it")
    return {
        "event": event,
        "run_id": run_id,
        "parent_ids": list(parents),
        "name": name,
        "metadata": {},
        "data": data,
    }


def v3(method: str, data: Any, *namespace: str) -> dict[str, Any]:
    return {
        "type": "event",
        "method": method,
        "seq": 1,
        "params": {"namespace": list(namespace), "data": data},
    }


def test_objects_in_process_are_read_like_their_json() -> None:
    events = run(
        (AIMessageChunk([{"type": "thinking", "thinking": "Hm", "index": 0}]), {}),
        (AIMessageChunk([{"type": "thinking", "signature": "s", "index": 0}]), {}),
        (AIMessageChunk("Hi"), {}),
        (AIMessageChunk("", chunk_position="last"), {}),
    )
    transcript = Transcript.of(events)
    assert (transcript.thoughts, transcript.texts) == (["Hm"], ["Hi"])
    assert only(events, ev.ReasoningEnd)[0].signature == "s"
    assert events[-1].status == "completed"  # type: ignore[union-attr]


def test_reasoning_content_is_a_thought() -> None:
    events = run((AIMessageChunk("", additional_kwargs={"reasoning_content": "Hm"}), {}))
    assert Transcript.of(events).thoughts == ["Hm"]


def test_a_message_wrapped_by_a_serialiser_is_read() -> None:
    kwargs = {"content": "Hi", "id": "a", "type": "AIMessageChunk"}
    wrapped = {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain", "schema", "messages", "AIMessageChunk"],
        "kwargs": kwargs,
    }
    events = run(
        v2("on_chat_model_start"),
        v2("on_chat_model_stream", chunk=wrapped),
        v2("on_chat_model_end", output=wrapped),
    )
    assert Transcript.of(events).texts == ["Hi"]
    assert events[-1].status == "completed"  # type: ignore[union-attr]


def test_the_end_of_a_message_replaces_what_was_streamed() -> None:
    events = run(
        v2("on_chat_model_stream", chunk={"type": "AIMessageChunk", "content": "Hi ther"}),
        v2("on_chat_model_end", output={"type": "ai", "content": "Hi there"}),
    )
    assert Transcript.of(events).texts == ["Hi there"]


def test_a_tool_that_fails_says_so() -> None:
    events = run(
        v2("on_tool_start", "t", name="f", input={"x": 1}),
        v2("on_tool_error", "t", name="f", error=ValueError("no")),
    )
    (result,) = only(events, ev.ToolResult)
    assert (result.status, result.error) == ("error", ev.ErrorInfo(message="no", type="ValueError"))


def test_what_a_tool_starts_belongs_to_it() -> None:
    events = run(
        v2("on_tool_start", "t", name="research", input={}),
        v2("on_chat_model_stream", "m", ("t",), chunk={"type": "AIMessageChunk", "content": "Hi"}),
    )
    assert only(events, ev.TextDelta)[0].parent_id == only(events, ev.ToolStart)[0].id


def test_a_chain_without_a_model_speaks_for_itself() -> None:
    events = run(
        v2("on_chain_start"), v2("on_chain_stream", chunk="Hi"), v2("on_chain_end", output="Hi")
    )
    assert Transcript.of(events).texts == ["Hi"]


def test_retrieved_documents_are_sources() -> None:
    documents = [{"page_content": "…", "metadata": {"source": "https://a.example", "title": "A"}}]
    events = run(
        v2("on_retriever_start", input={"query": "q"}), v2("on_retriever_end", output=documents)
    )
    assert [(source.url, source.title) for source in only(events, ev.Source)] == [
        ("https://a.example", "A")
    ]


def test_an_application_event_keeps_its_name_and_its_data() -> None:
    assert [
        (event.name, event.data)
        for event in only(run(v2("on_custom_event", name="tick", n=1)), ev.Custom)
    ] == [("tick", {"n": 1})]


ASKED = {
    "action_requests": [{"name": "rm", "args": {"path": "/"}, "description": "Delete?"}],
    "review_configs": [{"action_name": "rm", "allowed_decisions": ["approve", "reject"]}],
}
CALL = {
    "type": "ai",
    "id": "m",
    "content": "",
    "tool_calls": [{"name": "rm", "args": {"path": "/"}, "id": "c"}],
}


def test_an_interrupt_asks_for_approval_of_the_call_it_is_about() -> None:
    events = run({"model": {"messages": [CALL]}}, {"__interrupt__": (Interrupt(ASKED),)})
    (asked,) = only(events, ev.ApprovalRequest)
    assert (asked.approval_id, asked.tool_id, asked.prompt) == (
        "i1",
        only(events, ev.ToolStart)[0].id,
        "Delete?",
    )
    assert (asked.args, asked.options) == ({"path": "/"}, None)
    review = {
        "interrupt": "i1",
        "form": "decisions",
        "action": "rm",
        "allowed": ["approve", "reject"],
    }
    assert asked.meta == {"review": review}
    assert events[-1].status == "paused"  # type: ignore[union-attr]


def test_an_interrupt_said_in_two_modes_asks_once() -> None:
    entry = {"value": "Your name?", "id": "i"}
    events = run(
        ("updates", {"__interrupt__": [entry]}),
        ("values", {"messages": [], "__interrupt__": [entry]}),
    )
    assert [(asked.kind, asked.prompt) for asked in only(events, ev.ApprovalRequest)] == [
        ("input", "Your name?")
    ]


def test_a_subgraph_is_an_agent_until_its_node_is_done() -> None:
    message = {"type": "ai", "id": "m", "content": "Hi"}
    events = run(
        (("writer:1",), "updates", {"model": {"messages": [message]}}),
        ((), "updates", {"writer": {"messages": [message]}}),
    )
    (started,) = only(events, ev.AgentStart)
    assert (started.name, only(events, ev.TextDelta)[0].parent_id) == ("writer", started.id)
    assert [ended.status for ended in only(events, ev.AgentEnd)] == ["completed"]
    assert Transcript.of(events).texts == ["Hi"]


def test_messages_of_earlier_turns_are_not_shown_again() -> None:
    old, new = ({"type": "ai", "id": name, "content": name} for name in ("old", "new"))
    assert Transcript.of(run({"messages": [old]}, {"messages": [old, new]})).texts == ["new"]


@pytest.mark.parametrize(("as_object", "status"), [(True, "completed"), (False, "incomplete")])
def test_a_tool_may_have_the_last_word_where_the_graph_itself_was_read(
    as_object: bool, status: str
) -> None:
    call = {"id": "c", "name": "f", "args": {}}
    messages: list[Any] = [
        {"type": "ai", "id": "m", "content": "", "tool_calls": [call]},
        {"type": "tool", "id": "t", "content": "done", "tool_call_id": "c"},
    ]
    given = [SimpleNamespace(**message) if as_object else message for message in messages]
    assert run(*({"node": {"messages": [message]}} for message in given))[-1].status == status  # type: ignore[union-attr]


def test_a_node_that_changes_nothing_says_nothing() -> None:
    assert (
        only(
            run(
                {"model": {"messages": [{"type": "ai", "id": "m", "content": "Hi"}]}},
                {"hook": None},
            ),
            ev.Custom,
        )
        == []
    )


def test_the_answer_to_a_call_of_an_earlier_turn_has_its_arguments() -> None:
    asked = {
        "type": "ai",
        "id": "m",
        "content": "",
        "tool_calls": [{"id": "c", "name": "f", "args": {"x": 1}}],
    }
    answered = {"type": "tool", "id": "t", "name": "f", "content": "done", "tool_call_id": "c"}
    (tool,) = Transcript.of(run({"messages": [asked]}, {"messages": [asked, answered]})).tools
    assert (tool["name"], tool["args"], tool["result"]) == ("f", {"x": 1}, "done")


def test_a_task_that_fails_ends_the_run() -> None:
    events = run(
        {"id": "1", "name": "n", "input": {}, "triggers": []},
        {"id": "1", "name": "n", "error": "boom", "interrupts": []},
    )
    assert [error.message for error in only(events, ev.Error)] == ["boom"]
    assert events[-1].status == "failed"  # type: ignore[union-attr]


def test_partial_messages_of_the_server_grow() -> None:
    partial = [
        {"event": "messages/partial", "data": [{"type": "ai", "id": "m", "content": text}]}
        for text in ("Hi", "Hi you")
    ]
    whole = {"event": "messages/complete", "data": [{"type": "ai", "id": "m", "content": "Hi you"}]}
    events = run(*partial, whole)
    assert [event.delta for event in only(events, ev.TextDelta)] == ["Hi", " you"]
    assert Transcript.of(events).texts == ["Hi you"]


def test_parallel_models_share_a_step_and_keep_their_texts_apart() -> None:
    events = run(
        (AIMessageChunk("A", id="a"), {}),
        (AIMessageChunk("B", id="b"), {}),
        (AIMessageChunk("a", id="a", chunk_position="last"), {}),
        (AIMessageChunk("b", id="b", chunk_position="last"), {}),
    )
    assert sorted(Transcript.of(events).texts) == ["Aa", "Bb"]


def test_the_protocol_tells_thoughts_errors_and_questions() -> None:
    events = run(
        v3("messages", [{"event": "message-start", "id": "m", "role": "ai"}, {}]),
        v3(
            "messages",
            [
                {
                    "event": "content-block-start",
                    "index": 0,
                    "content": {"type": "reasoning", "reasoning": ""},
                },
                {},
            ],
        ),
        v3(
            "messages",
            [
                {
                    "event": "content-block-delta",
                    "index": 0,
                    "delta": {"type": "reasoning-delta", "reasoning": "Hm"},
                },
                {},
            ],
        ),
        v3(
            "messages",
            [
                {
                    "event": "content-block-finish",
                    "index": 0,
                    "content": {"type": "reasoning", "reasoning": "Hm!"},
                },
                {},
            ],
        ),
        v3("messages", [{"event": "message-finish", "metadata": {"finish_reason": "stop"}}, {}]),
        v3(
            "tools",
            {"event": "tool-started", "tool_call_id": "c", "tool_name": "f", "input": {"x": 1}},
        ),
        v3("tools", {"event": "tool-error", "tool_call_id": "c", "message": "no"}),
        v3("input.requested", {"interrupt_id": "i", "value": "Go on?"}),
    )
    assert Transcript.of(events).thoughts == ["Hm!"]
    assert [(result.status, result.content) for result in only(events, ev.ToolResult)] == [
        ("error", "no")
    ]
    assert [(asked.approval_id, asked.prompt) for asked in only(events, ev.ApprovalRequest)] == [
        ("i", "Go on?")
    ]
    assert events[-1].status == "paused"  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["replay-model-thinking", "replay-model-events-v3-thinking"])
def test_a_models_stream_has_its_thought_its_text_and_its_tokens(name: str) -> None:
    recording = BY_NAME[f"langchain/{name}"]
    events = decode(decoder_for(recording.items[0]), recording.items)
    transcript = Transcript.of(events)
    assert transcript.thoughts[0].startswith("This is a straightforward question")
    assert len(transcript.texts) == 1
    assert transcript.end is not None
    assert transcript.end.usage is not None
    assert transcript.end.usage.output


@pytest.mark.parametrize("name", ["replay-model-tool-call", "replay-model-events-v3-tool-call"])
def test_a_models_calls_are_for_the_client_and_cut_nothing_off(name: str) -> None:
    events = decode(decoder_named("langchain.model"), BY_NAME[f"langchain/{name}"].items)
    assert (events[-1].status, events[-1].code) == ("completed", None)  # type: ignore[union-attr]


def test_an_error_of_a_models_stream_of_events_fails_the_run() -> None:
    events = decode(
        decoder_named("langchain.model"),
        [{"event": "message-start", "id": "m"}, {"event": "error", "error": "no"}],
    )
    assert [event.message for event in only(events, ev.Error)] == ["no"]
    assert events[-1].status == "failed"  # type: ignore[union-attr]


def test_a_state_alone_is_the_result_of_a_graph_and_its_last_turn_is_shown() -> None:
    messages = [
        {"type": "human", "content": "Hi", "id": "1"},
        {"type": "ai", "content": "Hello", "id": "2"},
        {"type": "human", "content": "Capital of the UK?", "id": "3"},
        {"type": "ai", "content": "London", "id": "4"},
    ]
    state = {"messages": messages}
    assert Transcript.of(decode(decoder_for(state), [state])).texts == ["London"]
    begun = decode(decoder_for(state), [{"messages": messages[:3]}])
    assert (Transcript.of(begun).texts, begun[-1].status) == ([], "incomplete")  # type: ignore[union-attr]
