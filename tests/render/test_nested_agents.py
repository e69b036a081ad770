"""Agents inside tool calls, with their tokens, and answers in JSON: in each of the kernel's
renderers.
"""

import io
from typing import Any

import pytest

from nbagent.render.console import ConsoleRenderer
from nbagent.render.html import transcript_html
from nbagent.render.markdown import transcript_markdown

RUN = {"kind": "run", "name": "boss", "status": "completed"}
CALL = {
    "kind": "tool",
    "name": "geo",
    "args": {"task": "Oslo?"},
    "args_valid": True,
    "state": "output-available",
    "summary": "7",
}
AGENT = {
    "kind": "agent",
    "name": "Geo Expert",
    "status": "completed",
    "usage": {"input": 1200, "output": 30, "total": 1230},
}
JSON = {"kind": "text", "text": '{"a*b*": "`x`"}', "text_kind": "json"}


def block(id: str, parent: str | None, props: dict[str, Any]) -> dict[str, Any]:
    return {"id": id, "parent": parent, "closed": True, **props}


SNAPSHOT = [
    block("run", None, RUN),
    block("c", "run", CALL),
    block("a", "c", AGENT),
    block("t", "a", JSON),
]


def test_the_console_prints_the_task_before_the_agent_and_its_tokens_after_it() -> None:
    file = io.StringIO()
    console = ConsoleRenderer(file)
    opened = [["open", each["id"], each["parent"], each] for each in SNAPSHOT]
    console.draw(1, [*opened, *(["close", each["id"]] for each in reversed(SNAPSHOT))])

    assert file.getvalue().splitlines() == [
        "boss",
        '  ▸ Geo Expert(task="Oslo?")',
        '    {"a*b*": "`x`"}',
        "  Geo Expert: 1,200 in · 30 out",
        '✓ geo(task="Oslo?") → 7',
        "✓ Done",
    ]


@pytest.mark.parametrize("render", [transcript_html, transcript_markdown])
def test_a_document_names_the_agents_tokens_and_leaves_json_as_it_is(render: Any) -> None:
    text = render(SNAPSHOT)
    assert "1,200 in · 30 out" in text
    assert "<em>" not in text
    assert "a*b*" in text
