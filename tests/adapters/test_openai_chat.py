"""Chat Completions, one dialect of its servers at a time."""

import json
from typing import Any

import pytest
from adapters.recorded import Transcript, decode
from hypothesis import given
from openai._models import construct_type
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from streams import utf16_pieces

from nbagent import events as ev
from nbagent.adapters.openai_chat.decoder import ChatDecoder
from nbagent.events import Usage


def chunk(
    delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any
) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return {
        "id": "c-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
        **more,
    }


def call(arguments: Any, **more: Any) -> dict[str, Any]:
    """Return a delta with one tool call."""
    name = {"name": more.pop("name")} if "name" in more else {}
    return {
        "tool_calls": [{"type": "function", **more, "function": {**name, "arguments": arguments}}]
    }


def as_objects(items: list[Any]) -> list[Any]:
    return [
        item if isinstance(item, str) else construct_type(type_=ChatCompletionChunk, value=item)
        for item in items
    ]


def both(*items: Any) -> Transcript:
    """Return the transcript of the items, after asserting that it is the same for dicts and for SDK
    objects.
    """
    events = decode(ChatDecoder(), items)
    assert decode(ChatDecoder(), as_objects(list(items))) == events
    return Transcript.of(events)


STOP = chunk(finish="stop")


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "hm"},
        {"reasoning": "hm"},
        {"reasoning_text": "hm"},
        {"reasoning": "hm", "reasoning_content": "hm"},
        {"reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
        {"reasoning_details": [{"type": "reasoning.summary", "summary": "hm"}]},
        {"reasoning_content": "hm", "thinking_blocks": [{"type": "thinking", "thinking": "hm"}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
        {"content": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}]},
        {"content": "hm", "extra_content": {"google": {"thought": True}}},
    ],
    ids=lambda delta: "+".join(delta),
)
def test_a_thought_is_read_once_wherever_it_is_said(delta: dict[str, Any]) -> None:
    transcript = both(
        chunk({"role": "assistant", "content": ""}),
        chunk(delta),
        chunk({"content": "42"}),
        STOP,
        "[DONE]",
    )
    assert transcript.thoughts == ["hm"]
    assert transcript.texts == ["42"]


def test_opaque_parts_of_a_thought_are_carried_and_never_shown() -> None:
    signed = chunk(
        {
            "reasoning_details": [
                {"type": "reasoning.text", "text": "hm"},
                {"type": "reasoning.text", "signature": "sig"},
            ]
        }
    )
    sealed = chunk({"reasoning_details": [{"type": "reasoning.encrypted", "data": "enc"}]})
    events = decode(ChatDecoder(), [signed, chunk({"content": "42"}), sealed, STOP])
    ends = [event for event in events if isinstance(event, ev.ReasoningEnd)]
    assert [(end.signature, end.encrypted) for end in ends] == [("sig", None), (None, "enc")]
    assert Transcript.of(events).thoughts == ["hm", ""]


def test_think_tags_are_left_to_the_gate() -> None:
    assert both(chunk({"content": "<think>hm"}), chunk({"content": "</think>42"}), STOP).texts == [
        "<think>hm</think>42"
    ]


def test_a_refusal_is_no_ordinary_text() -> None:
    transcript = both(chunk({"refusal": "I can"}), chunk({"refusal": "not."}), STOP)
    assert (transcript.texts, transcript.refusals) == ([], ["I cannot."])


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        pytest.param(
            [call("", index=1, id="a", name="f"), call('{"x"', index=1), call(":1}", index=1)],
            [("f", "a", '{"x":1}')],
            id="index from 1",
        ),
        pytest.param(
            [call('{"x"', index=0, id="a", name="f"), call(":1}", index=0, id="a", name="f")],
            [("f", "a", '{"x":1}')],
            id="id and name repeated",
        ),
        pytest.param(
            [call('{"x"', index=0, id="a", name="f"), call(":1}", index=0, id="", name="")],
            [("f", "a", '{"x":1}')],
            id="id and name empty afterwards",
        ),
        pytest.param(
            [call('{"x"', index=0, id="a", name="f"), call(":1}", index=0, id="b")],
            [("f", "a", '{"x":1}')],
            id="another id in every delta",
        ),
        pytest.param(
            [call('{"x"', id="a", name="f"), call(":1}"), call("{}", id="b", name="g")],
            [("f", "a", '{"x":1}'), ("g", "b", "{}")],
            id="no index",
        ),
        pytest.param(
            [call('{"x":1}', index=None, name="f"), call('{"x":2}', index=None, name="f")],
            [("f", None, '{"x":1}'), ("f", None, '{"x":2}')],
            id="no index and no id",
        ),
        pytest.param(
            [
                call('{"x":1}', index=0, id="a", name="f"),
                call('{"x":2}', index=0, id="b", name="f"),
            ],
            [("f", "a", '{"x":1}'), ("f", "b", '{"x":2}')],
            id="every call has index 0",
        ),
        pytest.param(
            [call('{"x":1}', index=0, name="f"), call('{"x":2}', index=0, name="f")],
            [("f", None, '{"x":1}'), ("f", None, '{"x":2}')],
            id="every call has index 0 and none has an id",
        ),
        pytest.param(
            [
                call('{"x"', index=0, id="a", name="f"),
                call('{"y"', index=1, id="b", name="g"),
                call(":1}", index=0),
                call(":2}", index=1),
            ],
            [("f", "a", '{"x":1}'), ("g", "b", '{"y":2}')],
            id="interleaved",
        ),
        pytest.param(
            [call('{"x"', index=0, id="a"), call(":1}", index=0, name="f")],
            [("f", "a", '{"x":1}')],
            id="name comes late",
        ),
        pytest.param(
            [call({"x": 1}, index=0, id="a", name="f")],
            [("f", "a", '{"x": 1}')],
            id="arguments parsed",
        ),
        pytest.param(
            [call(None, index=0, id="a", name="f")], [("f", "a", "")], id="arguments null"
        ),
        pytest.param(
            [
                {"function_call": {"name": "f", "arguments": '{"x"'}},
                {"function_call": {"arguments": ":1}"}},
            ],
            [("f", None, '{"x":1}')],
            id="legacy function_call",
        ),
        pytest.param(
            [
                {
                    "tool_calls": {
                        "index": 0,
                        "id": "a",
                        "function": {"name": "f", "arguments": '{"x"'},
                    }
                },
                {
                    "tool_calls": {
                        "index": 0,
                        "id": "a",
                        "function": {"name": None, "arguments": ":1}"},
                    }
                },
            ],
            [("f", "a", '{"x":1}')],
            id="no list",
        ),
    ],
)
def test_tool_calls_are_put_together(deltas: list[dict[str, Any]], expected: list[Any]) -> None:
    transcript = both(*map(chunk, deltas), chunk(finish="tool_calls"), "[DONE]")
    assert transcript.calls() == expected
    assert [tool["args"] for tool in transcript.tools] == [
        json.loads(text or "{}") for _, _, text in expected
    ]


def test_arguments_that_are_not_json_are_kept_and_marked() -> None:
    transcript = both(chunk(call('{"x": ', index=0, id="a", name="f")), chunk(finish="length"))
    assert [(tool["args_text"], tool["valid"]) for tool in transcript.tools] == [('{"x": ', False)]
    assert transcript.end is not None
    assert (transcript.end.status, transcript.end.code) == ("incomplete", "length")


def test_arguments_of_a_stream_that_was_cut_are_never_called_whole() -> None:
    transcript = both(chunk(call('{"x": 1}', index=0, id="a", name="f")))
    assert "args" not in transcript.tools[0]


def test_a_custom_tool_takes_free_text() -> None:
    delta = {
        "tool_calls": [
            {
                "index": 0,
                "id": "a",
                "type": "custom",
                "custom": {"name": "sql", "input": "SELECT 1"},
            }
        ]
    }
    (tool,) = both(chunk(delta), chunk(finish="tool_calls")).tools
    assert (tool["kind"], tool["args"], tool["valid"]) == ("custom", "SELECT 1", True)


def test_geminis_thought_signature_goes_with_its_call() -> None:
    extra = {"google": {"thought_signature": "sig"}}
    events = decode(
        ChatDecoder(),
        [chunk(call("{}", index=0, id="a", name="f", extra_content=extra)), chunk(finish="stop")],
    )
    assert [event.meta for event in events if isinstance(event, ev.ToolStart)] == [
        {"extra_content": extra}
    ]


def test_calls_may_follow_a_finish_under_the_same_id() -> None:
    first = chunk(call('{"x":1}', index=0, id="a", name="f"), finish="tool_calls")
    second = chunk(call('{"x":2}', index=0, id="b", name="f"), finish="tool_calls")
    transcript = both(first, second)
    assert transcript.calls() == [("f", "a", '{"x":1}'), ("f", "b", '{"x":2}')]


def test_each_answer_has_its_own_text() -> None:
    def two(left: str, right: str, finish: str | None = None) -> dict[str, Any]:
        choices = [
            {"index": number, "delta": {"content": text}, "finish_reason": finish}
            for number, text in enumerate([left, right])
        ]
        return {**chunk(), "choices": choices}

    transcript = both(two("a", "1"), two("b", "2"), two("", "", "stop"))
    assert transcript.texts == ["ab", "12"]


@pytest.mark.parametrize(
    ("items", "message", "code"),
    [
        (
            [{"error": {"message": "busy", "code": "overloaded", "type": "server_error"}}],
            "busy",
            "overloaded",
        ),
        ([{"error": "busy"}], "busy", None),
        ([chunk(error={"message": "busy", "code": 502}), STOP, "[DONE]"], "busy", "502"),
        (
            [{**chunk(), "choices": [{"index": 0, "delta": {}, "error": {"message": "busy"}}]}],
            "busy",
            None,
        ),
        ([chunk(finish="error")], "The model stopped with finish_reason 'error'", "error"),
    ],
)
def test_an_error_in_the_stream_fails_the_run_and_keeps_its_text(
    items: list[Any], message: str, code: str | None
) -> None:
    events = decode(ChatDecoder(), [chunk({"content": "So far"}), *items])
    transcript = Transcript.of(events)
    assert [(event.message, event.code) for event in events if isinstance(event, ev.Error)] == [
        (message, code)
    ]
    assert transcript.texts == ["So far"]
    assert transcript.end is not None
    assert transcript.end.status == "failed"


def test_an_error_is_told_once_though_the_sdk_raises_it_again() -> None:
    events = decode(
        ChatDecoder(),
        [chunk({"content": "a"}), {"error": {"message": "busy"}}],
        RuntimeError("busy"),
    )
    assert len([event for event in events if isinstance(event, ev.Error)]) == 1


def test_no_key_gets_into_an_error() -> None:
    events = decode(
        ChatDecoder(),
        [],
        RuntimeError("Incorrect API key provided: sk-proj-abcdefghijkl, Bearer abc.defghijklmnopq"),
    )
    (error,) = (event for event in events if isinstance(event, ev.Error))
    assert error.message == f"Incorrect API key provided: sk{'•' * 18}, Bearer ab{'•' * 16}"


USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


@pytest.mark.parametrize(
    "end",
    [
        [STOP, {**chunk(), "choices": [], "usage": USAGE}],
        [chunk(finish="stop", usage=USAGE)],
        [chunk(finish="stop", x_groq={"usage": USAGE})],
        [STOP, chunk({"role": "assistant", "content": ""}, usage=USAGE)],
        [
            {
                **chunk(),
                "choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": USAGE}],
            }
        ],
        [{**chunk(), "choices": [], "usage": USAGE}],
        [chunk({"content": ""}, usage=USAGE)],
    ],
    ids=[
        "own chunk",
        "finish chunk",
        "x_groq",
        "after the finish",
        "in the choice",
        "no finish reason",
        "neither",
    ],
)
@pytest.mark.parametrize("done", [[], ["[DONE]"]], ids=["hidden", "[DONE]"])
def test_usage_is_found_and_the_stream_is_whole(end: list[Any], done: list[str]) -> None:
    transcript = both(chunk({"content": "a"}), chunk({"content": "b"}), *end, *done)
    assert transcript.end is not None
    assert transcript.end.usage == Usage(input=3, output=4, total=7)
    assert transcript.end.status == "completed"


def test_usage_in_every_chunk_is_no_sign_of_the_end() -> None:
    transcript = both(chunk({"content": "a"}, usage=USAGE), chunk({"content": "b"}, usage=USAGE))
    assert transcript.end is not None
    assert transcript.end.code == ev.STREAM_TRUNCATED


def test_usage_of_steps_is_added_up() -> None:
    items = [chunk({"content": "a"}), chunk(finish="stop", usage=USAGE), "[DONE]"]
    transcript = both(*items, *items)
    assert transcript.end is not None
    assert transcript.end.usage == Usage(input=6, output=8, total=14)


def test_responses_may_follow_each_other_with_no_border_but_the_id() -> None:
    first = [chunk({"content": "a"}), STOP]
    second = [
        {**item, "id": "c-2"}
        for item in (chunk({"role": "assistant", "content": ""}), chunk({"content": "b"}), STOP)
    ]
    events = decode(ChatDecoder(), first + second)
    assert Transcript.of(events).texts == ["a", "b"]
    assert [event.step for event in events if isinstance(event, ev.TextStart)] == [1, 2]


def test_a_response_that_only_its_usage_ends_is_not_run_into_the_next() -> None:
    first = [chunk({"content": "a"}), {**chunk(), "choices": [], "usage": USAGE}]
    transcript = both(*first, *({**item, "id": "c-2"} for item in first))
    assert transcript.texts == ["a", "a"]
    assert transcript.end is not None
    assert (transcript.end.status, transcript.end.usage) == (
        "completed",
        Usage(input=6, output=8, total=14),
    )


def test_end_step_closes_a_response_that_ended_without_a_word() -> None:
    decoder = ChatDecoder()
    events = [event for item in (chunk({"content": "a"}), STOP) for event in decoder.feed(item)]
    assert [type(event) for event in decoder.end_step()] == [ev.StepEnd]
    assert decoder.end_step() == []
    events = [event for item in (chunk({"content": "b"}), STOP) for event in decoder.feed(item)]
    assert isinstance(events[0], ev.StepStart)


def test_azures_first_chunk_is_no_answer() -> None:
    first = {
        "id": "",
        "model": "",
        "object": "",
        "choices": [],
        "prompt_filter_results": [{"prompt_index": 0}],
    }
    events = decode(ChatDecoder(), [first, chunk({"content": "a"}), STOP, "[DONE]"])
    assert Transcript.of(events).texts == ["a"]
    assert not [event for event in events if isinstance(event, ev.Raw)]
    assert len([event for event in events if isinstance(event, ev.StepStart)]) == 1


def test_togethers_text_beside_the_delta_is_the_same_text() -> None:
    doubled = {**chunk(), "choices": [{"index": 0, "text": "a", "delta": {"content": "a"}}]}
    assert both(doubled, STOP).texts == ["a"]


def test_perplexitys_cumulative_message_is_not_appended() -> None:
    def helper_event(delta: str, message: str) -> dict[str, Any]:
        choices = [
            {
                "index": 0,
                "delta": {"content": delta},
                "message": {"role": "assistant", "content": message},
            }
        ]
        return {**chunk(citations=["https://example.org"]), "choices": choices}

    events = decode(ChatDecoder(), [helper_event("a", "a"), helper_event("b", "ab"), STOP])
    assert Transcript.of(events).texts == ["ab"]
    assert [event.url for event in events if isinstance(event, ev.Source)] == [
        "https://example.org"
    ]


def test_sources_and_pictures_are_shown() -> None:
    delta = {
        "content": "see",
        "annotations": [
            {
                "type": "url_citation",
                "url_citation": {"url": "https://example.org", "title": "Example"},
            }
        ],
        "images": [{"type": "image_url", "image_url": {"url": "data:image/webp;base64,AAAA"}}],
    }
    events = decode(ChatDecoder(), [chunk(delta), STOP])
    (source,) = (event for event in events if isinstance(event, ev.Source))
    (file,) = (event for event in events if isinstance(event, ev.File))
    assert (source.url, source.title, source.text_id) == (
        "https://example.org",
        "Example",
        "text-1",
    )
    assert (file.media_type, file.url) == ("image/webp", "data:image/webp;base64,AAAA")


def test_the_spoken_words_of_audio_are_text() -> None:
    audio = [
        chunk({"audio": {"id": "au", "transcript": "Hel"}}),
        chunk({"audio": {"transcript": "lo"}}),
        STOP,
    ]
    assert both(*audio).texts == ["Hello"]


def test_a_tool_that_the_server_ran_has_its_result() -> None:
    ran = {"index": 0, "type": "search", "arguments": '{"q":"x"}'}
    (tool,) = both(
        chunk({"executed_tools": [ran]}),
        chunk({"executed_tools": [{**ran, "output": "found"}]}),
        STOP,
    ).tools
    assert (tool["kind"], tool["name"], tool["args"], tool["result"]) == (
        "hosted",
        "search",
        {"q": "x"},
        "found",
    )


def test_a_whole_completion_is_a_stream_of_one() -> None:
    message = {
        "role": "assistant",
        "content": "Let me see",
        "reasoning_content": "hm",
        "tool_calls": [
            {"id": "same", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
            {"id": "same", "type": "function", "function": {"name": "f", "arguments": '{"x":2}'}},
        ],
    }
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    whole = {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": USAGE,
    }
    events = decode(ChatDecoder(), [whole])
    transcript = Transcript.of(events)
    assert (transcript.thoughts, transcript.texts) == (["hm"], ["Let me see"])
    assert transcript.calls() == [("f", "same", '{"x":1}'), ("f", "same", '{"x":2}')]
    assert transcript.end is not None
    assert (transcript.end.status, transcript.end.finish_reason) == ("completed", "tool_calls")
    assert decode(ChatDecoder(), [construct_type(type_=ChatCompletion, value=whole)]) == events


@given(utf16_pieces())
def test_any_text_survives_being_cut_between_utf16_units(cut: tuple[str, list[str]]) -> None:
    text, pieces = cut
    transcript = both(*(chunk({"content": piece}) for piece in pieces), STOP)
    assert "".join(transcript.texts) == text


def test_half_an_emoji_is_replaced_and_not_lost_silently() -> None:
    assert both(chunk({"content": "a\ud83d"}), STOP).texts == ["a\ufffd"]
    assert both(chunk({"content": "\ude00b"}), STOP).texts == ["\ufffdb"]
