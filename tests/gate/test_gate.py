"""Content that a level hides is in no event, and visible content is the same however the stream is
cut.
"""

from itertools import pairwise
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import CLASSES, sample

from nbagent import events as e
from nbagent.gate import LEVELS, Gate, Reveal
from nbagent.gate.levels import SHOWN_FROM

CANARY = "Xyzzy"


def run(
    *events: e.Event, reveal: Reveal = "thinking", thinking_first: bool = False
) -> list[e.Event]:
    gate = Gate(reveal, thinking_first=thinking_first)
    return [out for event in events for out in gate.feed(event)] + gate.close()


def text(*deltas: str, end: str | None = None, id: str = "text-1") -> list[e.Event]:
    return [
        e.TextStart(id=id),
        *(e.TextDelta(id=id, delta=delta) for delta in deltas),
        e.TextEnd(id=id, text=end),
    ]


def blocks(events: list[e.Event]) -> list[tuple[str, str, Any]]:
    """Return the blocks that the events build, as (kind, id, content), without empty ones.

    Asserts their starts and ends.
    """
    kinds: dict[str, str] = {}
    content: dict[str, Any] = {}
    ended: set[str] = set()
    for event in events:
        match event:
            case e.TextStart() | e.ReasoningStart() | e.ToolStart():
                assert event.id not in kinds, "an id is used twice"
                kinds[event.id] = e.type_of(event).split(".")[0]
                content[event.id] = ""
            case e.TextDelta() | e.ReasoningDelta():
                assert event.id in kinds
                assert event.id not in ended
                content[event.id] += event.delta
            case e.TextEnd() | e.ReasoningEnd():
                assert event.id in kinds
                assert event.id not in ended, "a block is ended twice"
                ended.add(event.id)
                content[event.id] = content[event.id] if event.text is None else event.text
            case e.ToolArgs():
                assert kinds[event.id] == "tool"
                assert event.id not in ended
                ended.add(event.id)
                content[event.id] = event.args
            case _:
                pass
    assert ended == set(kinds), "a block is left open"
    return [(kinds[id], id, content[id]) for id in kinds if content[id] != ""]


# --- texts ---


def test_a_text_without_tags_passes_as_it_is() -> None:
    events = text("  Hel", "lo", "\n", " world", end="  Hello\n world")
    assert run(*events) == events


def test_code_and_comparisons_stay_in_the_text() -> None:
    assert blocks(run(*text("if a<b: `<thi", "nk>", "`"))) == [
        ("text", "text-1", "if a<b: `<think>`")
    ]


def test_a_thought_and_a_call_become_blocks_of_their_own() -> None:
    call = '<tool_call>{"name":"f","arguments":{"x":1}}</tool_call>'
    out = run(*text("<thi", "nk>\nHm", "m.</think>\n\nHi", " there ", call, "\nBye"))
    assert blocks(out) == [
        ("reasoning", "text-1.think-1", "Hmm."),
        ("text", "text-1", "Hi there "),
        ("tool", "text-1.tool-1", {"x": 1}),
        ("text", "text-1.2", "Bye"),
    ]
    assert e.ToolStart(id="text-1.tool-1", name="f") in out


def test_a_thought_streams_while_it_is_written() -> None:
    gate = Gate()
    gate.feed(e.TextStart(id="t"))
    assert gate.feed(e.TextDelta(id="t", delta="<think>One ", ts=2.0, step=1)) == [
        e.ReasoningStart(id="t.think-1", ts=2.0, step=1),
        e.ReasoningDelta(id="t.think-1", delta="One ", ts=2.0, step=1),
    ]
    assert gate.feed(e.TextDelta(id="t", delta="two")) == [
        e.ReasoningDelta(id="t.think-1", delta="two")
    ]


def test_a_block_with_only_a_thought_leaves_no_empty_text() -> None:
    assert {e.type_of(event) for event in run(*text("\n<think>a", "</think>\n "))} == {
        "reasoning.start",
        "reasoning.delta",
        "reasoning.end",
    }
    assert run(*text("<think>a</think>"), reveal="answer") == [e.Hidden(what="thinking")]


def test_an_unclosed_thought_stays_a_thought() -> None:
    assert blocks(run(*text("<think>a", "b"))) == [("reasoning", "text-1.think-1", "ab")]


def test_a_closing_tag_alone_makes_a_thought_of_what_was_shown() -> None:
    out = run(*text("Hm, ", "hm.\n</thi", "nk>\n\nHi"))
    assert e.TextEnd(id="text-1", text="") in out
    assert blocks(out) == [("reasoning", "text-1.think-1", "Hm, hm.\n"), ("text", "text-1.2", "Hi")]
    assert blocks(run(*text("Hm, ", "hm.\n</think>Hi"), reveal="answer")) == [
        ("text", "text-1.2", "Hi")
    ]


def test_thinking_first_shows_nothing_of_the_thought() -> None:
    events = text(CANARY, "</thi", "nk>Hi")
    assert CANARY not in str(run(*events, reveal="answer", thinking_first=True))
    assert blocks(run(*events, thinking_first=True)) == [
        ("reasoning", "text-1.think-1", CANARY),
        ("text", "text-1", "Hi"),
    ]


def test_thinking_first_holds_for_each_of_several_that_speak_at_a_time() -> None:
    gate = Gate("answer", thinking_first=True)
    agents = ["a", "b"]
    script: list[e.Event] = [e.StepStart(parent_id=agent) for agent in agents]
    script += [e.TextStart(id=f"t-{agent}", parent_id=agent) for agent in agents]
    script += [e.TextDelta(id=f"t-{agent}", delta=CANARY, parent_id=agent) for agent in agents]
    script += [
        e.TextDelta(id=f"t-{agent}", delta="</think>Hi", parent_id=agent) for agent in agents
    ]
    out = [seen for event in script for seen in gate.feed(event)] + gate.close()
    assert CANARY not in str(out)
    assert [(id, content) for _, id, content in blocks(out)] == [("t-a", "Hi"), ("t-b", "Hi")]


def test_what_is_taken_out_of_a_text_stands_where_the_text_began() -> None:
    gate = Gate()
    script: list[e.Event] = [
        e.TextStart(id="t", parent_id="a"),
        e.TextDelta(id="t", delta="<think>x</think>y<tool_call>z"),
    ]
    out = [seen for event in script for seen in gate.feed(event)] + gate.close()
    assert {
        event.parent_id
        for event in out
        if isinstance(event, e.TextStart | e.ReasoningStart | e.ToolStart)
    } == {"a"}
    assert e.TextEnd(id="t", parent_id="a") in out


def test_thinking_first_holds_for_each_response_and_not_for_its_later_texts() -> None:
    out = run(
        *text("a</think>b", id="t1"),
        *text("c", id="t2"),
        e.StepStart(),
        *text("d</think>e", id="t3"),
        e.ToolStart(id="tool-1", name="f"),
        e.ToolResult(id="tool-1"),
        *text("f", id="t4"),
        thinking_first=True,
    )
    kinds = [
        (kind, content)
        for kind, id, content in blocks([o for o in out if not isinstance(o, e.ToolStart)])
    ]
    assert kinds == [
        ("reasoning", "a"),
        ("text", "b"),
        ("text", "c"),
        ("reasoning", "d"),
        ("text", "e"),
        ("reasoning", "f"),
    ]


@pytest.mark.parametrize(
    ("deltas", "snapshot", "expected"),
    [
        # Whole only.
        ([], "<think>a</think>b", [("reasoning", "a"), ("text", "b")]),
        # The same again.
        (["<think>a</think>b"], "<think>a</think>b", [("reasoning", "a"), ("text", "b")]),
        # Stripped by the server; corrected by the server.
        (["<think>a</think>b"], "b", [("reasoning", "a"), ("text", "b")]),
        (["a"], "b", [("text", "b")]),
        (["a `x` "], "b `y`", [("text", "b `y`")]),
        (["<think>a"], "<think>c</think>b", [("reasoning", "c"), ("text", "b")]),
        # Only the snapshot tells.
        (["b"], "<think>a</think>b", [("text", "b"), ("reasoning", "a")]),
        (["x"], "x</think>b", [("text", "b"), ("reasoning", "x")]),
        (["x"], "x</think>", [("reasoning", "x")]),
        (["a</think>"], "a</think>b", [("reasoning", "a"), ("text", "b")]),
        # The server joined what a thought had parted.
        (["a <think>x</think>b"], "a b", [("text", "a "), ("reasoning", "x"), ("text", "b")]),
        # What was held back is in the snapshot.
        (["a <th"], "a <three>", [("text", "a <three>")]),
        (["<thi"], "<think>a</think>", [("reasoning", "a")]),
        (["a"], "", []),
        # Results are told once.
        (
            ["<tool_response>a</tool_response>b"],
            "<tool_response>a</tool_response>b",
            [("reasoning", "a"), ("text", "b")],
        ),
        (["b"], "b<think>a</think>", [("text", "b"), ("reasoning", "a")]),
    ],
)
def test_a_snapshot_replaces_and_never_brings_tags_back(
    deltas: list[str], snapshot: str, expected: list[tuple[str, str]]
) -> None:
    out = run(*text(*deltas, end=snapshot))
    assert [(kind, content) for kind, _, content in blocks(out)] == expected


def test_a_whole_text_needs_no_deltas() -> None:
    assert run(*text(end="<think>a</think>b")) == [
        e.ReasoningStart(id="text-1.think-1"),
        e.ReasoningEnd(id="text-1.think-1", text="a"),
        e.TextStart(id="text-1"),
        e.TextEnd(id="text-1", text="b"),
    ]


def test_overlapping_texts_are_split_each_for_itself() -> None:
    gate = Gate()
    script = [("a", "<think>1"), ("b", "<think>2"), ("a", "1</think>x"), ("b", "2</think>y")]
    out = [
        o for id, delta in script for o in gate.feed(e.TextDelta(id=id, delta=delta))
    ] + gate.close()
    assert sorted((id, content) for _, id, content in blocks(out)) == [
        ("a", "x"),
        ("a.think-1", "11"),
        ("b", "y"),
        ("b.think-1", "22"),
    ]


def test_the_end_of_a_run_releases_what_was_held_back() -> None:
    gate = Gate()
    gate.feed(e.TextStart(id="t"))
    gate.feed(e.TextDelta(id="t", delta="a <thi"))
    assert gate.feed(e.RunEnd(status="cancelled")) == [
        e.TextDelta(id="t", delta="<thi"),
        e.TextEnd(id="t"),
        e.RunEnd(status="cancelled"),
    ]
    assert gate.close() == []


SAFE = st.text(alphabet="ab .\n🙂", min_size=1, max_size=6)
PIECES = st.one_of(
    st.tuples(st.just("text"), SAFE, st.just("{}")),
    st.tuples(
        st.just("thought"), SAFE, st.sampled_from(["<think>{}</think>", "<Thought>\n{}</thoughT>"])
    ),
    st.tuples(st.just("tool"), SAFE, st.just("<tool_call>\n{}\n</tool_call>\n")),
    st.tuples(
        st.just("code"),
        st.sampled_from(["<think>", "</think>", "<tool_call>", "x<y"]),
        st.just(" `{}` "),
    ),
    st.tuples(st.just("code"), SAFE, st.just("\n```\n<think>{}</think>\n```\n")),
)


def call_of(content: str) -> str:
    return msgspec.json.encode({"name": "f", "arguments": {"x": content}}).decode()


@given(
    st.lists(PIECES, max_size=8),
    st.lists(st.integers(0, 300), max_size=30),
    st.sampled_from([None, "same"]),
)
def test_any_text_gives_the_same_however_it_is_cut(
    pieces: list[tuple[str, str, str]], cuts: list[int], end: str | None
) -> None:
    source = "".join(
        form.format(call_of(body) if kind == "tool" else body) for kind, body, form in pieces
    )
    edges = [0, *sorted(at % (len(source) + 1) for at in cuts), len(source)]
    chunks = [source[a:b] for a, b in pairwise(edges)]
    out = blocks(run(*text(*chunks, end=source if end else None)))
    if end is None:
        assert out == blocks(run(*text(source)))
    assert sorted(out, key=str) == sorted(blocks(run(*text(end=source))), key=str)

    def squeezed(value: str) -> str:
        return "".join(value.split())

    answer = squeezed(
        "".join(form.format(body) for kind, body, form in pieces if kind in ("text", "code"))
    )
    assert squeezed("".join(content for kind, _, content in out if kind == "text")) == answer
    thoughts = [squeezed(body) for kind, body, _ in pieces if kind == "thought" and body.strip()]
    assert [squeezed(content) for kind, _, content in out if kind == "reasoning"] == thoughts
    assert [content for kind, _, content in out if kind == "tool"] == [
        {"x": body} for kind, body, _ in pieces if kind == "tool"
    ]


# --- levels ---

SECRET: dict[str, Any] = {"canary": CANARY}
ENVELOPE: dict[str, Any] = {"raw": SECRET, "meta": SECRET}

HIDDEN: dict[Reveal, list[e.Event]] = {
    "tools": [
        e.ToolStart(id="tool-1", name=CANARY, title=CANARY, **ENVELOPE),
        e.ToolArgsDelta(id="tool-1", delta=CANARY),
        e.ToolArgs(id="tool-1", args=SECRET, args_text=CANARY),
        e.ToolProgress(id="tool-1", message=CANARY),
        e.AgentStart(id="agent-1", name=CANARY, parent_id="tool-1"),
        e.TextStart(id="text-9", parent_id="agent-1"),
        e.TextDelta(id="text-9", delta=CANARY, parent_id="agent-1"),
        e.TextEnd(id="text-9", text=CANARY, parent_id="agent-1"),
        e.Source(id="source-9", title=CANARY, parent_id="tool-1"),
        e.AgentEnd(id="agent-1", name=CANARY, parent_id="agent-1"),
        e.ApprovalRequest(
            approval_id="ap-1", tool_id="tool-1", prompt=f"Run f({CANARY})?", args=SECRET
        ),
        e.ApprovalResponse(approval_id="ap-1", decision="approve", value=SECRET),
        e.ToolResult(
            id="tool-1",
            content=SECRET,
            error=e.ErrorInfo(message=CANARY),
            display=e.Display(summary=CANARY),
        ),
        e.Error(message=CANARY, tool_id="tool-1", traceback=CANARY),
        e.Error(message="The model failed", traceback=CANARY),
        *text(f"Hi <tool_call>{CANARY}</tool_call>", end=f"Hi <tool_call>{CANARY}</tool_call>"),
        e.AgentEnd(id="lane-1", output={"messages": [SECRET]}),
        e.RunEnd(status="completed", output={"messages": [SECRET]}, **ENVELOPE),
    ],
    "thinking": [
        e.ReasoningStart(id="reasoning-1", **ENVELOPE),
        e.ReasoningDelta(id="reasoning-1", delta=CANARY),
        e.ReasoningEnd(id="reasoning-1", text=CANARY, signature=CANARY, encrypted=CANARY),
        *text("Hi ", f"<think>{CANARY}", "</think>", end=f"Hi <think>{CANARY}</think>"),
        e.StepEnd(finish_reason="stop", **ENVELOPE),
        e.AgentEnd(id="lane-1", output=f"<think>{CANARY}</think>Hi"),
        e.RunEnd(status="completed", output=f"<think>{CANARY}</think>Hi", meta=SECRET),
    ],
    "all": [
        e.Raw(data=SECRET),
        e.State(snapshot=SECRET),
        e.Custom(name="x", data=SECRET),
        e.Status(message="ok", raw=SECRET),
        e.TextDelta(id="text-7", delta="Hi", raw=SECRET),
        e.TextDelta(id="text-7", delta=" you", raw=SECRET),
        e.RunEnd(status="completed", output="Hi", raw=SECRET),
    ],
}


class Audio(e.Envelope, frozen=True, kw_only=True, tag="audio.delta"):
    """An event of a later version of the vocabulary."""

    delta: str


@pytest.mark.parametrize("reveal", LEVELS)
def test_an_event_class_that_the_gate_does_not_know_is_hidden(reveal: Reveal) -> None:
    audio = cast("e.Event", Audio(delta=CANARY))
    assert type(audio) not in Gate(reveal).shown_whole
    assert run(e.Status(message="ok"), audio, reveal=reveal) == [e.Status(message="ok")]


@pytest.mark.parametrize("reveal", LEVELS)
@pytest.mark.parametrize("kind", CLASSES)
def test_an_event_of_each_class_is_seen_from_its_level_on(
    kind: type[e.Event], reveal: Reveal
) -> None:
    assert set(SHOWN_FROM) == set(CLASSES), "the gate has to say who may see a new class"
    # an empty text is not shown
    more = [e.TextDelta(id=CANARY, delta="Hi")] if kind is e.TextStart else []
    out = run(sample(kind, CANARY, raw=SECRET, meta=SECRET), *more, reveal=reveal)
    seen = (
        [event for event in out if not isinstance(event, e.Hidden)] if kind is not e.Hidden else out
    )
    assert bool(seen) == (LEVELS.index(reveal) >= LEVELS.index(SHOWN_FROM[kind]))
    lines = [e.to_json(event).decode() for event in out]
    if not seen:
        assert not [line for line in lines if CANARY in line]
    if reveal != "all":
        assert not [event for event in out if event.raw is not None]
    if reveal in ("answer", "tools"):
        assert not [event for event in out if event.meta is not None]


@pytest.mark.parametrize("reveal", LEVELS)
@pytest.mark.parametrize("shown_at", HIDDEN)
def test_hidden_content_is_in_no_event(reveal: Reveal, shown_at: Reveal) -> None:
    lines = [e.to_json(event).decode() for event in run(*HIDDEN[shown_at], reveal=reveal)]
    leaks = [line for line in lines if CANARY in line]
    assert bool(leaks) == (LEVELS.index(reveal) >= LEVELS.index(shown_at)), leaks


@pytest.mark.parametrize("level", range(3))
def test_each_level_shows_all_that_the_ones_before_it_show(level: int) -> None:
    events = [
        event
        for group in HIDDEN.values()
        for event in group
        if not isinstance(event, e.RunEnd | e.Error)
    ]
    less, more = (run(*events, reveal=LEVELS[at]) for at in (level, level + 1))
    assert {e.type_of(event) for event in less} - {"hidden"} <= {e.type_of(event) for event in more}
    assert len(less) < len(more)


@given(
    st.lists(st.sampled_from(["thought", "tool", "text", "code"]), max_size=6),
    st.lists(st.integers(0, 300), max_size=30),
)
def test_hidden_parts_of_a_text_leak_at_no_cut(kinds: list[str], cuts: list[int]) -> None:
    forms = {
        "thought": f"<think>{CANARY}</think>",
        "tool": f'<tool_call>{{"name":"f","arguments":"{CANARY}"}}</tool_call>',
        "text": "Hi\n",
        "code": " `<think>` ",
    }
    source = "".join(forms[kind] for kind in kinds) + f"<think>{CANARY}"
    edges = [0, *sorted(at % (len(source) + 1) for at in cuts), len(source)]
    chunks = [source[a:b] for a, b in pairwise(edges)]
    out = run(
        *text(*chunks, end=source), e.RunEnd(status="completed", output=source), reveal="answer"
    )
    assert not [line for event in out if CANARY in (line := e.to_json(event).decode())]
    assert sum(isinstance(event, e.TextStart) for event in out) == sum(
        isinstance(event, e.TextEnd) for event in out
    )


def test_an_approval_can_be_given_by_one_who_may_not_see_tools() -> None:
    request = e.ApprovalRequest(
        approval_id="ap-1",
        kind="input",
        prompt="Your name?",
        options=["A"],
        schema={"type": "string"},
    )
    assert run(request, reveal="answer") == [request]
    out = run(
        e.ToolStart(id="t", name="f"),
        e.ApprovalRequest(approval_id="ap-1", parent_id="t"),
        reveal="answer",
    )
    assert out == [e.Hidden(what="tools"), e.ApprovalRequest(approval_id="ap-1")]


def test_an_error_of_a_hidden_tool_says_only_that_it_failed() -> None:
    error = e.Error(
        message=CANARY, tool_id="t", error_type="ValueError", code="tool_failed", fatal=True
    )
    assert run(error, reveal="answer") == [e.Error(message="A tool failed", fatal=True)]


@pytest.mark.parametrize("output", ["Hi", 0, 2.5, False, None])
def test_a_plain_output_is_kept_at_every_level(output: Any) -> None:
    for reveal in LEVELS:
        event = e.RunEnd(status="completed", output=output)
        assert run(event, reveal=reveal) == [event]


def test_a_structured_output_is_kept_where_thoughts_may_be_seen() -> None:
    event = e.RunEnd(status="completed", output={"answer": 42})
    assert run(event) == [event]


@pytest.mark.parametrize("reveal", ["everything", "", None, 1])
def test_an_unknown_level_is_refused_with_the_choices(reveal: Any) -> None:
    with pytest.raises(ValueError, match="use one of 'answer', 'tools', 'thinking', 'all'"):
        Gate(cast("Reveal", reveal))


def test_that_something_is_hidden_is_said_once_for_each_kind() -> None:
    thought: list[e.Event] = [
        e.ReasoningStart(id="r"),
        e.ReasoningDelta(id="r", delta=CANARY),
        e.ReasoningEnd(id="r"),
    ]
    tools: list[e.Event] = [e.ToolStart(id="t", name="f"), e.ToolStart(id="u", name="g")]
    out = run(*thought, *tools, *text(f"<think>{CANARY}</think>"), reveal="answer")
    assert out == [e.Hidden(what="thinking"), e.Hidden(what="tools")]


def test_rules_hold_in_turn_and_hide_what_quotes() -> None:
    gate = Gate("all", hide={"f": "args"}, commentary=False, redact=[r"\d+"])
    events = [
        *text("Let me see 7.", id="a"),
        e.ToolStart(id="t", name="f", raw=SECRET, meta=SECRET),
        e.ToolArgs(id="t", args=SECRET, args_text=CANARY),
        e.ToolResult(id="t", content={"n": 42, "s": "42"}),
        e.Raw(data=SECRET),
        *text("It is 4", "2.", id="b"),
        e.RunEnd(status="completed"),
    ]
    assert [out for event in events for out in gate.feed(event)] == [
        e.Hidden(what="commentary"),
        e.ToolStart(id="t", name="f"),
        e.Hidden(what="arguments", tool_id="t"),
        e.ToolArgs(id="t"),
        e.ToolResult(id="t", content={"n": "••", "s": "••"}),
        e.TextStart(id="b"),
        e.TextDelta(id="b", delta="It is "),
        e.TextDelta(id="b", delta="••."),
        e.TextEnd(id="b"),
        e.RunEnd(status="completed"),
    ]
    assert gate.close() == []


@pytest.mark.parametrize("reveal", LEVELS)
def test_why_a_run_ended_is_seen_at_every_level(reveal: Reveal) -> None:
    meta = {"stopped_by": "you", "upstream": CANARY}
    [end] = run(e.RunEnd(status="cancelled", meta=meta), reveal=reveal)
    assert end.meta == (meta if reveal in ("thinking", "all") else {"stopped_by": "you"})
