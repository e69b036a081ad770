"""A transcript as Markdown: its content, and that no part affects the parts after it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from samples import sample

from nbagent import events as e
from nbagent.blocks import KINDS
from nbagent.render.html import transcript_html
from nbagent.render.markdown import transcript_markdown
from nbagent.render.static_copy import static_copy
from nbagent.run import Run
from nbagent.transcript import Transcript

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.json"))

ANSWER = """\
# analyst

demo · Done in 3.2s

> *Thought: First load, then sum.*

✓ **load_sales** `(year=2025)` → DataFrame 2×2 · 1.2s

```
1
```

Revenue **grew** 😀.

---

250 in · 29 out (3 thinking) · 1 tool · first token 0.3s · 17 tok/s
"""


def markdown_of(*events: e.Event) -> str:
    transcript = Transcript("test")
    for event in events:
        transcript.feed(event)
    return transcript_markdown(transcript.snapshot())


def test_an_answer_reads_as_in_the_view() -> None:
    golden = json.loads((GOLDEN[0].parent / "answer.json").read_text())
    assert transcript_markdown(golden["blocks"]) == ANSWER


def test_a_call_that_returned_nothing_reads_as_done() -> None:
    events = (
        e.ToolStart(id="t", name="f"),
        e.ToolArgs(id="t", args={}, args_text="{}"),
        e.ToolResult(id="t"),
    )
    assert "\n✓ **f** `()`" in markdown_of(*events)


@pytest.mark.parametrize("path", GOLDEN, ids=[path.stem for path in GOLDEN])
def test_every_text_of_a_transcript_is_in_it(path: Path) -> None:
    blocks: list[dict[str, Any]] = json.loads(path.read_text())["blocks"]
    markdown = transcript_markdown(blocks)
    assert all(block["text"] in markdown for block in blocks if block["kind"] == "text")


def test_the_users_message_is_quoted_as_plain_text() -> None:
    text = "# Why\n- *so*?\n---\n1. <b>\n\n    code"
    html = MarkdownIt().render(markdown_of(e.Prompt(text=text, files=[{"name": "a.png"}])))
    assert (
        "<p># Why<br />\n- *so*?<br />\n---<br />\n1. &lt;b&gt;</p>\n<p>code</p>\n<p>📎 a.png</p>"
        in html
    )


def test_a_question_that_waits_is_one() -> None:
    assert "**?** Which? (waits for an answer)" in markdown_of(
        e.ApprovalRequest(approval_id="a", prompt="Which?")
    )


def test_what_a_tool_printed_stands_as_a_terminal_shows_it() -> None:
    events = (
        e.ToolStart(id="c", name="load"),
        e.ToolOutput(id="c", delta="\x1b[1ma\x1b[m\n1%\r2%"),
    )
    assert "```\na\n2%\n```" in markdown_of(*events)


def test_a_sub_agent_is_a_quotation() -> None:
    events = (
        e.AgentStart(id="a", name="helper"),
        e.TextEnd(id="t", text="one\n\ntwo", parent_id="a"),
    )
    assert "> **helper**\n>\n> one\n>\n> two" in markdown_of(*events)


LINES = [
    ("one\ntwo", "one<br>\ntwo"),
    ("one\\\ntwo  \nthree\n\nfour", "one<br>\ntwo<br>\nthree</p>\n<p>four"),
    ("- one\n  two\n- three", "one<br>\ntwo</li>\n<li>three"),
    ("> one\ntwo", "one<br>\ntwo"),
    ("`one\ntwo`\nthree", "<code>one   two</code><br>\nthree"),  # a browser shows one space
    ("one\r\ntwo\rthree", "one<br>\ntwo<br>\nthree"),
    ("```\none\ntwo\n```", "one\ntwo\n"),
]


@pytest.mark.parametrize("parent", [None, "agent"])
@pytest.mark.parametrize(("text", "html"), LINES)
def test_line_ends_that_are_line_breaks_are_shown_by_any_renderer_of_markdown(
    text: str, html: str, parent: str | None
) -> None:
    events = (
        e.AgentStart(id="agent", name="helper"),
        e.TextStart(id="t", line_breaks=True, parent_id=parent),
    )
    markdown = markdown_of(*events, e.TextEnd(id="t", text=text))
    assert html in MarkdownIt().render(markdown).replace("<br />", "<br>")
    assert html not in MarkdownIt().render(
        markdown_of(*events[:1], e.TextEnd(id="t", text="one\ntwo", parent_id=parent))
    )


def test_a_hard_line_break_in_a_quotation_stays() -> None:
    assert "> one  \n> two" in markdown_of(
        e.AgentStart(id="a", name="helper"), e.TextEnd(id="t", text="one  \ntwo", parent_id="a")
    )


def test_a_handoff_names_both_agents() -> None:
    assert "→ Handed over from **writer** to **editor**" in markdown_of(
        e.AgentHandoff(from_="writer", to="editor")
    )
    assert "→ Handed over to **editor**" in markdown_of(e.AgentHandoff(to="editor"))


def test_an_answered_question_stands_with_its_tool() -> None:
    markdown = markdown_of(
        e.ToolStart(id="c", name="load"),
        e.ApprovalRequest(approval_id="a", tool_id="c", prompt="Load it?"),
        e.ApprovalResponse(approval_id="a", decision="approve"),
        e.TextEnd(id="t", text="Loading."),
        e.ToolResult(id="c", content="done"),
    )
    assert (
        "**load** `()` → 'done' · <0.1s\n\n**Approved** · Load it?\n\n```\ndone\n```\n\nLoading."
        in markdown
    )


def test_code_that_was_never_closed_ends_with_its_block() -> None:
    markdown = markdown_of(
        e.TextEnd(id="t", text="````python\n```\nx = 1"), e.TextEnd(id="u", text="# After")
    )
    assert "```\nx = 1\n````\n\n# After" in markdown


@given(st.text(st.characters(codec="utf-8")))
def test_data_stays_in_its_fence_whatever_it_is(text: str) -> None:
    markdown = markdown_of(
        e.ToolStart(id="c", name="load"),
        e.ToolResult(id="c", content=f"a{text}"),
        e.TextEnd(id="t", text="END"),
    )
    tokens = MarkdownIt().parse(markdown)
    assert [token.content for token in tokens if token.type == "inline"][-1] in ("END", "1 tool")
    assert "fence" in [token.type for token in tokens]


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_name_is_words_whatever_is_in_it(name: str) -> None:
    markdown = markdown_of(e.ToolStart(id="c", name=name))
    kinds = {token.type for token in MarkdownIt().parse(markdown)}
    assert kinds <= {
        "heading_open",
        "heading_close",
        "inline",
        "paragraph_open",
        "paragraph_close",
        "hr",
    }


def test_what_turns_or_hides_letters_is_shown_by_its_number() -> None:
    sneaky = "photo\u202egpj.exe \U000e0068"
    markdown = markdown_of(
        e.TextStart(id="t"),
        e.TextDelta(id="t", delta=sneaky),
        e.ToolStart(id="c", name=sneaky, title=sneaky),
        e.ToolArgs(id="c", args={"a": sneaky}, args_text=sneaky),
        e.ToolResult(
            id="c", content=sneaky, display=e.Display(summary=sneaky, data={"text/plain": sneaky})
        ),
        e.Source(id="s", title=sneaky),
        e.Custom(name=sneaky, data=sneaky),
        e.Error(message=sneaky),
        *(sample(kind.event, sneaky) for kind in KINDS),
    )
    assert "\u202e" not in markdown
    assert "\U000e0068" not in markdown
    assert markdown.count("photo‹U+202E›gpj.exe ‹U+E0068›") >= 6


async def test_a_run_exports_itself_as_a_page_and_as_markdown() -> None:
    run = Run(["Hello **you**: $x^2$"], name="<b>me</b>")
    run.start()
    await run
    assert run.to_markdown().startswith("# \\<b>me\\</b>\n")
    page = run.to_html()
    assert page.startswith("<!doctype html>")
    assert "<title>&lt;b&gt;me&lt;/b&gt;</title>" in page
    assert "<strong>you</strong>" in page
    assert "<msup>" in page
    assert "<script" not in page


def test_the_forms_of_a_copy_parse_a_text_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "A *list*:\n\n- [x] one\n- [ ] two\n\n| a |\n|---|\n| 1 |\n"
    blocks = Run([text]).wait(5).snapshot()
    alone = transcript_markdown(blocks, embedded=True)
    parsed: list[str] = []
    parse = MarkdownIt.parse

    def counted(grammar: MarkdownIt, source: str) -> Any:
        parsed.append(source)
        return parse(grammar, source)

    monkeypatch.setattr(MarkdownIt, "parse", counted)
    copy = static_copy(blocks)
    assert parsed == [text]
    assert copy["text/markdown"] == alone
    assert copy["text/html"] == transcript_html(blocks)
