"""Ollama's own API, one rule of the format at a time."""

from typing import Any

import pytest
from adapters.recorded import Recording, Transcript, decode, of_folder

from nbagent import events as ev
from nbagent.adapters.decoders import decoder_for
from nbagent.adapters.ollama.decoder import OllamaDecoder

Json = dict[str, Any]


def chat(done: bool = False, message: Json | None = None, **more: Any) -> Json:
    return {
        "model": "llama3",
        "message": {"role": "assistant", "content": "", **(message or {})},
        "done": done,
        **more,
    }


def end_of(events: list[ev.Event]) -> ev.RunEnd:
    assert isinstance(events[-1], ev.RunEnd)
    return events[-1]


@pytest.mark.parametrize("recording", of_folder("ollama"), ids=str)
def test_a_recording_says_what_its_pieces_add_up_to(recording: Recording) -> None:
    items = recording.items
    events = decode(OllamaDecoder(), items)
    assert Transcript.of(events).texts == [
        "".join(
            item.get("response") or item.get("message", {}).get("content", "") for item in items
        )
    ]
    usage = end_of(events).usage
    assert usage is not None
    assert (end_of(events).status, usage.output) == ("completed", items[-1]["eval_count"])


def test_a_thought_a_call_and_a_text_are_told_apart() -> None:
    call = {"function": {"name": "f", "arguments": {"x": 1}}}
    items = [
        chat(message={"thinking": "hm"}),
        chat(message={"tool_calls": [call, call]}),
        chat(message={"content": "42"}),
    ]
    transcript = Transcript.of(decode(OllamaDecoder(), [*items, chat(True, done_reason="stop")]))
    assert (transcript.thoughts, transcript.texts) == (["hm"], ["42"])
    assert transcript.calls() == [("f", None, '{"x": 1}')] * 2


@pytest.mark.parametrize(
    ("reason", "status"), [("stop", "completed"), ("load", "completed"), ("length", "incomplete")]
)
def test_the_reason_tells_how_it_ended(reason: str, status: str) -> None:
    counts: Json = {"prompt_eval_count": 2, "eval_count": 3}
    end = end_of(
        decode(
            OllamaDecoder(),
            [chat(message={"content": "x"}), chat(True, done_reason=reason, **counts)],
        )
    )
    assert (end.status, end.finish_reason, end.usage) == (
        status,
        reason,
        ev.Usage(input=2, output=3, total=5),
    )


def test_a_line_with_an_error_keeps_the_text_and_fails_the_run() -> None:
    events = decode(
        OllamaDecoder(), [chat(message={"content": "so far"}), {"error": "out of memory"}]
    )
    assert Transcript.of(events).texts == ["so far"]
    assert (
        end_of(events).status,
        [event.message for event in events if isinstance(event, ev.Error)],
    ) == (
        "failed",
        ["out of memory"],
    )


def test_more_after_the_end_is_another_response() -> None:
    one = [chat(message={"content": "x"}), chat(True, done_reason="stop", eval_count=1)]
    events = decode(OllamaDecoder(), one + one)
    assert Transcript.of(events).texts == ["x", "x"]
    assert end_of(events).usage == ev.Usage(output=2)


def test_a_whole_response_is_one_chunk_that_is_done() -> None:
    whole = {
        "model": "llama3",
        "response": "42",
        "thinking": "hm",
        "done": True,
        "done_reason": "stop",
    }
    transcript = Transcript.of(decode(decoder_for(whole), [whole]))
    assert (transcript.thoughts, transcript.texts) == (["hm"], ["42"])


def test_what_is_unknown_is_kept() -> None:
    events = decode(
        OllamaDecoder(), [chat(message={"content": "x"}), {"status": "pulling"}, chat(True)]
    )
    assert [event.name for event in events if isinstance(event, ev.Raw)] == ["pulling"]
