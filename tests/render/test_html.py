"""The transcript in the saved notebook: its content, its safety, its size."""

import base64
import json
import re
from pathlib import Path
from typing import Any, get_args
from unittest.mock import patch

import pytest
from campaign import WHOLE, figure, sample
from hypothesis import given
from hypothesis import strategies as st
from safe_html import SafeHtml
from samples import blocks_of

from nbagent.blocks import AnyProps
from nbagent.protocol.blocks import kind_of
from nbagent.render.html import transcript_html
from nbagent.render.html_blocks import BlockWriter
from nbagent.render.markup.sanitize import sanitize

TESTS = Path(__file__).parents[1]
GOLDEN = TESTS / "golden"

READ = {
    "answer": [
        "analyst demo · Done in 3.2s",
        "Thought: First load, then sum.",
        "✓ load_sales(year=2025) → DataFrame 2×2 · 1.2s",
        "Result",
        "1",
        "Revenue grew 😀.",
        "250 in · 29 out (3 thinking) · 1 tool · first token 0.3s · 17 tok/s",
    ],
    "failure": [
        "analyst · Failed after 3.0s · 1 tool call failed",
        "✗ load_sales(year=2025) · ConnectionError · 0.7s",
        "Error",
        "ConnectionError: no route",
        "traceback",
        "Traceback…",
        "ConnectionError: no route",
        "I could not",
        "✗ rate_limit",
        "rate_limit: Rate limit reached (429)",
        "1 tool, 1 failed · first token 1.1s",
    ],
    "cut": [
        "test · Cut off: the stream ended early · 2.0s",
        "Thought for 2s",
        "hm",
        '⊘ load_sales({"year") · Cancelled · 1.0s',
        "Arguments",
        '{"year"',
        "half an ans",
        "1 tool · first token 0.1s",
    ],
    "approval": [
        "test · Done in 4.2s",
        "⊘ load_sales(year=2025) · Denied · 0.3s",
        "⊘ Denied · Load it? · too much",
        "Why",
        "too much",
        "1 tool · first token 1.1s · waited 2.5s for you",
    ],
    "agents": [
        "test · Done in 1.0s",
        "✓ helper · 0.2s",
        "I help.",
        "→ Handed over from helper to writer",
        "A (example.org)",
        "a.csv",
        "⚠ Retrying…",
        'mark {"at":[1,2.5,null,true]}',
        '{"at": [1, 2.5, null, true]}',
        'vendor.thing {"type":"vendor.thing"}',
        '{"type": "vendor.thing"}',
        "12 tokens · $0.0021 · first token 0.2s",
    ],
}


def test_a_transcript_stands_in_a_frame_of_its_own() -> None:
    assert re.match(r'<div[^>]* style="[^"]*border-left:', transcript_html(run(tool())))


@pytest.mark.parametrize("name", READ)
def test_each_golden_transcript_reads_like_the_view(name: str) -> None:
    blocks = json.loads((GOLDEN / f"{name}.json").read_text())["blocks"]
    assert SafeHtml(transcript_html(blocks, dom_key="m-1")).text == READ[name]


# --- what stands where ---


def run(*blocks: dict[str, Any], **props: Any) -> list[dict[str, Any]]:
    root = {
        "id": "run",
        "parent": None,
        "closed": True,
        "kind": "run",
        "name": "a",
        "status": "completed",
        **props,
    }
    return [
        root,
        *(
            {"id": f"b{number}", "parent": "run", "closed": True, **block}
            for number, block in enumerate(blocks)
        ),
    ]


def tool(**props: Any) -> dict[str, Any]:
    return {"kind": "tool", "name": "f", "state": "output-available", **props}


def test_errors_are_open_and_everything_else_is_folded() -> None:
    failed = tool(
        name="g",
        state="output-error",
        error={"type": "E", "message": "m", "traceback": 'File "a"\nE'},
    )
    html = transcript_html(run(tool(result={"text/plain": "r"}), failed))
    assert html.count("<details") == 3
    assert html.index("<details open") > html.index("f</strong>")
    assert "traceback (1 frame)" in html


PNG = base64.b64encode(b"\x89PNG" + b"x" * 300).decode()


@pytest.mark.parametrize(
    ("bundle", "shown"),
    [
        ({"text/html": "<b>h</b>", "text/plain": "p"}, "<b>h</b>"),
        ({"image/png": PNG, "text/plain": "p"}, f'<img src="data:image/png;base64,{PNG}"'),
        (
            {"image/svg+xml": "<svg/>"},
            f'<img src="data:image/svg+xml;base64,{base64.b64encode(b"<svg/>").decode()}"',
        ),
        ({"text/markdown": "*m*", "text/plain": "p"}, "<em>m</em>"),
        ({"application/json": {"a": 1}, "text/plain": "p"}, "{&quot;a&quot;: 1}"),
        ({"application/json": 0}, ">0</pre>"),
        ({"text/plain": ""}, "(empty text)"),
        ({"text/plain": "\x1b[31mred\x1b[0m \x07"}, "red ␇"),
        ({"image/png": "not base64!", "text/plain": "p"}, "could not be read"),
        ({"image/svg+xml": "<svg/>", "image/png": PNG}, f'<img src="data:image/png;base64,{PNG}"'),
    ],
)
def test_a_result_is_shown_in_its_richest_form(bundle: Any, shown: str) -> None:
    html = transcript_html(run(tool(result=bundle)))
    SafeHtml(html)
    assert shown in html


@pytest.mark.parametrize(
    "bundle", [{}, {"application/json": None}, {"text/plain": None, "image/png": None}]
)
def test_a_result_without_content_is_not_drawn(bundle: Any) -> None:
    assert SafeHtml(transcript_html(run(tool(result=bundle)))).text[1:] == ["✓ f()"]


def test_each_part_of_a_result_is_shown_in_order_instead_of_the_whole() -> None:
    parts = {
        "image/png;part=2": PNG,
        "text/html;part=1": "<b>h</b>",
        "text/plain;part=10": "last",
        "text/plain": "[…]",
    }
    html = transcript_html(run(tool(result=parts)))
    SafeHtml(html)
    assert html.index("<b>h</b>") < html.index("data:image/png") < html.index("last")
    assert "[…]" not in html


def test_a_panel_is_open_as_in_the_view() -> None:
    drawn = tool(result={"text/plain": "r"})
    calls: list[tuple[dict[str, Any], bool]] = [
        ({}, False),
        ({"open": True}, True),
        ({"open": True, "user_open": False}, False),
        ({"user_open": True}, True),
        ({"state": "approval-requested", "closed": False}, True),
        ({"state": "approval-requested", "closed": True}, False),
    ]
    for props, is_open in calls:
        assert ("<details open" in transcript_html(run({**drawn, **props}))) == is_open
    blocks: list[tuple[dict[str, Any], bool]] = [
        ({"kind": "error", "error_type": "E", "message": "no"}, True),
        ({"kind": "error", "error_type": "E", "message": "no", "user_open": False}, False),
        ({"kind": "custom", "name": "n", "data": 1, "user_open": True}, True),
    ]
    for block, is_open in blocks:
        assert ("<details open" in transcript_html(run(block))) == is_open


def test_an_error_says_where_it_left_the_users_own_code() -> None:
    own = {
        "file": "Cell In[3]",
        "line": 4,
        "function": "load",
        "source": "frame[year]",
        "locals": {"year": "1999"},
    }
    library = {
        **own,
        "file": "/site-packages/pandas/frame.py",
        "source": "raise KeyError",
        "library": "pandas",
    }
    error = {"type": "KeyError", "message": "1999", "traceback": None, "frames": [own, library]}
    html = transcript_html(run(tool(state="output-error", error=error)))
    assert "frame[year] · load · Cell In[3], line 4" in html
    assert "raise KeyError" not in html
    assert "1999</dd>" not in html


def test_line_ends_that_are_line_breaks_are_shown() -> None:
    text = {"kind": "text", "text": "one\ntwo\n\n```\nx\ny\n```"}
    html = transcript_html(run({**text, "line_breaks": True}))
    assert "<p>one<br>\ntwo</p>\n<pre " in html
    assert "<code>x\ny\n</code></pre>" in html
    assert "<p>one\ntwo</p>" in transcript_html(run(text))


def test_that_something_is_hidden_is_said() -> None:
    html = transcript_html(run(tool(args=None, hidden=["arguments"]), hidden=["thinking", "tools"]))
    assert "(hidden)" in html
    assert "thinking and tools hidden" in html


def test_sub_agents_hold_their_own_transcript() -> None:
    blocks = run({"kind": "agent", "name": "inner", "status": "failed"})
    blocks.append(
        {"id": "t", "parent": "b0", "closed": True, "kind": "text", "text": "from *inside*"}
    )
    html = transcript_html(blocks)
    assert (
        html.index("<blockquote") < html.index("from <em>inside</em>") < html.index("</blockquote>")
    )
    assert "✗ <strong>inner</strong> · Failed" in html


def test_a_file_can_be_taken_out_and_a_picture_is_seen() -> None:
    csv = {"kind": "file", "media_type": "text/html", "name": "a.html", "data": PNG}
    html = transcript_html(run(csv, {"kind": "file", "media_type": "image/png", "data": PNG}))
    SafeHtml(html)
    assert (
        f'<a href="data:application/octet-stream;base64,{PNG}" download="a.html" target="_blank" '
        'rel="noopener noreferrer">'
    ) in html
    assert f'<img src="data:image/png;base64,{PNG}"' in html


def test_the_users_message_is_plain_text_with_its_pictures() -> None:
    picture = {"url": f"data:image/png;base64,{PNG}"}
    files = [
        {"media_type": "image/png", "data": PNG},
        picture,
        {"name": "a.csv", "url": "javascript:x"},
        "?",
    ]
    html = transcript_html(run({"kind": "prompt", "text": "*Why*\n<b>so?</b> $x$", "files": files}))
    assert SafeHtml(html).text[1:5] == ["You", "*Why*", "<b>so?</b> $x$", "a.csv"]
    assert html.count(f'<img src="data:image/png;base64,{PNG}"') == 2


def test_a_question_that_waits_is_a_question_and_no_button() -> None:
    approval = {
        "kind": "approval",
        "prompt": "Which?",
        "options": ["a", "b"],
        "answerable": True,
        "closed": False,
    }
    html = transcript_html(run(approval, status="running"))
    assert SafeHtml(html).text[1:] == ["? Which? (waits for an answer)", "Possible answers: a, b"]
    assert "<button" not in html


def test_an_answer_says_what_it_changed_and_what_it_allows() -> None:
    args = {"query": "DROP", "limit": 5}
    answer = {
        "decision": "approve",
        "remember": True,
        "args": args,
        "value": {**args, "limit": 1},
        "reason": "enough",
    }
    text = SafeHtml(transcript_html(run({"kind": "approval", **answer}))).text
    assert text[1:] == ["✓ Approved, and all further calls · limit: 5 → 1 · enough"]


def test_plain_text_stands_in_columns_wherever_the_file_is_opened() -> None:
    html = transcript_html(run(tool(result={"text/plain": "a   1\nbb  2"})))
    assert 'font-family:monospace">a   1\nbb  2</pre>' in html


def test_what_a_tool_printed_stands_as_a_terminal_shows_it() -> None:
    printed = "\x1b[32mok\x1b[0m\n 10%\r100%\ndone"
    html = transcript_html(run(tool(output=printed, result={"text/plain": "r"})))
    assert SafeHtml(html).text[2:] == ["Output", "ok", "100%", "done", "Result", "r"]


def test_a_run_that_goes_on_says_so() -> None:
    text = SafeHtml(
        transcript_html(run({"kind": "reasoning", "text": "hm", "closed": False}, status="running"))
    ).text
    assert text == ["a · running when this copy was made", "Thinking…", "hm"]
    assert SafeHtml(transcript_html(run(status="running"))).text == [
        "a · running when this copy was made"
    ]
    assert SafeHtml(transcript_html(run())).text == [
        "a · Done",
        "This run ended without any output.",
    ]


def test_a_dom_key_brings_the_rule_that_hides_a_dead_view() -> None:
    html = transcript_html(run(), dom_key="cell-1")
    SafeHtml(html)
    assert (
        ':not(:has([data-nbagent-live])):has(+ * [data-nbagent-twin="cell-1"]) {\n  display: '
        "none\n}"
    ) in html
    # a rule about the whole page is looked at again with each change in it
    assert ":root" not in html
    assert "<style>" not in transcript_html(run())
    SafeHtml(transcript_html(run(), dom_key='x"]{}</style><script>'))


def test_no_field_turns_around_what_stands_beside_it() -> None:
    name = "photo\u202egpj.exe"
    text = SafeHtml(transcript_html(everywhere(f"{name} `{name}`"))).text
    assert sum("photo‹U+202E›gpj.exe" in line for line in text) > 30
    assert "\u202e" not in "".join(text)


def test_formulas_stay_tex_and_money_stays_money() -> None:
    html = transcript_html(
        run({"kind": "text", "text": r"$x^2$ costs $5 and $10, \(y\), $\href{javascript:1}{z}$"})
    )
    assert (
        "$x^2$ costs <span>$</span>5 and <span>$</span>10, $y$, "
        "<code>\\href{javascript:1}{z}</code>"
    ) in html


# --- nobody's HTML ---


def attacks() -> list[str]:
    found: list[str] = []
    for name in ("xss/dompurify_expect", "xss/h5sc"):
        found += [
            case["payload"] for case in json.loads((TESTS / "corpora" / f"{name}.json").read_text())
        ]
    cells = json.loads((TESTS / "corpora/xss/jupyter_notebook_xss.ipynb.json").read_text())["cells"]
    found += ["".join(cell["source"]) for cell in cells]
    for group in json.loads((TESTS / "corpora/urls/rehype_harden_urls.json").read_text()):
        found += [f"[a]({url}) ![b]({url}) <{url}> {url}" for url in group["urls"]]
        found += [
            (
                f'<a href="{url}">a</a><img src="{url}" srcset="{url}"><p '
                f'style="background:url({url})">'
            )
            for url in group["urls"]
        ]
    return found


def everywhere(text: str) -> list[dict[str, Any]]:
    """Return a run that has this text wherever a model, a tool or a stream can put one."""
    error = {"type": text, "message": text, "traceback": text}
    return run(
        {"kind": "text", "text": text},
        {"kind": "text", "text": text, "text_kind": "refusal"},
        {"kind": "reasoning", "text": text},
        tool(name=text, title=text, summary=text, args={text: text}, result={"text/html": text}),
        tool(
            name=text,
            args=text,
            args_text=text,
            state="output-error",
            error=error,
            result={"text/markdown": text},
        ),
        tool(
            args_text=text,
            args_valid=False,
            state="output-denied",
            error=error,
            result={text: text},
        ),
        tool(result={"application/json": {text: text}}, state=text),
        tool(result={"image/svg+xml": text}),
        tool(
            result={
                "text/html;part=1": text,
                "image/svg+xml;part=2": text,
                "text/markdown;part=3": text,
            }
        ),
        tool(result={"image/png": text}),
        {"kind": "agent", "name": text, "status": text},
        {"kind": "handoff", "from": text, "to": text},
        {
            "kind": "approval",
            "prompt": text,
            "args": {text: text},
            "options": [text],
            "approval_kind": text,
        },
        {"kind": "approval", "decision": text, "prompt": text, "reason": text},
        {
            "kind": "approval",
            "decision": "approve",
            "args": {text: 1},
            "value": {text: text},
            "remember": True,
        },
        {
            "kind": "approval",
            "approval_kind": "input",
            "decision": "approve",
            "value": text,
            "problem": text,
        },
        {
            "kind": "prompt",
            "text": text,
            "files": [{"name": text, "url": text, "media_type": text}, {"data": text}, text],
        },
        tool(output=text),
        {"kind": "status", "message": text, "level": text},
        {"kind": "error", "error_type": text, "message": text, "code": text, "traceback": text},
        {"kind": "source", "url": text, "title": text},
        {"kind": "source", "url": text},
        {"kind": "file", "url": text, "name": text, "media_type": text, "data": text},
        {"kind": "file", "name": text, "media_type": "image/png", "data": text},
        {"kind": "custom", "name": text, "data": {text: text}},
        {"kind": text, "data": text},
        *blocks_of(text),
        name=text,
        model=text,
        stopped_by=text,
        status="cancelled",
    )


def test_no_attack_gets_anything_into_the_page_that_runs_or_loads() -> None:
    found = sample(attacks(), 60)
    for attack in found:
        SafeHtml(transcript_html(everywhere(attack), dom_key="m"))
        for end in range(0, min(len(attack), 200), 7):
            SafeHtml(
                transcript_html(
                    run(
                        {"kind": "text", "text": attack[:end]},
                        tool(result={"text/html": attack[:end]}),
                    )
                )
            )
    figure(
        "saved notebook",
        "attacks in every field, and their prefixes as text and HTML: pages that run or load "
        "nothing",
        len(found),
    )


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
FIELDS = {kind_of(props()): props.__struct_encode_fields__ for props in get_args(AnyProps)}
FIELDS["other"] = ("name", "data", "text", "state")
ids = st.sampled_from(["run", "a", "b", "c", "d"])
markdown = st.text(alphabet="ab *_`~[]()!<>#-|$\\&\"'\n:/x\x00\u202e", max_size=60)
block = st.sampled_from(sorted(FIELDS)).flatmap(
    lambda kind: st.fixed_dictionaries(
        {"id": ids, "parent": ids | st.none(), "kind": st.just(kind), "closed": st.booleans()},
        optional=dict.fromkeys(FIELDS[kind], json_values | markdown) | {"tool_id": ids},
    )
)


@given(st.lists(block, max_size=6))
def test_any_blocks_make_a_page_that_is_well_formed_and_safe(blocks: list[dict[str, Any]]) -> None:
    SafeHtml(transcript_html(blocks, dom_key="m"))


@pytest.mark.parametrize("field", ["hidden", "in_row"])
@pytest.mark.parametrize("odd", [7, True, "arguments", {"arguments": 1}, [None, ["arguments"]]])
def test_a_list_of_names_may_be_anything(field: str, odd: Any) -> None:
    assert "year" in transcript_html(run(tool(args={"year": 1}, **{field: odd})))


def test_a_duration_is_no_markup() -> None:
    html = transcript_html(run(tool(started=1.0, args_done=1.0, ended=1.01)))
    assert "· &lt;0.1s" in html


@given(st.text(alphabet="ab<>[]?/=\"'& \n-!divtablescrpthrefonk:;", max_size=80))
def test_any_html_is_copied_into_well_formed_html(source: str) -> None:
    SafeHtml(transcript_html(run(tool(result={"text/html": source}))))


# --- how much is kept ---

LONG = "word " * 400_000


def size_of(html: str) -> int:
    SafeHtml(html)
    return len(html.encode())


def test_the_longest_things_are_shortened_first_and_say_how_much_is_missing() -> None:
    short = "All of *this* stays. " * 50
    html = transcript_html(
        run(
            {"kind": "text", "text": short},
            tool(result={"text/plain": LONG}),
            {"kind": "text", "text": short},
        )
    )
    assert size_of(html) <= 1_000_000
    assert size_of(html) > 600_000
    assert html.count("All of <em>this</em> stays.") == 100
    note = next(line for line in SafeHtml(html).text if "more characters" in line)
    assert int(note.split()[1].replace(",", "")) == pytest.approx(
        len(LONG) - 5 * html.count("word "), abs=5
    )


def test_an_answer_is_kept_before_the_results_of_calls() -> None:
    answer = "All of it is kept. " * 30_000
    results = [tool(result={"text/plain": LONG}, args={"code": LONG}) for _ in range(20)]
    html = transcript_html(run(*results, {"kind": "text", "text": answer}))
    assert size_of(html) <= 1_000_000
    assert html.count("All of it is kept.") == 30_000
    assert html.count("more characters not kept") == 40


@pytest.mark.parametrize(
    "blocks",
    [
        run({"kind": "text", "text": LONG}),
        run({"kind": "text", "text": "<&>\"'" * (400_000 if WHOLE else 60_000)}),
        pytest.param(run({"kind": "text", "text": "💩" * 900_000}), marks=pytest.mark.proof),
        run(*({"kind": "text", "text": f"{number} {'x' * 60}"} for number in range(20_000))),
        run(
            tool(
                result={
                    "text/html": f"<table>{'<tr><td>1</td><td>2</td></tr>' * (90_000 if WHOLE else 40_000)}</table>"  # noqa: E501
                }
            )
        ),
        run(
            tool(
                args={"code": LONG},
                result={"application/json": [LONG]},
                error={"traceback": LONG, "message": LONG},
            )
        ),
        pytest.param(
            run(
                {
                    "kind": "custom",
                    "name": "x",
                    "data": {str(number): "y" * 100 for number in range(30_000)},
                }
            ),
            marks=pytest.mark.proof,
        ),
    ],
    ids=["text", "marks", "emoji", "blocks", "table", "tool", "data"],
)
def test_it_never_takes_more_than_its_limit(blocks: list[dict[str, Any]]) -> None:
    html = transcript_html(blocks, dom_key="m")
    assert 200_000 < size_of(html) <= 1_000_000
    assert "not kept in the notebook" in html
    assert size_of(transcript_html(blocks, dom_key="m", max_bytes=20_000)) <= 20_000


def test_blocks_just_above_the_limit_are_not_written_again_and_again() -> None:
    blocks = run(*({"kind": "text", "text": f"{number} {'x' * 60}"} for number in range(800)))
    with patch.object(BlockWriter, "html", autospec=True, side_effect=BlockWriter.html) as write:
        transcript_html(blocks, max_bytes=60_000)
    assert 1 < write.call_count < 6


def test_of_many_pictures_as_many_are_kept_as_there_is_room_for() -> None:
    pictures = [
        tool(result={"image/png": "A" * 200_000, "text/plain": f"figure {number}"})
        for number in range(8)
    ]
    html = transcript_html(run(*pictures, {"kind": "text", "text": "the end"}))
    assert size_of(html) <= 1_000_000
    assert html.count("<img") >= 2
    assert html.count("<img") + html.count("150,000 bytes, not kept in the notebook") == 8
    assert "the end" in html


@pytest.mark.proof
def test_the_first_and_the_last_of_very_many_blocks_stay() -> None:
    html = transcript_html(
        run(*({"kind": "text", "text": f"block {number}."} for number in range(100_000)))
    )
    assert size_of(html) <= 1_000_000
    assert "block 0." in html
    assert "block 99999." in html
    assert "more entries not kept in the notebook" in html


def test_html_that_no_parser_could_take_ends_early() -> None:
    html = sanitize("<div>" * 50_000 + "<p>x</p>" * 10_000)
    assert html == f"{'<div>' * 100}{'</div>' * 100}…"


def test_elements_that_are_never_closed_are_not_repeated_in_each_paragraph() -> None:
    unclosed = "".join(
        f"<{tag} title={number}>"
        for number in range(100)
        for tag in ("b", "i", "em", "code", "strong")
    )
    source = f"<p>{unclosed}" + "<p>x" * 5_000
    assert len(sanitize(source)) < 3 * len(source)


def test_a_tag_that_never_ends_is_none() -> None:
    assert sanitize("<b>x</b>" + 15_000 * "<a ") == "<b>x</b>…"
    assert sanitize("<b>x</b><a href='https://a.example'") == "<b>x</b>"


def test_a_large_table_is_whole() -> None:
    table = "<table><tbody>" + "<tr><td>1</td><td><b>2</b></td></tr>" * 4_000 + "</tbody></table>"
    assert sanitize(table) == table


def test_elements_lie_in_one_another_up_to_a_limit() -> None:
    assert sanitize("<div>" * 300 + "deep") == f"{'<div>' * 100}deep{'</div>' * 100}"
