import json
from typing import Any

import pytest
from adapters.recorded import BY_NAME, Transcript, decode

from nbagent import events as ev
from nbagent.adapters.decoders import decoder_for
from nbagent.adapters.hector.decoder import HectorDecoder


def run(*items: Any) -> list[ev.Event]:
    return decode(decoder_for(items[0]), items)


def of(kind: type[Any], events: list[ev.Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def stream(name: str) -> list[Any]:
    return BY_NAME[f"hector/constructed-{name}"].items


def chunks(*texts: str) -> list[Any]:
    return [*({"chunk": text} for text in texts), "[DONE]"]


def update(text: str = "", *, partial: bool, parts: Any = None, **metadata: Any) -> dict[str, Any]:
    parts = parts or ([{"kind": "text", "text": text}] if text else [])
    result = {"kind": "artifact-update", "artifact": {"artifactId": "a", "parts": parts}}
    return {
        "jsonrpc": "2.0",
        "id": 1,
        "result": {**result, "metadata": {"author": "one", "partial": partial, **metadata}},
    }


def test_the_documented_chunks_are_one_answer() -> None:
    events = run(*stream("doc-chunks"))
    assert Transcript.of(events).texts == ["Quantum computing uses quantum mechanics..."]
    assert events[-1].status == "completed"  # type: ignore[union-attr]
    assert run({"chunk": "Hi"})[-1].status == "incomplete"  # type: ignore[union-attr]


def test_frames_that_a_strict_reader_took_for_one_are_taken_apart() -> None:
    joined = "\n".join(
        item if isinstance(item, str) else json.dumps(item) for item in stream("doc-chunks")
    )
    assert Transcript.of(run(joined)).texts == ["Quantum computing uses quantum mechanics..."]


DOCUMENTED = (
    'Let me create it...\n[Tool: write_file("hello.py", "print(\'Hello\')")]\nFile created.\n'
    "[Tool: run()]\nDone [Tool: x(y)]"
)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_lines_about_tools_are_tools_however_they_are_cut(size: int) -> None:
    pieces = [DOCUMENTED[at : at + size] for at in range(0, len(DOCUMENTED), size)]
    transcript = Transcript.of(run(*chunks(*pieces)))
    assert [(tool["name"], tool["args_text"]) for tool in transcript.tools] == [
        ("write_file", '"hello.py", "print(\'Hello\')"'),
        ("run", ""),
    ]
    assert transcript.texts == ["Let me create it...\n", "File created.\n", "Done [Tool: x(y)]"]


def test_line_ends_of_chunks_are_line_breaks() -> None:
    starts = of(ev.TextStart, run(*chunks("a\n", "[Tool: f()]\n", "b\nc\n", "[Tool: f()]\n", "d")))
    assert [start.line_breaks for start in starts] == [True] * 3


@pytest.mark.parametrize(
    "text", ["[Tool: never closed", "[Tool", "[To do]\n", "[Tool: ]\n", "\n\n"]
)
def test_lines_that_only_look_like_it_are_text(text: str) -> None:
    transcript = Transcript.of(run(*chunks("a\n", text)))
    assert "".join(transcript.texts) == "a\n" + text
    assert not transcript.tools


@pytest.mark.parametrize("named", [True, False])
def test_typed_parts_of_version_1_are_thoughts_texts_and_tools(named: bool) -> None:
    items = stream("v1-a2a") if named else [item["data"] for item in stream("v1-a2a")]
    transcript = Transcript.of(run(*items))
    assert transcript.thoughts == ["Analyzing the request..."]
    assert transcript.texts == ["Let me search.", "Found it."]
    (tool,) = transcript.tools
    assert (tool["name"], tool["args"], tool["result"], tool["status"]) == (
        "search_code",
        {"query": "auth"},
        "Found 5 files",
        "ok",
    )
    assert transcript.end is not None
    assert transcript.end.status == "completed"


@pytest.mark.parametrize("named", [True, False])
def test_the_dialect_is_read(named: bool) -> None:
    items = stream("v1-agui") if named else [item["data"] for item in stream("v1-agui")]
    transcript = Transcript.of(run(*items))
    assert (transcript.thoughts, transcript.texts) == (["hmm"], ["Hi"])
    assert [(tool["name"], tool["args"], tool["result"]) for tool in transcript.tools] == [
        ("search", {"q": "x"}, "5 files")
    ]
    assert transcript.end is not None
    assert transcript.end.status == "completed"


def test_the_dialects_failures_are_told() -> None:
    stop = {
        "type": "AGUI_EVENT_TYPE_TOOL_CALL_STOP",
        "toolCallStop": {"toolCallId": "c", "error": "no", "isError": True},
    }
    delta = {
        "type": "AGUI_EVENT_TYPE_TOOL_CALL_DELTA",
        "toolCallDelta": {"toolCallId": "c", "partialInput": '{"a":1}'},
    }
    error = {
        "type": "AGUI_EVENT_TYPE_TASK_ERROR",
        "taskError": {"errorMessage": "boom", "errorCode": "E"},
    }
    events = run(delta, stop, error)
    (tool,) = Transcript.of(events).tools
    assert (tool["args"], tool["status"]) == ({"a": 1}, "error")
    assert (of(ev.Error, events)[0].message, events[-1].status) == ("boom", "failed")  # type: ignore[union-attr]


def test_calls_of_the_dialect_without_ids_are_answered_in_order() -> None:
    def event(phase: str, **body: Any) -> dict[str, Any]:
        return {"type": f"AGUI_EVENT_TYPE_TOOL_CALL_{phase}", f"toolCall{phase.title()}": body}

    starts = [event("START", toolName=name, input={"x": x}) for x, name in enumerate("fg")]
    events = run(*starts, event("STOP", result="1"), event("STOP", result="2"))
    tools = Transcript.of(events).tools
    assert [(tool["name"], tool["args"], tool["result"]) for tool in tools] == [
        ("f", {"x": 0}, "1"),
        ("g", {"x": 1}, "2"),
    ]


def test_an_error_frame_fails_the_run() -> None:
    events = run(*stream("v1-error"))
    assert (of(ev.Error, events)[0].message, events[-1].status) == ("Service error: boom", "failed")  # type: ignore[union-attr]


def test_snapshots_of_version_2_repeat_nothing() -> None:
    events = run(*stream("v2-jsonrpc"))
    transcript = Transcript.of(events)
    assert transcript.texts == ["Checking weather.", "It is 21C."]
    assert transcript.thoughts == ["Let me see"]
    assert [(tool["name"], tool["args"], tool["result"]) for tool in transcript.tools] == [
        ("weather", {"city": "Paris"}, "21C")
    ]
    assert of(ev.TextDelta, events)[0].agent == "assistant"
    assert transcript.end is not None
    assert transcript.end.status == "completed"


def test_a_snapshot_corrects_its_deltas_and_may_come_without_any() -> None:
    assert Transcript.of(
        run(update("Hel", partial=True), update("Hello", partial=False))
    ).texts == ["Hello"]
    assert Transcript.of(run(update("Hello", partial=False))).texts == ["Hello"]


def test_a_thought_told_in_metadata_and_parts_is_one() -> None:
    thinking = {"id": "t", "content": "Hmm", "signature": "s"}
    parts = [{"kind": "data", "data": {"type": "thinking", **thinking}}]
    events = run(
        update(partial=True, thinking={"id": "t", "content": "Hm"}),
        update(partial=False, parts=parts, thinking=thinking),
    )
    assert Transcript.of(events).thoughts == ["Hmm"]
    assert of(ev.ReasoningEnd, events)[0].signature == "s"


def test_a_new_author_was_handed_the_word() -> None:
    events = run(update("a", partial=True), update("b", partial=True, author="two"))
    assert [(event.from_, event.to) for event in of(ev.AgentHandoff, events)] == [("one", "two")]
    assert Transcript.of(events).texts == ["a", "b"]


def test_a_tool_that_needs_leave_asks_for_it() -> None:
    events = run(*stream("v2-approval"))
    (request,) = of(ev.ApprovalRequest, events)
    assert (request.approval_id, request.kind, request.prompt) == (
        "call_1",
        "tool",
        "Approve rm -rf?",
    )
    assert events[-1].status == "paused"  # type: ignore[union-attr]


def test_a_decoder_that_is_asked_for_by_name_reads_all_of_them() -> None:
    for name in ("doc-chunks", "v1-a2a", "v1-agui", "v2-jsonrpc"):
        end = decode(HectorDecoder(), stream(name))[-1]
        assert end.status == "completed"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("line", "args"),
    [
        ('"hello.py", "print(\'Hello\')"', ["hello.py", "print('Hello')"]),
        ('{"q": "x"}', {"q": "x"}),
        ("path='a', n=2", {"path": "a", "n": 2}),
        ("'a', 2", ["a", 2]),
        ("a b c", "a b c"),
        ("'a', n=2", "'a', n=2"),
        ("", {}),
    ],
)
def test_arguments_in_parentheses_are_values_where_they_can_be_read(line: str, args: Any) -> None:
    (tool,) = Transcript.of(run(*chunks(f"[Tool: f({line})]\n", "Done"))).tools
    assert (tool["args"], tool["args_text"]) == (args, line)


@pytest.mark.parametrize(
    ("after", "result"), [(["Output: 42\n", "Done"], "42"), (["Done"], None), ([], None)]
)
def test_a_tool_that_the_server_ran_has_its_result(after: list[str], result: str | None) -> None:
    (tool,) = Transcript.of(run(*chunks("[Tool: f()]\n", *after))).tools
    assert (tool["result"], tool["status"]) == (result, "ok")


def test_a_tool_at_which_the_stream_broke_off_has_none() -> None:
    (tool,) = Transcript.of(run({"chunk": "[Tool: f()]\n"})).tools
    assert "result" not in tool
