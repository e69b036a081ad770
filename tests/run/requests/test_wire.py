"""The raw text of a response: its token counts, and its secrets."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagent.gate import Gate
from nbagent.gate.secrets import Secrets
from nbagent.run.requests.wire import masked_wire, told_usage

DELTA = 'data: {"type":"message_delta","usage":{"output_tokens":2}}'
SECRET = "canary-0f1e2d3c4b5a6978"


def gate(**options: Any) -> Gate:
    made = Gate(**options)
    made.mask_secrets(Secrets([SECRET]))
    return made


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        (
            (
                'data: {"choices":[],"usage":{"prompt_tokens":40,"completion_tokens":2}}\n\ndata: '
                "[DONE]\n\n"
            ),
            (40, 2),
        ),
        ('{"choices": [],\n "usage": {\n "prompt_tokens": 40, "completion_tokens": 2}}', (40, 2)),
        (
            (
                "data: "
                '{"type":"response.completed","response":{"usage":{"input_tokens":40,"output_tokens":2}}}'
            ),
            (40, 2),
        ),
        (
            (
                "data: "
                '{"message":{"usage":{"input_tokens":4,"cache_read_input_tokens":36,"output_tokens":1}}}\n'
            )
            + DELTA,
            (40, 2),
        ),
        ('data: {"usageMetadata":{"promptTokenCount":40,"candidatesTokenCount":2}}', (40, 2)),
        (
            (
                '[{"usageMetadata": {"promptTokenCount": 40}},\n{"usageMetadata": '
                '{"candidatesTokenCount": 2}}]'
            ),
            (40, 2),
        ),
        ('{"done":false}\n{"done":true,"prompt_eval_count":40,"eval_count":2}', (40, 2)),
        (
            (
                "data: "
                '{"type":"message-end","delta":{"usage":{"tokens":{"input_tokens":40,"output_tokens":2}}}}'
            ),
            (40, 2),
        ),
    ],
)
def test_the_tokens_that_services_tell(text: str, tokens: tuple[int, int]) -> None:
    usage = told_usage(text)
    assert usage is not None
    assert (usage.input, usage.output) == tokens


@pytest.mark.parametrize(
    "text", ["", "data: [DONE]", '{"usage": null}', "<html>", '{"usage": {}}', "\x00"]
)
def test_a_response_without_counts(text: str) -> None:
    assert told_usage(text) is None


def chunks(pieces: list[str]) -> str:
    """Return a stream of Chat whose text comes in these pieces, between two other ones."""
    deltas = [
        {"choices": [{"index": 0, "delta": {"content": piece}}], "id": "c"}
        for piece in ["Key: ", *pieces, "."]
    ]
    return "".join(f"data: {json.dumps(delta)}\n\n" for delta in deltas)


@given(st.lists(st.integers(0, len(SECRET)), max_size=6))
def test_a_secret_is_masked_however_the_stream_cut_it(cuts: list[int]) -> None:
    ends = sorted({0, *cuts, len(SECRET)})
    pieces = [SECRET[start:end] for start, end in itertools.pairwise(ends)]
    shown = masked_wire(chunks(pieces), gate().mask, is_cut=False)
    lines = [json.loads(line.removeprefix("data: ")) for line in shown.splitlines() if line]
    text = "".join(line["choices"][0]["delta"]["content"] for line in lines)
    assert text == f"Key: ca{'•' * (len(SECRET) - 2)}."


@given(st.integers(4, len(SECRET)))
def test_the_beginning_of_a_secret_is_masked_while_its_rest_is_to_come(size: int) -> None:
    pieces = [SECRET[: size // 2], SECRET[size // 2 : size]]
    text = chunks(pieces).rpartition("data: ")[0]
    assert SECRET[2:size] not in masked_wire(text, gate().mask, is_cut=True).replace('"', "")
    shown = masked_wire(text, gate().mask, is_cut=True)
    lines = [json.loads(line.removeprefix("data: ")) for line in shown.splitlines() if line]
    assert SECRET[:size] not in "".join(line["choices"][0]["delta"]["content"] for line in lines)


def test_a_function_of_redact_may_change_the_length() -> None:
    shown = masked_wire(
        chunks(["12", "34"]),
        gate(redact=[lambda text: text.replace("1234", "[a number]")]).mask,
        is_cut=False,
    )
    assert "[a number]" in shown
    assert "34" not in shown


def test_a_wire_without_secrets_stays_as_it_is() -> None:
    text = chunks(["a", "b"]) + ": comment\r\n\r\nnot json {\n" + '{"nested": [1, "2", null]}'
    assert masked_wire(text, gate().mask, is_cut=True) == text
