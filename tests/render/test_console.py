"""The transcript on a console: in order, in plain characters, on any output."""

import io
import itertools
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from samples import sample

from nbagent import events as e
from nbagent.blocks import KINDS
from nbagent.render.console import ConsoleRenderer
from nbagent.render.markup.text import prose
from nbagent.render.print_order import PrintOrder
from nbagent.transcript import Transcript

RUN: list[e.Event] = [
    e.RunStart(name="demo", model="tiny-1", ts=0.0),
    e.ReasoningStart(id="reasoning-1", ts=1.0),
    e.ReasoningDelta(id="reasoning-1", delta="Which city?\n", ts=2.0),
    e.ReasoningDelta(id="reasoning-1", delta="Paris.", ts=3.0),
    e.ReasoningEnd(id="reasoning-1", ts=6.0),
    e.ToolStart(id="tool-1", name="weather", ts=6.0),
    e.ToolArgsDelta(id="tool-1", delta='{"city":', ts=6.0),
    e.ToolArgs(
        id="tool-1",
        args={"city": "Paris", "days": 3},
        args_text='{"city":"Paris","days":3}',
        ts=6.0,
    ),
    e.ToolResult(id="tool-1", content=["sun", "rain"], ts=7.3),
    e.ToolStart(id="tool-2", name="book", ts=7.3),
    e.ToolArgs(id="tool-2", args={}, args_text="{}", ts=7.3),
    e.ToolResult(
        id="tool-2",
        status="error",
        error=e.ErrorInfo(type="ValueError", message="no\nseats"),
        ts=7.4,
    ),
    e.Status(message="Retrying", level="warning", ts=7.4),
    e.TextStart(id="text-1", ts=8.0),
    e.TextDelta(id="text-1", delta="It is **sun", ts=8.0),
    e.TextDelta(id="text-1", delta="ny**.\nBring a hat.", ts=9.0),
    e.TextEnd(id="text-1", text="It is **sunny**.\nBring a hat.", ts=9.0),
    e.Source(id="source-1", title="Forecast", url="https://example.org/f", ts=9.0),
    e.RunEnd(status="completed", usage=e.Usage(input=1200, output=34), ts=75.0),
]

PRINTED = """\
demo · tiny-1
Thinking…
  Which city?
  Paris.
Thought for 5s
✓ weather(city="Paris", days=3) → ['sun', 'rain'] · 1.3s
✗ book() → ValueError: no seats · 0.1s
Retrying
It is **sunny**.
Bring a hat.
Forecast https://example.org/f
✓ Done in 1m 15s · 1,200 in · 34 out · first token 2.0s
"""


def ops_of(*events: e.Event) -> list[Any]:
    transcript = Transcript("run", 0.0)
    return [op for event in events for op in transcript.feed(event)]


def root() -> list[Any]:
    """Return the run's own block, which comes first."""
    return [
        "open",
        "run",
        None,
        {"kind": "run", "name": "run", "status": "running", "started": 0.0},
    ]


def printed(*batches: list[Any]) -> str:
    file = io.StringIO()
    renderer = ConsoleRenderer(file)
    for seq, batch in enumerate(batches, 1):
        renderer.draw(seq, batch)
    renderer.close()
    return file.getvalue()


def test_a_run_reads_from_top_to_bottom() -> None:
    assert printed([root(), *ops_of(*RUN)]) == PRINTED


def test_that_something_is_hidden_is_said() -> None:
    call: list[e.Event] = [
        e.ToolStart(id="t", name="f"),
        e.Hidden(what="arguments", tool_id="t"),
        e.ToolResult(id="t", content=1),
    ]
    out = printed([root(), *ops_of(*call, e.Hidden(what="thinking"), e.RunEnd(status="completed"))])
    assert "✓ f(hidden) → 1" in out
    assert "thinking hidden\n" in out


def test_it_reads_the_same_in_batches_of_any_size() -> None:
    ops = [root(), *ops_of(*RUN)]
    assert printed(*([op] for op in ops)) == PRINTED
    assert printed(*([list(op)] for op in ops)) == PRINTED


def test_text_is_printed_as_it_arrives() -> None:
    file = io.StringIO()
    renderer = ConsoleRenderer(file)
    renderer.draw(1, [["open", "t", "run", {"kind": "text", "text": "One "}]])
    assert file.getvalue() == "One "
    renderer.draw(2, [["append", "t", "text", "two" + " " * 200]])
    renderer.draw(3, [["append", "t", "text", "three"]])
    assert file.getvalue() == "One two" + " " * 200 + "three"
    renderer.close()
    assert file.getvalue().endswith("three\n")


def test_a_snapshot_prints_only_what_is_new() -> None:
    opened = ["open", "t", "run", {"kind": "text", "text": "Hel"}]
    assert printed([opened, ["set", "t", {"text": "Hello"}], ["close", "t"]]) == "Hello\n"
    assert (
        printed(
            [opened, ["set", "t", {"text": "Help"}], ["set", "t", {"text": "Help"}], ["close", "t"]]
        )
        == "Help\n"
    )
    assert (
        printed([opened, ["set", "t", {"text": "Bye"}], ["close", "t"]])
        == "Hel\n(corrected:)\nBye\n"
    )
    assert printed([opened, ["set", "t", {"text": ""}], ["close", "t"]]) == "Hel\n(taken back)\n"


def test_line_ends_of_a_text_are_line_ends() -> None:
    opened = ["open", "t", "run", {"kind": "text", "line_breaks": True}]
    assert printed([opened, ["append", "t", "text", "one\ntwo"]]) == "one\ntwo\n"


def test_texts_that_take_turns_begin_new_lines() -> None:
    def opened(id: str) -> list[Any]:
        return ["open", id, "run", {"kind": "text", "text": ""}]

    batch = [opened("a"), opened("b"), *(["append", id, "text", id + id] for id in "abba")]
    assert printed(batch) == "aa\nbbbb\naa\n"


def test_what_an_agent_does_is_indented_below_it() -> None:
    out = printed(
        ops_of(
            e.AgentStart(id="agent-1", name="Scout"),
            e.TextStart(id="text-1", parent_id="agent-1"),
            e.TextDelta(id="text-1", delta="a\n\nb\n", parent_id="agent-1"),
            e.TextDelta(id="text-1", delta="c", parent_id="agent-1"),
            e.TextEnd(id="text-1", parent_id="agent-1"),
            e.AgentEnd(id="agent-1"),
            e.AgentHandoff(from_="Scout", to="Guide"),
        )
    )
    assert out == "▸ Scout\n  a\n  \n  b\n  c\n→ Handed over from Scout to Guide\n"


def test_an_approval_asks_and_tells_the_answer() -> None:
    out = printed(
        ops_of(
            e.ApprovalRequest(approval_id="a", prompt="Delete it?", args={"path": "x"}),
            e.ApprovalResponse(approval_id="a", decision="deny", reason="never"),
        )
    )
    assert out == '? Delete it?(path="x")\n  Denied: never\n'


def test_an_answer_says_what_it_changed() -> None:
    out = printed(
        ops_of(
            e.ApprovalRequest(approval_id="a", prompt="Load it?", args={"year": 2024}),
            e.ApprovalResponse(
                approval_id="a", decision="approve", value={"year": 2025}, remember=True
            ),
        )
    )
    assert out == "? Load it?(year=2024)\n  Approved, and all further calls: year: 2024 → 2025\n"


def test_the_users_message_stands_first() -> None:
    files = [{"name": "a.png"}, {"media_type": "image/png"}]
    assert (
        printed(ops_of(e.Prompt(text="Why\nso?", files=files)))
        == "> Why\n> so?\n> [a.png]\n> [image/png]\n"
    )


def test_lines_that_a_tool_prints_come_when_they_are_complete() -> None:
    transcript = Transcript("test")
    transcript.feed(e.ToolStart(id="c", name="load"))
    ops = [
        op
        for delta in ("a\nb", "c\n 10%", "\r100%")
        for op in transcript.feed(e.ToolOutput(id="c", delta=delta))
    ]
    assert printed(transcript.feed(e.ToolStart(id="d", name="x"))) == ""
    opened = ["open", "c", "run", {"kind": "tool", "name": "load"}]
    assert printed([opened, *ops]) == "  │ a\n  │ bc\n"
    assert printed([opened, *ops, ["close", "c"]]).startswith("  │ a\n  │ bc\n  │ 100%\n")


def test_errors_say_what_failed() -> None:
    out = printed(
        ops_of(
            e.Error(
                message="Too many requests",
                error_type="RateLimitError",
                traceback="Traceback…\n  x\n",
            )
        )
    )
    assert out == "RateLimitError: Too many requests\n  Traceback…\n    x\n"


@pytest.mark.parametrize(
    ("state", "line"),
    [
        ("output-denied", "⊘ f() → Denied"),
        ("cancelled", "⊘ f() → Cancelled"),
        ("input-available", "→ f() → Requested"),
    ],
)
def test_a_tool_that_did_not_finish_says_so(state: str, line: str) -> None:
    assert (
        printed(
            [["open", "t", "run", {"kind": "tool", "name": "f", "state": state}], ["close", "t"]]
        )
        == line + "\n"
    )


@pytest.mark.parametrize("summary", ["0", "''", "False", "None"])
def test_a_falsy_result_is_a_result(summary: str) -> None:
    tool = {
        "kind": "tool",
        "name": "f",
        "state": "output-available",
        "summary": summary,
        "started": 1.0,
        "ended": 1.0,
    }
    assert printed([["open", "t", "run", tool], ["close", "t"]]) == f"✓ f() → {summary} · <0.1s\n"


def test_arguments_that_are_no_json_are_shown_as_written() -> None:
    tool = {"kind": "tool", "name": "f", "state": "output-available"}
    opened = ["open", "t", "run", tool]
    grown = [["append", "t", "args_text", '{"x": ' + "9" * 50] for _ in range(10_000)]
    line = printed([opened, *grown, ["close", "t"]])
    assert line.startswith('✓ f({"x": 999')
    assert len(line) < 180


@pytest.mark.parametrize(
    ("props", "line"),
    [
        ({"status": "cancelled", "stopped_by": "you"}, "■ Stopped by you"),
        ({"status": "failed", "code": "rate_limit"}, "✗ Failed (rate_limit)"),
        ({"status": "incomplete", "code": "stream_truncated"}, "■ Cut off: the stream ended early"),
        ({"status": "completed", "usage": {"total": 1500}}, "✓ Done · 1,500 tokens"),
    ],
)
def test_the_last_line_tells_how_it_ended(props: dict[str, Any], line: str) -> None:
    assert printed([["set", "run", props], ["close", "run"], ["close", "run"]]) == line + "\n"


def test_an_op_for_an_unknown_block_is_ignored() -> None:
    assert (
        printed(
            [
                ["append", "x", "text", "a"],
                ["set", "x", {"text": "a"}],
                ["close", "x"],
                ["new", "x"],
            ]
        )
        == ""
    )


# --- the output ---

SEQUENCES = "\x1b[31mred\x1b]0;title\x07\x1b]8;;http://x\x1b\\\x9b2J\x90q\x9c\r\b\x7f\x00\x0e\x85"


def everywhere(text: str) -> list[Any]:
    """Return ops with the text in every field that is printed."""
    return ops_of(
        e.RunStart(name=text, model=text),
        *(
            e.TextStart(id="t"),
            e.TextDelta(id="t", delta=text),
            e.TextEnd(id="t", text=text + text),
        ),
        *(e.ReasoningStart(id="r"), e.ReasoningDelta(id="r", delta=text), e.ReasoningEnd(id="r")),
        *(
            e.ToolStart(id="f", name=text, title=text),
            e.ToolArgs(id="f", args={text: text, "n": [text]}, args_text=text),
        ),
        e.ToolResult(id="f", status="error", error=e.ErrorInfo(type=text, message=text)),
        *(e.ToolStart(id="g", name=text), e.ToolArgs(id="g", args=text, args_text=text)),
        e.ToolResult(id="g", display=e.Display(summary=text)),
        e.ApprovalRequest(approval_id="a", prompt=text, args={text: text}),
        e.ApprovalResponse(approval_id="a", decision="deny", reason=text),
        *(
            e.AgentStart(id="s", name=text),
            e.AgentHandoff(from_=text, to=text),
            e.Status(message=text),
        ),
        e.Error(message=text, error_type=text, traceback=text),
        *(e.Source(id="o", title=text, url=text), e.File(id="p", media_type=text, name=text)),
        e.Custom(name=text, data={text: text}),
        *(sample(kind.event, text) for kind in KINDS),
        e.RunEnd(status="failed", code=text),
    )


def test_terminal_sequences_of_others_do_nothing() -> None:
    out = printed(everywhere(SEQUENCES))
    assert "red" in out
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", out)


def test_what_turns_or_hides_letters_is_shown_by_its_number() -> None:
    sneaky = "photo\u202egpj.exe \U000e0068\U000e0069"
    printed_ops = printed([*ops_of(*RUN[:-1]), *everywhere(sneaky)])
    assert not [char for char in "\u202e\U000e0068\U000e0069" if char in printed_ops]
    assert "photo‹U+202E›gpj.exe ‹U+E0068›‹U+E0069›" in printed_ops


def test_a_terminal_gets_styles_and_no_other_sequence() -> None:
    file = io.StringIO()
    renderer = ConsoleRenderer(
        console=Console(
            file=file, force_terminal=True, color_system="standard", legacy_windows=False
        )
    )
    renderer.draw(1, everywhere(SEQUENCES))
    out, styles = re.subn(r"\x1b\[[\d;]*m", "", file.getvalue())
    assert styles > 10
    assert "\x1b[2m" in file.getvalue()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", out)


def test_rich_markup_in_a_text_is_text() -> None:
    assert (
        printed(ops_of(*RUN[13:14], e.TextDelta(id="text-1", delta="[bold]x[/bold] :smile: 1.5")))
        == "[bold]x[/bold] :smile: 1.5\n"
    )


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "utf-8"])
def test_any_encoding_takes_any_text(encoding: str) -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="")
    ConsoleRenderer(file).draw(1, [*ops_of(*RUN[:-1]), *everywhere("é → 日本 🙂 \ud83d x")])
    out = raw.getvalue().decode(encoding)
    assert ("+ weather(" in out) == (encoding != "utf-8")
    assert ("é" in out) == (encoding != "ascii")
    assert ("日本" in out) == (encoding == "utf-8")


@given(st.lists(st.text(max_size=20), max_size=10))
def test_no_character_of_an_answer_is_lost_or_added(deltas: list[str]) -> None:
    ops = ops_of(e.TextStart(id="t"), *(e.TextDelta(id="t", delta=delta) for delta in deltas))
    printable = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", "".join(deltas))
    expected = prose(printable)
    assert printed(ops) in (expected, expected + "\n")


def test_a_call_for_the_caller_stands_before_the_text_that_follows_it() -> None:
    call = {"kind": "tool", "name": "f", "state": "input-available", "args": {"x": 1}}
    text = {"kind": "text", "text": "then"}
    lines = printed(
        [["open", "c", "run", call], ["open", "t", "run", text], ["close", "t"], ["close", "c"]]
    )
    assert lines == "→ f(x=1) → Requested\nthen\n"


def test_a_wordless_thought_that_took_no_time_is_not_worth_a_line() -> None:
    assert (
        printed(
            [
                ["open", "r", "run", {"kind": "reasoning", "started": 1.0, "ended": 1.05}],
                ["close", "r"],
            ]
        )
        == ""
    )


# --- several agents at a time ---


def lane(number: int, *texts: str) -> list[list[Any]]:
    """Return the ops of one of several streams that are shown together."""
    agent, text = f"lane-{number}", f"text-{number}"
    return [
        ["open", agent, "run", {"kind": "agent", "name": f"town {number}"}],
        ["open", text, agent, {"kind": "text", "text": ""}],
        *(["append", text, "text", each] for each in texts),
        ["close", text],
        ["close", agent],
    ]


def test_lanes_that_write_at_the_same_time_are_printed_one_after_the_other() -> None:
    turns = itertools.zip_longest(
        lane(1, "Rain ", "in ", "Oslo."), lane(2, "Sun."), lane(3, "Snow ", "in ", "Bern.")
    )
    lines = printed([op for turn in turns for op in turn if op])
    assert lines == "▸ town 1\n  Rain in Oslo.\n▸ town 2\n  Sun.\n▸ town 3\n  Snow in Bern.\n"


def test_what_is_held_back_is_printed_when_the_run_ends_or_is_let_go_of() -> None:
    unended = [*lane(1, "a")[:-1], *lane(2, "b")]
    assert "▸ town 2\n  b\n" in printed(
        [*unended, ["set", "run", {"status": "cancelled"}], ["close", "run"]]
    )
    file = io.StringIO()
    renderer = ConsoleRenderer(file)
    renderer.draw(1, unended)
    assert "town 2" not in file.getvalue()
    renderer.close()
    assert file.getvalue().endswith("▸ town 2\n  b\n")


def test_agents_inside_of_calls_at_the_same_time_are_not_mixed_either() -> None:
    def called(number: int) -> list[list[Any]]:
        tool = ["open", f"tool-{number}", "run", {"kind": "tool", "name": f"ask_{number}"}]
        text = ["open", f"x{number}", f"tool-{number}", {"kind": "text", "text": f"from {number} "}]
        more = [["append", f"x{number}", "text", "on"]] * 2
        done = ["set", f"tool-{number}", {"state": "output-available"}]
        return [tool, text, *more, ["close", f"x{number}"], done, ["close", f"tool-{number}"]]

    lines = printed([op for turn in zip(called(1), called(2), strict=True) for op in turn])
    assert lines == "  from 1 onon\n✓ ask_1()\n  from 2 onon\n✓ ask_2()\n"


@given(st.lists(st.lists(st.text("ab", min_size=1), max_size=3), max_size=4), st.randoms())
def test_each_op_passes_once_and_in_the_order_of_its_unit(
    texts: list[list[str]], random: Any
) -> None:
    waiting = [lane(number, *pieces) for number, pieces in enumerate(texts, 1)]
    units = PrintOrder()
    fed: list[Any] = []
    passed: list[Any] = []
    while waiting := [ops for ops in waiting if ops]:
        op = random.choice(waiting).pop(0)
        fed.append(op)
        passed += units.feed(op)
    passed += units.feed(["close", "run"])
    assert sorted(map(str, passed)) == sorted(map(str, [*fed, ["close", "run"]]))
    numbers = [op[1].partition("-")[2] for op in passed[:-1]]
    assert len(list(itertools.groupby(numbers))) == len(texts)  # each in one piece


def test_arguments_that_are_no_json_are_printed_as_they_were_written() -> None:
    call = {
        "kind": "tool",
        "name": "write_file",
        "state": "input-available",
        "args": '"hello.py", "print(\'Hello\')"',
    }
    assert printed([["open", "c", "run", call], ["close", "c"]]) == (
        '→ write_file("hello.py", "print(\'Hello\')") → Requested\n'
    )
