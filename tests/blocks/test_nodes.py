"""Each renderer has a form for each node; the view's are in `js/test/transcript/drawn.test.tsx`."""

import io
from dataclasses import replace

import pytest
from safe_html import SafeHtml

from nbagent import events as e
from nbagent.blocks import KIND_NAMED, KIND_OF
from nbagent.blocks.status import STATUS
from nbagent.protocol.nodes import (
    Data,
    Download,
    Failure,
    Line,
    Link,
    Message,
    Node,
    Notice,
    Words,
)
from nbagent.render.console import ConsoleRenderer
from nbagent.render.html import transcript_html
from nbagent.render.html_nodes import MAX_NODES
from nbagent.render.markdown import transcript_markdown
from nbagent.transcript import Transcript

NODES: list[Node] = [
    Line([Words("Plan", strong=True), Words(" of *today*")]),
    Line([Words("Load")], done=True),
    Line([Words("Sum")], done=False),
    Notice("Slow", "warning"),
    Message("Hi\nyou", [Download("text/csv", name="a.csv")]),
    Link("https://example.org/a", "A"),
    Link("javascript:alert(1)", "B"),
    Download("text/csv", url="https://example.org/a.csv"),
    Failure("no such key", "KeyError", "k1", "Traceback…"),
    Data("numbers", {"a": 1}),
]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Node]:
    """Return the nodes that a status line is drawn of, and let the test change them."""
    nodes = list(NODES)
    kind = replace(STATUS, draws=lambda _: nodes)
    monkeypatch.setitem(KIND_OF, e.Status, kind)
    monkeypatch.setitem(KIND_NAMED, "status", kind)
    return nodes


def transcript() -> Transcript:
    made = Transcript("run")
    made.feed(e.Status(message="x"))
    made.feed(e.RunEnd(status="completed"))
    return made


def test_in_html(drawn: list[Node]) -> None:
    html = transcript_html(transcript().snapshot())
    assert SafeHtml(html).text[1:] == [
        "Plan of *today*",
        "✓ Load",
        "○ Sum",
        "⚠ Slow",
        "You",
        "Hi",
        "you",
        "a.csv",
        "A (example.org)",
        "B",
        "text/csv at example.org",
        "✗ KeyError",
        "KeyError: no such key (k1)",
        "traceback",
        "Traceback…",
        'numbers {"a":1}',
        '{"a": 1}',
    ]
    assert "<strong>Plan</strong>" in html
    assert html.count("<details open") == 1


def test_in_markdown(drawn: list[Node]) -> None:
    markdown = transcript_markdown(transcript().snapshot())
    assert markdown.split("\n\n")[2:] == [
        "**Plan** of \\*today\\*",
        "✓ Load",
        "○ Sum",
        "*Slow*",
        "> **You**\n>\n> Hi\\\n> you\n>\n> 📎 a.csv",
        "[A](<https://example.org/a>)",
        "B",
        "[https://example.org/a.csv](<https://example.org/a.csv>)",
        "**✗ KeyError**",
        "```\nno such key\n```",
        "`numbers`",
        '```json\n{"a": 1}\n```\n',
    ]


def test_on_the_console(drawn: list[Node]) -> None:
    file = io.StringIO()
    made = Transcript("run")
    console = ConsoleRenderer(file)
    console.draw(1, [*made.opening(), *made.feed(e.Status(message="x"))])
    console.close()
    assert file.getvalue().splitlines()[1:] == [
        "Plan of *today*",
        "✓ Load",
        "○ Sum",
        "Slow",
        "> Hi",
        "> you",
        "> [a.csv]",
        "A https://example.org/a",
        "B javascript:alert(1)",
        "text/csv https://example.org/a.csv",
        "KeyError: no such key",
        "  Traceback…",
        'numbers: {"a": 1}',
    ]


def test_a_document_keeps_a_bounded_number_of_them(drawn: list[Node]) -> None:
    drawn[:] = [Line([Words(f"step {number}")]) for number in range(MAX_NODES + 1000)]
    html = transcript_html(transcript().snapshot())
    assert html.count("step ") == MAX_NODES
    assert "… 1,000 more not kept in the notebook" in html
