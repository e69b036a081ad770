from typing import Any

import pytest
from adapters.recorded import BY_NAME, Transcript, decode

from nbagent import events as ev
from nbagent.adapters.a2a.decoder import A2ADecoder

TASK = {"task": {"id": "t", "contextId": "c", "status": {"state": "TASK_STATE_SUBMITTED"}}}


def run(*items: Any) -> list[ev.Event]:
    return decode(A2ADecoder(), items)


def of(kind: type[Any], events: list[ev.Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def texts(*items: Any) -> list[str]:
    return Transcript.of(run(*items)).texts


def status(state: str, text: str = "", **more: Any) -> dict[str, Any]:
    message = (
        {"messageId": "m", "role": "agent", "parts": [{"kind": "text", "text": text}]}
        if text
        else None
    )
    return {
        "kind": "status-update",
        "taskId": "t",
        "status": {"state": state, "message": message},
        **more,
    }


def artifact(text: str, name: str = "a", **more: Any) -> dict[str, Any]:
    return {
        "artifactUpdate": {
            "taskId": "t",
            "artifact": {"artifactId": name, "parts": [{"text": text}]},
            **more,
        }
    }


def data(payload: Any, metadata: Any = None) -> dict[str, Any]:
    parts = [{"kind": "data", "data": payload, "metadata": metadata}]
    return {"artifactUpdate": {"artifact": {"artifactId": "a", "parts": parts}, "append": True}}


@pytest.mark.parametrize("name", ["jsonrpc-hello", "rest-hello", "jsonrpc-ask", "jsonrpc-fail"])
def test_the_text_is_that_of_the_artifact_in_either_envelope(name: str) -> None:
    events = run(*BY_NAME[f"a2a/sdk1-{name}"].items)
    assert Transcript.of(events).texts == ["Hello wörld"]
    assert of(ev.Status, events)[0].message == "thinking"


@pytest.mark.parametrize(
    ("state", "ended"),
    [
        ("completed", "completed"),
        ("TASK_STATE_COMPLETED", "completed"),
        ("canceled", "cancelled"),
        ("TASK_STATE_CANCELLED", "cancelled"),
        ("input-required", "paused"),
        ("TASK_STATE_AUTH_REQUIRED", "paused"),
        ("failed", "failed"),
        ("TASK_STATE_REJECTED", "failed"),
        ("working", "incomplete"),
    ],
)
def test_the_end_is_the_tasks_state(state: str, ended: str) -> None:
    assert run(TASK, status(state))[-1].status == ended  # type: ignore[union-attr]


def test_a_question_is_an_approval_request() -> None:
    (request,) = of(ev.ApprovalRequest, run(*BY_NAME["a2a/sdk1-jsonrpc-ask"].items))
    assert (request.kind, request.prompt) == ("input", "which city?")
    assert of(ev.ApprovalRequest, run(status("auth-required", "sign in")))[0].kind == "auth"


def test_a_failure_is_told_with_its_message() -> None:
    assert of(ev.Error, run(*BY_NAME["a2a/sdk1-jsonrpc-fail"].items))[0].message == "boom"
    failed = run({"jsonrpc": "2.0", "id": 1, "error": {"code": -32603, "message": "no"}})
    assert (of(ev.Error, failed)[0].code, failed[-1].status) == ("-32603", "failed")  # type: ignore[union-attr]


def test_an_artifact_that_is_sent_anew_replaces_what_was_there() -> None:
    assert texts(
        TASK,
        artifact("Hel"),
        artifact("lo", append=True),
        artifact("Bye"),
        artifact("!", append=True),
    ) == ["Bye!"]


def test_an_artifact_whose_first_update_had_no_text_has_that_of_a_later_one() -> None:
    assert texts(TASK, artifact(""), artifact("Hel"), artifact("Hello"), status("completed")) == [
        "Hello"
    ]
    assert texts(TASK, data({"rows": 3}), artifact("Hi"), status("completed")) == ["Hi"]


CALLING: list[dict[str, Any]] = [
    {"text": "Let me look. "},
    {"data": {"type": "tool_use", "id": "c", "name": "f", "input": {}}},
    {"data": {"type": "tool_result", "tool_call_id": "c", "content": "1"}},
    {"text": "It is "},
    {"text": "1."},
]


@pytest.mark.parametrize(
    ("updates", "append"),
    [
        ([CALLING], False),
        ([[part] for part in CALLING], True),
        ([CALLING[:1], CALLING[:4], CALLING], False),
        ([CALLING[:4], CALLING], False),
        ([CALLING, CALLING], False),
    ],
)
def test_text_after_a_call_in_an_artifact_stands_below_the_call(
    updates: list[list[Any]], append: bool
) -> None:
    frames = [
        {
            "artifactUpdate": {
                "taskId": "t",
                "artifact": {"artifactId": "a", "parts": parts},
                "append": append,
            }
        }
        for parts in updates
    ]
    events = run(TASK, *frames, status("completed"))
    assert Transcript.of(events).texts == ["Let me look. ", "It is 1."]
    begun = [type(event) for event in events if isinstance(event, ev.TextStart | ev.ToolStart)]
    assert begun == [ev.TextStart, ev.ToolStart, ev.TextStart]


def test_results_without_an_id_belong_to_the_oldest_call_of_their_name() -> None:
    calls = [
        data({"type": "tool_use", "name": name, "input": {"x": x}})
        for name, x in (("f", 1), ("f", 2), ("g", 3))
    ]
    results = [
        data({"type": "tool_result", "name": name, "content": name}) for name in ("g", "f", "f")
    ]
    tools = Transcript.of(run(TASK, *calls, *results, status("completed"))).tools
    assert [(tool["name"], tool["args"], tool["result"]) for tool in tools] == [
        ("f", {"x": 1}, "f"),
        ("f", {"x": 2}, "f"),
        ("g", {"x": 3}, "g"),
    ]


def test_artifacts_may_overlap_and_their_chunks_find_them() -> None:
    assert texts(
        artifact("a", "1"), artifact("b", "2"), artifact("c", "1", append=True, lastChunk=True)
    ) == ["ac", "b"]


def test_the_task_told_once_more_at_the_end_repeats_nothing() -> None:
    final = {
        "kind": "task",
        "id": "t",
        "status": {"state": "completed"},
        "artifacts": [{"artifactId": "a", "parts": [{"kind": "text", "text": "Hi"}]}],
    }
    assert texts(TASK, artifact("Hi", lastChunk=True), status("completed"), final) == ["Hi"]
    assert texts(final) == ["Hi"]


def test_a_message_without_a_task_is_the_whole_answer() -> None:
    events = run(
        {
            "kind": "message",
            "messageId": "m",
            "role": "agent",
            "parts": [{"kind": "text", "text": "Hi"}],
        }
    )
    assert Transcript.of(events).texts == ["Hi"]
    assert events[-1].status == "completed"  # type: ignore[union-attr]


def test_the_message_of_a_completed_task_is_its_answer() -> None:
    assert texts(TASK, status("working", "one moment"), status("completed", "Paris")) == ["Paris"]


@pytest.mark.parametrize(
    "part",
    [
        {"kind": "file", "file": {"bytes": "AA==", "mimeType": "image/png", "name": "x.png"}},
        {"raw": "AA==", "mediaType": "image/png", "filename": "x.png"},
        {"file": {"fileWithBytes": "AA==", "mediaType": "image/png", "name": "x.png"}},
    ],
)
def test_files_of_every_version_are_read(part: Any) -> None:
    (file,) = of(
        ev.File, run({"artifactUpdate": {"artifact": {"artifactId": "a", "parts": [part]}}})
    )
    assert (file.data, file.media_type, file.name) == ("AA==", "image/png", "x.png")


def test_tools_in_adks_words_are_tools() -> None:
    call = data({"id": "1", "name": "f", "args": {"x": 1}}, {"adk_type": "function_call"})
    result = data({"id": "1", "name": "f", "response": {"y": 2}}, {"adk_type": "function_response"})
    (tool,) = Transcript.of(run(call, result)).tools
    assert (tool["name"], tool["args"], tool["result"]) == ("f", {"x": 1}, {"y": 2})


def test_data_of_no_known_kind_is_carried() -> None:
    assert of(ev.Custom, run(data({"rows": 3})))[0].data == {"rows": 3}


def test_the_pairs_of_the_03_client_are_read_for_what_is_new() -> None:
    task = {"kind": "task", "id": "t", "contextId": "c", "status": {"state": "working"}}
    events = run(
        (task, None),
        (task, artifact("Hi")["artifactUpdate"] | {"kind": "artifact-update"}),
        (task, status("completed")),
    )
    assert Transcript.of(events).texts == ["Hi"]
    assert events[-1].status == "completed"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "item",
    [{"message": {"role": "assistant", "content": "x"}}, {"task": 1}, {"kind": "message"}, (), "x"],
)
def test_other_systems_words_do_not_tell(item: Any) -> None:
    assert not A2ADecoder.recognises(item)


def test_an_agent_that_only_wrote_notes_answered_with_the_last() -> None:
    assert texts(TASK, status("working", "one moment"), status("completed")) == ["one moment"]
    assert texts(TASK, status("working", "Par"), status("working", "is"), status("completed")) == [
        "Paris"
    ]
    assert texts(TASK, status("working", "one moment"), artifact("Paris"), status("completed")) == [
        "Paris"
    ]
