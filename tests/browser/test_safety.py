"""No output of a model or a tool can run, fetch, cover or leak, and all of it can be read."""

import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser.attacks import CONTROLS, LEAKS, LONG, naughty, payloads, prefixes, transcript_saying
from browser.chromium import installed
from browser.expectation import expect
from browser.lab import Notebook
from browser.listening import listening
from browser.stage import Stage, batches, faces, watchers
from campaign import EXAMPLES, WHOLE, figure, sample
from playwright.sync_api import Browser

from nbagent import events as e
from nbagent.notebook.jupyter import MAX_ENDED_WIDGETS
from nbagent.transcript import Transcript

BATCH = 40
PARTS = 4
"""Tests that the prefixes are divided into, so that several workers draw them."""
MAX_PREFIXES = 4 * EXAMPLES
"""Prefixes that are drawn, of 9,387: each takes 0.2 s."""
TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def stage_page(browser: Browser) -> Iterator[Stage]:
    """Yield one stage for all tests."""
    stage = Stage(browser)
    yield stage
    stage.close()


@pytest.fixture
def stage(stage_page: Stage) -> Stage:
    """Return the empty stage."""
    stage_page.clear()
    return stage_page


def elements_judged(stage: Stage, texts: list[str], *, live: bool) -> int:
    """Draw each text in every field by every renderer, check every element, and return the number
    of elements.
    """
    elements = 0
    for start in range(0, len(texts), BATCH):
        group = texts[start : start + BATCH]
        for face, cases in faces(transcript_saying(text, live=live) for text in group).items():
            wrong, looked = stage.judge(face, cases)
            problems = [f"{face}: {what}" for what in dict.fromkeys(wrong)]
            assert not wrong, "\n".join([*problems[:20], *(repr(text[:200]) for text in group)])
            elements += looked
    return elements


# --- nothing runs, nothing leaves ---


@pytest.mark.parametrize(
    ("html", "alarm"),
    [
        ("<script>canary()</script>", "canary"),
        ("<img src=data:, onerror=alert(1)>", "alert"),
        ("<details open ontoggle=alert(1)><summary>x</summary></details>", "alert"),
        ("<img src=https://leak.example/x.png>", "https://leak.example"),
        ("<p style='background: url(https://leak.example/)'>x</p>", "https://leak.example"),
        ("<link rel=prefetch href=https://leak.example/>", "element link"),
        ("<base href=https://leak.example/>", "addresses lead to https://leak.example/"),
        ("<iframe srcdoc='<script>parent.canary()</script>'></iframe>", "canary"),
        ("<a href='javascript:alert(1)'>x</a>", "address"),
        ("<a href='https://a.example'>x</a>", "sealed"),
        ("<p id=attributes>x</p>", "id"),
        ("<p onclick='alert(1)'>x</p>", "attribute"),
        ("<p style='position: fixed'>x</p>", "covers"),
        ("<svg><foreignObject></foreignObject></svg>", "foreignObject"),
        ("<!-- x -->", "comment"),
    ],
)
def test_the_judge_sees(stage: Stage, html: str, alarm: str) -> None:
    wrong, _ = stage.judge("twin", [html])
    assert any(alarm in what for what in wrong), wrong


def test_every_payload_whole_in_every_field(stage: Stage) -> None:
    texts = sample(payloads(), 8)
    elements = sum(elements_judged(stage, texts, live=live) for live in (True, False))
    figure(
        "safety",
        "payloads whole, in every field, while it streams and after",
        f"{len(texts):,}, {elements:,} elements, none wrong",
    )


@pytest.mark.proof
@pytest.mark.parametrize("part", range(PARTS))
def test_prefixes_of_the_short_payloads_in_every_field(stage: Stage, part: int) -> None:
    texts = prefixes()
    texts = texts[:: math.ceil(len(texts) / MAX_PREFIXES)][part::PARTS]
    elements = elements_judged(stage, texts, live=True)
    figure(
        "safety",
        f"prefixes of short payloads, in every field, part {part + 1} of {PARTS}",
        f"{len(texts):,}, {elements:,} elements, none wrong",
    )


@pytest.mark.proof
def test_every_naughty_string_in_every_field(stage: Stage) -> None:
    texts = [text for text in naughty() if len(text) < 50_000]
    elements = elements_judged(stage, texts, live=False)
    figure(
        "safety",
        "naughty strings, in every field",
        f"{len(texts):,}, {elements:,} elements, none wrong",
    )


@pytest.mark.proof
def test_no_name_is_even_looked_up(browser: Browser, tmp_path: Path) -> None:
    """The browser's own network log has requests that no page can intercept: look-ups, connections
    made in advance.
    """
    log = tmp_path / "net.json"
    path = installed()
    flags = [
        f"--log-net-log={log}",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    own = browser.browser_type.launch(executable_path=path, args=[*flags, "--disable-sync"])
    stage = Stage(own)
    links = [f"{text}\n\n<https://hover.leak.example/>" for text in LEAKS]
    for text in sample(links, 12):
        stage.show("widget", batches(transcript_saying(text)))
        for link in stage.page.locator("#stage a").all()[:8]:
            link.hover(force=True)
            link.focus()
    assert stage.leaks == []
    stage.close()
    own.close()
    known = log.read_text("utf-8", "replace")
    assert "stage.test" in known or "HOST_RESOLVER" in known  # it is a log
    assert "leak.example" not in known


def test_a_link_says_where_it_leads_and_takes_nothing_along(stage: Stage) -> None:
    text = (
        "[x](https://a.example/p) <https://b.example> https://c.example "
        "[![p](https://d.example/p.png)](https://e.example)"
    )
    stage.show("widget", batches(transcript_saying(f"{text} [r][r]\n\n[r]: https://f.example")))
    links = stage.page.locator("#stage .nb-markdown").first.locator("a[href]")
    assert links.count() == 5
    for link in links.all():
        assert link.get_attribute("target") == "_blank"
        assert {"noopener", "noreferrer"} <= set((link.get_attribute("rel") or "").split())
    assert stage.page.locator("#stage .nb-markdown img").count() == 0
    assert stage.leaks == []


# --- all of it can be read ---

UNSEEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


@pytest.mark.parametrize("text", CONTROLS, ids=lambda text: ascii(text)[:30])
def test_what_cannot_be_seen_is_gone_or_written_out(stage: Stage, text: str) -> None:
    stage.show("widget", batches(transcript_saying(text)))
    # Prose may embed and isolate; that stays within its paragraph.
    stage.page.locator(".nb-prompt-text, .nb-markdown :is(p, li, td)").evaluate_all(
        "(all) => all.forEach((one) => one.remove())"
    )
    shown = stage.page.locator("#stage").inner_text()
    assert not UNSEEN.findall(shown)


def test_colours_of_a_terminal_are_no_garbage(stage: Stage) -> None:
    transcript = Transcript("run", started=1.0)
    for event in (
        e.ToolStart(ts=1, id="t", name="t"),
        e.ToolArgs(ts=1, id="t", args={}),
        e.ToolResult(
            ts=2,
            id="t",
            content="\x1b[31mred\x1b[0m \x1b]8;;https://a.example\x07link\x1b]8;;\x07 50 %\r100 %\a",  # noqa: E501
        ),
        e.Error(ts=3, message="no", traceback="\x1b[0;31mValueError\x1b[0m: \x1b[1mno\x1b[22m"),
    ):
        transcript.feed(event)
    transcript.toggle("t", True)
    stage.show("widget", batches(transcript))
    shown = stage.page.locator("pre").all_inner_texts()
    assert shown == ["red link 50 %␍100 %␇", "no", "ValueError: no"]


def test_another_direction_does_not_move_its_neighbours(stage: Stage) -> None:
    for text in CONTROLS:
        stage.show("widget", batches(transcript_saying(text)))
        moved = stage.page.evaluate(
            """() => [...document.querySelectorAll('.nb-row, .nb-line, .nb-head, .nb-chip, .nb-line > span')].flatMap((row) => {
                 const boxes = [...row.children].filter((one) => one.getClientRects().length && !one.matches('.nb-sr'));
                 const places = boxes.map((one) => one.getClientRects()[0]);
                 const before = (a, b) => a.left < b.left - 1 && Math.abs(a.top - b.top) < 8;
                 return places.some((place, i) => i > 0 && before(place, places[i - 1])) ? [row.outerHTML.slice(0, 300)] : [];
               })"""  # noqa: E501
        )
        assert moved == [], ascii(text)


@pytest.mark.parametrize("text", LONG if WHOLE else LONG[1::2], ids=lambda text: ascii(text)[:12])
def test_no_text_breaks_the_layout(stage: Stage, text: str) -> None:
    stage.show("widget", batches(transcript_saying(text)))
    broken = stage.page.evaluate(
        """() => {
             const root = document.querySelector('.nbagent');
             const log = root.querySelector('.nb-log');
             const right = root.getBoundingClientRect().right + 1;
             const outside = (one) => one.getBoundingClientRect().right > right;
             const high = (one) => one.getBoundingClientRect().height > 80;
             return [
               ...[document.scrollingElement, log].filter((one) => one.scrollWidth > one.clientWidth + 1),
               ...[...root.querySelectorAll('.nb-row, .nb-head, .nb-chip, .nb-stop')].filter(outside),
               ...[...root.querySelectorAll('.nb-row, .nb-head')].filter(high),
             ].map((one) => one.outerHTML.slice(0, 200));
           }"""  # noqa: E501
    )
    assert broken == []
    assert stage.leaks == []


def test_naughty_strings_are_shown_as_they_are(stage: Stage) -> None:
    texts = [
        text
        for text in naughty()
        if text and len(text) < 5000 and not UNSEEN.search(text) and "\r" not in text
    ]
    transcript = Transcript("run", started=1.0)
    for number, text in enumerate(texts):
        transcript.feed(e.ToolStart(ts=1, id=f"t{number}", name="t"))
        transcript.feed(e.ToolArgs(ts=1, id=f"t{number}", args={}))
        transcript.feed(
            e.ToolResult(ts=2, id=f"t{number}", display=e.Display(data={"text/plain": text}))
        )
        transcript.toggle(f"t{number}", True)
    stage.show("widget", batches(transcript))
    assert (
        stage.page.locator(".nb-section > pre.nb-pre").evaluate_all(
            "(all) => all.map((one) => one.textContent)"
        )
        == texts
    )


# --- math and highlighting ---


def test_math_and_colours_come_on_first_need_and_from_nowhere_else(browser: Browser) -> None:
    stage = Stage(browser)  # a page of its own: one keeps what it has asked for
    stage.show("widget", batches(Transcript("run", started=1.0)))
    say, asked = "(ops) => { window.say(ops) }", "() => window.needed"
    opened = {"kind": "text", "text": "plain *text* and `code`\n\n"}
    stage.page.evaluate(say, [["open", "a", None, opened]])
    expect(stage.page.locator("#stage em")).to_have_text("text")
    assert stage.page.evaluate(asked) == []
    stage.page.evaluate(say, [["append", "a", "text", "so $x^2$ is\n\n"]])
    expect(stage.page.locator("#stage math msup")).to_be_visible()
    assert stage.page.evaluate(asked) == ["math.js"]
    stage.page.evaluate(
        say, [["append", "a", "text", "```python\ndef f(): pass\n```\n\nand $$y_1$$ and\n\n"]]
    )
    expect(stage.page.locator("#stage .nb-hl-keyword").first).to_have_text("def")
    expect(stage.page.locator("#stage math")).to_have_count(2)
    assert stage.page.evaluate(asked) == ["math.js", "highlight.js"]
    assert stage.leaks == []
    stage.close()


# --- in JupyterLab ---


SETUP = f"""
import sys, json, nbagent
sys.path.insert(0, {str(TESTS)!r})
from browser.attacks import events_saying
"""
SHOW = """
runs = [nbagent.show(events_saying(text)) for text in json.loads(%r)]
for run in runs: await run
"""
PAGES = 8 if WHOLE else 1
"""Notebooks the texts are spread over: one that held them all, each with forty open panels, would
be slow by its size alone.
"""
RICH = "await nbagent.show(['so $x^2$\\n\\n```python\\ndef f(): pass\\n```\\n'])"


@pytest.mark.proof
@pytest.mark.parametrize("part", range(PAGES))
def test_in_jupyterlab_nothing_runs_and_nothing_leaves(
    part: int, notebook: Callable[..., Notebook]
) -> None:
    texts = sample([*payloads(), *naughty()], 8)[part::PAGES]
    groups = [
        texts[start : start + MAX_ENDED_WIDGETS]
        for start in range(0, len(texts), MAX_ENDED_WIDGETS)
    ]
    book = notebook(cells=(SETUP, *(SHOW % json.dumps(group) for group in groups), RICH))
    leaks: list[str] = []
    outside: list[str] = []
    listeners = watchers(leaks) | {"request": lambda request: outside.append(request.url)}
    with listening(book.page, listeners):
        if book.page.evaluate("!window.unfold"):  # else a page that an earlier part has used
            book.page.add_script_tag(
                content=(Path(__file__).parent / "stage.js").read_text("utf-8")
            )
        book.run(0)
        book.wait_idle()
        for index, group in enumerate(groups, 1):
            book.run(index)
            book.wait_idle()
            assert book.widget(index).count() == len(group), book.output(index)
            expect(book.cell(index).locator(".nb-stop")).to_have_count(0)
            found = book.cell(index).evaluate(
                """async (cell) => {
                     const views = [...cell.querySelectorAll('.nbagent')];
                     for (const view of views) await window.unfold(view);
                     return [...window.alarms, ...views.flatMap((view) => window.faults(view, 'widget'))];
                   }"""  # noqa: E501
            )
            assert found == [], group
        rich = len(groups) + 1
        book.run(rich)
        book.wait_idle()
        expect(book.widget(rich).locator("math msup")).to_be_attached()
        expect(book.widget(rich).locator(".nb-hl-keyword").first).to_be_attached()
    assert leaks == []
    assert [url for url in outside if not url.startswith((book.lab.url, "data:", "blob:"))] == []
    figure(
        "safety",
        f"texts in every field of runs in JupyterLab, page {part + 1} of {PAGES}",
        f"{len(texts):,}, none wrong",
    )
