"""Labels and figures are those of the view: both languages are tested against tests/shared/labels.json."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbagent.render import labels
from nbagent.render.html_values import richest_type

TABLE: dict[str, list[list[Any]]] = json.loads((Path(__file__).parents[1] / "shared/labels.json").read_text("utf-8"))

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "duration": labels.duration,
    "rounded": labels.rounded,
    "count": labels.count,
    "json": lambda value: text if "\n" not in (text := labels.pretty(value)) else None,
    "args": labels.args_label,
    "run": labels.run_label,
    "tool_note": lambda tool: labels.tool_note(tool, closed=True)[1],
    "thought": lambda thought: labels.thought_label({**thought, "closed": True}),
    "prompt": labels.prompt_label,
    "decision": labels.decision_label,
    "changes": labels.changes,
    "traceback": labels.traceback_label,
    "figures": labels.figures,
    "richest": lambda types: richest_type(dict.fromkeys(types, "x")),
}


@pytest.mark.parametrize(("name", "row"), [(name, row) for name in TABLE for row in TABLE[name]])
def test_a_label_is_that_of_the_view(name: str, row: list[Any]) -> None:
    *arguments, expected = row
    assert FUNCTIONS[name](*arguments) == expected
