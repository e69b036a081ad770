"""A text is found in all runs of the process, as far as their readers may see it."""

from typing import Any

import pytest

import nbagent
from nbagent import Run
from nbagent import events as e
from nbagent.run import registry
from nbagent.run.run_search import search


def run_of(*events: Any, **options: Any) -> Run:
    run = Run([*events, e.RunEnd(status="completed")], **options)
    run.start()
    return run.wait()


RATE: list[e.Event] = [
    e.ToolStart(id="c", name="rate"),
    e.ToolArgs(id="c", args={"year": 2024}, args_text='{"year": 2024}'),
    e.ToolResult(id="c", content={"rate": 11.25}),
]
ANSWER: list[Any] = [
    e.TextStart(id="t"),
    e.TextDelta(id="t", delta="It is 11."),
    e.TextDelta(id="t", delta="25."),
]


def test_a_text_is_found_in_prompts_answers_arguments_and_results() -> None:
    run = run_of(e.Prompt(text="The rate of 2024?"), *RATE, *ANSWER, name="analyst")
    found = search([run], "11.25")
    assert [(each.kind, each.name, each.field) for each in found] == [
        ("tool", "rate", "result"),
        ("text", "text", "text"),
    ]
    assert found[1].excerpt == "It is 11.25."
    call = found[0].call
    assert call is not None
    assert call.result == {"rate": 11.25}
    assert [each.field for each in search([run], "2024")] == ["text", "args"]
    assert [each.kind for each in search([run], "THE RATE")] == ["prompt"]
    assert repr(search([run], "nowhere")) == "Nothing was found."
    assert "analyst, text text: It is 11.25." in repr(found)
    assert ">rate</td>" in found._repr_html_()


def test_what_is_hidden_is_not_found() -> None:
    assert not search([run_of(*RATE, hide={"rate": "all"})], "11.25")
    assert not search([run_of(*RATE, redact=["11.25"])], "11.25")


def test_all_shown_runs_are_searched_also_those_that_have_ended() -> None:
    runs = [run_of(*ANSWER, name=name) for name in ("a", "b")]
    for run in runs:
        registry.register(run)
    assert [each.run for each in nbagent.runs.search("is 11.2") if each.run in runs] == runs
    for run in runs:
        run.close()


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(ValueError, match="takes a text to look for"):
        nbagent.runs.search("")


def test_markup_stays_text() -> None:
    attack = "<img src=x onerror=alert(1)>"
    run = run_of(e.Prompt(text=attack))
    assert "<img" not in search([run], "onerror")._repr_html_()
