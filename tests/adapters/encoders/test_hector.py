"""The lines about tools in Hector's stream, as its documentation prints them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbagent
from nbagent import events as ev

END = ev.RunEnd(status="completed")


def call(id: str, name: str, /, **args: Any) -> list[ev.Event]:
    made = ev.ToolArgs(id=id, args=args, args_text=json.dumps(args))
    return [ev.ToolStart(id=id, name=name), made]


def result(id: str, content: Any) -> ev.Event:
    return ev.ToolResult(id=id, content=content)


def said(id: str, text: str) -> list[ev.Event]:
    return [ev.TextStart(id=id), ev.TextDelta(id=id, delta=text), ev.TextEnd(id=id)]


def text_of(*events: ev.Event) -> str:
    items = nbagent.encode([ev.RunStart(), *events, END], "hector")
    return "".join(item["chunk"] for item in items if isinstance(item, dict) and "chunk" in item)


def results_in(text: str) -> list[Any]:
    run = nbagent.Run([{"chunk": text}, "[DONE]"])
    run.start()
    return [each.result for each in run.wait(20).tools]


def test_the_documentations_example() -> None:
    assert text_of(
        *said("t1", "Let me create that file..."),
        *call("a", "write_file", path="hello.py", content="print('Hello')"),
        result("a", None),
        *said("t2", "Now let me test it..."),
        *call("b", "execute_command", command="python hello.py"),
        result("b", "Hello"),
        *said("t3", "The program works correctly!"),
    ) == (
        "Let me create that file...\n"
        '[Tool: write_file("hello.py", "print(\'Hello\')")]\n'
        "Now let me test it...\n"
        '[Tool: execute_command("python hello.py")]\n'
        "Output: Hello\n"
        "The program works correctly!"
    )


def test_calls_at_the_same_time_stand_one_after_the_other() -> None:
    begun = [*call("a", "f", x=1), *call("b", "g", y=2)]
    lines = "[Tool: f(1)]\nOutput: one\n[Tool: g(2)]\nOutput: two\n"
    assert text_of(*begun, result("a", "one"), result("b", "two")) == lines
    assert text_of(*begun, result("b", "two"), result("a", "one")) == lines


def test_calls_without_results_wait_for_no_result() -> None:
    begun = [*call("a", "f"), *call("b", "g")]
    assert text_of(*begun) == "[Tool: f()]\n[Tool: g()]\n"
    assert text_of(*begun, *said("t", "Done.")) == "[Tool: f()]\n[Tool: g()]\nDone."


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ({}, ""),
        (
            {"path": "é.txt", "lines": [1, None], "deep": {"a": True}},
            '"é.txt", [1, null], {"a": true}',
        ),
        ({"only": {"a": 1}}, '{"only": {"a": 1}}'),
    ],
)
def test_arguments_are_values(args: dict[str, Any], line: str) -> None:
    assert text_of(*call("a", "f", **args)) == f"[Tool: f({line})]\n"


@given(st.text(min_size=1))
def test_any_output_is_one_line_which_is_read_as_it_was(output: str) -> None:
    text = text_of(*call("a", "f"), result("a", output), *said("t", "Done."))
    assert text.count("\n") == 2
    assert results_in(text) == [output]


def test_reasoning_is_an_event_of_its_own_which_is_read_again() -> None:
    thought: list[ev.Event] = [
        ev.ReasoningStart(id="r"),
        ev.ReasoningDelta(id="r", delta="Let me "),
        ev.ReasoningDelta(id="r", delta="see."),
        ev.ReasoningEnd(id="r"),
    ]
    events = [ev.RunStart(), *thought, *said("t", "Four."), END]
    items = list(nbagent.encode(events, "hector"))
    assert items[0] == {"event": "thinking", "data": {"thinking": "Let me "}}
    run = nbagent.Run(items)
    run.start()
    run.wait(20)
    assert (run.thinking, run.text) == ("Let me see.", "Four.")
