"""Hidden content stays in the kernel: it is in `run.private`, and in no renderer, file or repr."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nbagent import events as e
from nbagent.gate import secrets
from nbagent.run import Run
from nbagent.sources import recording

CANARY = "Xyzzy-4111"
STREAM: list[e.Event] = [
    e.RunStart(),
    e.ReasoningStart(id="r"),
    e.ReasoningDelta(id="r", delta=f"thought {CANARY}"),
    e.ReasoningEnd(id="r"),
    e.TextStart(id="a"),
    e.TextDelta(id="a", delta=f"Looking up {CANARY}."),
    e.TextEnd(id="a"),
    e.ToolStart(id="t", name="search"),
    e.ToolArgs(id="t", args={"q": CANARY}, args_text=json.dumps({"q": CANARY})),
    e.ToolResult(id="t", content=CANARY, value=e.Live(CANARY)),
    e.TextStart(id="b"),
    e.TextDelta(id="b", delta="It is Xyz"),
    e.TextDelta(id="b", delta="zy-4111, I think."),
    e.TextEnd(id="b"),
    e.RunEnd(status="completed", output={"all": CANARY}),
]
RULES: list[dict[str, Any]] = [
    {"redact": [r"Xyzzy-\d+"]},
    {"redact": [lambda text: text.replace(CANARY, "…")]},
    {"reveal": "answer", "commentary": False, "redact": ["Xyzzy"]},
    {"reveal": "tools", "hide": {"search": ["args", "result"]}, "redact": ["Xyzzy"]},
]


def run_of(**rules: Any) -> Run:
    run = Run(iter(STREAM), **rules)
    run.start()
    return run.wait()


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: " ".join(rules))
def test_what_is_hidden_is_in_no_block_no_event_no_file_and_no_repr(
    rules: dict[str, Any], tmp_path: Path
) -> None:
    run = run_of(**rules)
    run.save(str(tmp_path / "run.jsonl"))
    outputs = [run.snapshot(), run.events, run.text, run.thinking, run.answer, run, run.tools]
    assert CANARY not in "".join(map(repr, outputs)) + (tmp_path / "run.jsonl").read_text()


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: " ".join(rules))
def test_what_is_hidden_is_private_and_saved_when_it_is_asked_for_by_name(
    rules: dict[str, Any], tmp_path: Path
) -> None:
    run = run_of(**rules)
    bare = [(event.seq, e.to_dict(event)) for event in run.private]
    assert [seq for seq, _ in bare] == list(range(1, len(STREAM) + 1))
    assert [event["type"] for _, event in bare] == [e.type_of(event) for event in STREAM]
    run.save(str(tmp_path / "private.jsonl"), private=True)
    assert [e.type_of(event) for event in recording.load(tmp_path / "private.jsonl")] == [
        e.type_of(event) for event in STREAM
    ]
    assert CANARY in (tmp_path / "private.jsonl").read_text()


def test_a_run_that_hides_nothing_keeps_nothing_twice() -> None:
    assert run_of().private == []


def test_credentials_are_masked_also_where_the_private_is_saved(tmp_path: Path) -> None:
    key = "sk-" + "a1B2" * 8
    run = Run(
        iter([e.TextDelta(id="a", delta=key[:9]), e.TextDelta(id="a", delta=key[9:])]),
        reveal="answer",
    )
    run.start()
    run.wait().save(str(tmp_path / "private.jsonl"), private=True)
    assert key[9:] not in (tmp_path / "private.jsonl").read_text()


def test_the_answer_is_what_follows_the_last_call() -> None:
    assert run_of().answer == f"It is {CANARY}, I think."
    assert run_of(reveal="answer").answer == f"It is {CANARY}, I think."


def test_a_call_written_into_the_text_ends_what_was_said_before_it() -> None:
    call = '<tool_call>{"name": "f", "arguments": {}}</tool_call>'
    run = Run(iter(["Let me see. ", call, "It is 1."]), reveal="answer")
    run.start()
    assert run.wait().answer == "It is 1."


def test_a_phase_says_what_the_answer_is() -> None:
    commentary = [
        e.TextStart(id="a", phase="commentary"),
        e.TextDelta(id="a", delta="Hm."),
        e.TextEnd(id="a"),
    ]
    final = [
        e.TextStart(id="b", phase="final_answer"),
        e.TextDelta(id="b", delta="Yes."),
        e.TextEnd(id="b"),
    ]
    run = Run(iter([*commentary, *final, e.ToolStart(id="t", name="f")]))
    run.start()
    assert run.wait().answer == "Yes."


def test_a_credential_that_comes_to_be_known_later_is_masked_in_each_text_that_then_begins() -> (
    None
):
    key = "late/4f1c9a27e6"

    def stream() -> Iterator[e.Event]:
        yield e.TextStart(id="a")
        yield e.TextEnd(id="a", text="A second client begins.")
        secrets.register(key)
        yield e.TextStart(id="b")
        yield e.TextDelta(id="b", delta=f"It says {key}.")

    assert key not in Run(stream()).wait(10).text
