"""Labels and figures are those of the view: both languages are tested against
tests/shared/labels.json.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbagent.blocks import end
from nbagent.protocol import shared
from nbagent.render import durations, errors, figures, json_text, labels, questions, thoughts
from nbagent.render.html import transcript_html
from nbagent.render.html_values import richest_type
from nbagent.render.markdown import transcript_markdown

TABLE: dict[str, list[list[Any]]] = json.loads(
    (Path(__file__).parents[1] / "shared/labels.json").read_text("utf-8")
)

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "duration": durations.duration,
    "rounded": durations.rounded,
    "count": shared.count,
    "json": lambda value: text if "\n" not in (text := json_text.pretty(value)) else None,
    "args": labels.args_label,
    "run": labels.run_label,
    "tool_note": lambda tool: labels.tool_note(tool, closed=True)[1],
    "thought": lambda thought: thoughts.thought_label({**thought, "closed": True}),
    "prompt": questions.prompt_label,
    "decision": questions.decision_label,
    "changes": questions.changes,
    "traceback": errors.traceback_label,
    "figures": figures.figures,
    "lanes": labels.lanes_label,
    "failed_calls": figures.failed_calls_label,
    "end": end.end_label,
    "waiting": lambda run, agent, blocks: labels.waiting_label(run, agent or run, blocks),
    "richest": lambda types: richest_type(dict.fromkeys(types, "x")),
}


@pytest.mark.parametrize(("name", "row"), [(name, row) for name in TABLE for row in TABLE[name]])
def test_a_label_is_that_of_the_view(name: str, row: list[Any]) -> None:
    *arguments, expected = row
    assert FUNCTIONS[name](*arguments) == expected


def test_each_stop_of_a_call_is_a_line_of_its_own_in_documents() -> None:
    about = {"kind": "approval", "approval_kind": "stop", "tool_id": "t", "parent": "t"}
    blocks: list[dict[str, Any]] = [
        {"id": "run", "kind": "run", "status": "completed"},
        {
            "id": "t",
            "parent": "run",
            "kind": "tool",
            "name": "rate",
            "state": "output-available",
            "closed": True,
        },
        {
            "id": "a",
            **about,
            "stage": "call",
            "prompt": "breakpoint",
            "decision": "step",
            "closed": True,
        },
        {
            "id": "b",
            **about,
            "stage": "result",
            "prompt": "step",
            "decision": "result",
            "closed": True,
        },
    ]
    for written in (transcript_html(blocks), transcript_markdown(blocks)):
        assert written.index("Run, then stopped") < written.index("Result given by you")
        assert "⊘" not in written


@pytest.mark.parametrize(
    ("state", "caption"), [("approval-requested", "Result"), ("input-available", "Result so far")]
)
def test_a_result_at_which_a_run_has_stopped_is_whole(state: str, caption: str) -> None:
    call = {
        "id": "t",
        "parent": "run",
        "kind": "tool",
        "name": "f",
        "state": state,
        "result": {"text/plain": "11.2"},
        "open": True,
    }
    stop = {
        "id": "a",
        "parent": "t",
        "kind": "approval",
        "tool_id": "t",
        "approval_kind": "stop",
        "stage": "result",
    }
    assert f">{caption}<" in transcript_html(
        [{"id": "run", "kind": "run", "status": "running"}, call, stop]
    )
