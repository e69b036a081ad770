"""The view as people meet it who use a keyboard, a screen reader, a narrow window, or a very long transcript."""

import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser.lab import SHOTS, Notebook
from browser.views import memory, open_preview, prepare, serve_files, violations
from campaign import WHOLE, figure
from playwright.sync_api import Browser, Page, expect

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.json"))

# For everyone.


def open_golden(page: Page) -> None:
    """Each transcript of the golden corpus, whole and in the middle of its stream."""
    for path in GOLDEN:
        ops = json.loads(path.read_text())["ops"]
        for cut in (len(ops) // 3, len(ops) * 2 // 3, len(ops)):
            page.evaluate("(ops) => stage.openView(document.querySelector('main')).ops(...ops)", ops[:cut])


def let_panels_close(page: Page) -> None:
    """Panels that closed by themselves have done so, and formulas are typeset."""
    page.wait_for_timeout(1500)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_any_state(page: Page, theme: str) -> None:
    open_preview(page, theme=theme)
    open_golden(page)
    let_panels_close(page)
    assert violations(page) == []
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"states-{theme}.png", full_page=True)


def test_axe_finds_nothing_in_jupyterlab_light_and_dark(notebook: Callable[..., Notebook]) -> None:
    book = notebook(cells=("from IPython.display import HTML\nHTML('<main></main>')",))
    put_scenes_into_the_output(book)
    open_golden(book.page)
    for theme in ("light", "dark"):
        book.theme(theme)
        let_panels_close(book.page)
        assert violations(book.page) == []
        book.shot(f"lab-states-{theme}")


def put_scenes_into_the_output(book: Notebook, scene: str = "") -> None:
    """Every state, in the output of the notebook's first cell."""
    book.run(0)
    book.wait_idle()
    serve_files(book.page)
    style = (Path(__file__).parents[2] / "nbagent" / "static" / "widget.css").read_text()
    book.page.add_style_tag(content=style)
    prepare(book.page)
    book.page.evaluate("(scene) => stage.openScenes(document.querySelector('main'), scene)", scene)


FOCUSABLE = """() => [...document.querySelectorAll('.nbagent :is(button:not(:disabled), a[href], [tabindex="0"])')]
  .filter((node) => !node.closest('[inert]') && node.getClientRects().length > 0)"""


def test_tab_reaches_every_control_and_shows_where_it_is(page: Page) -> None:
    open_preview(page)
    let_panels_close(page)
    wanted = page.evaluate(f"() => {{ window.wanted = ({FOCUSABLE})(); return wanted.length }}")
    assert wanted > 60
    overflowing = page.evaluate(
        """() => [...document.querySelectorAll('.nbagent *')].filter((node) => /auto|scroll/.test(getComputedStyle(node).overflow)
             && (node.scrollWidth > node.clientWidth || node.scrollHeight > node.clientHeight) && node.tabIndex !== 0)
             .map((node) => node.className)"""
    )
    assert overflowing == []  # what the mouse can scroll, the keyboard can too
    for _ in range(wanted):
        page.keyboard.press("Tab")
        page.evaluate(
            """() => { const node = document.activeElement; node.reached = true;
               const { outlineStyle, outlineWidth } = getComputedStyle(node);
               node.shown = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 }"""
        )
    missed = "() => wanted.filter((node) => !node.reached || !node.shown).map((node) => node.outerHTML.slice(0, 120))"
    assert page.evaluate(missed) == []
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.closest('.nbagent')") is None  # nothing holds the keyboard back


def test_enter_and_space_open_and_close_and_arrows_scroll(page: Page) -> None:
    open_preview(page, "More than fits")
    rows = page.get_by_role("button", name=re.compile("^query"))
    rows.focus()
    page.keyboard.press("Enter")
    expect(rows).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Space")
    expect(rows).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(rows).to_be_focused()
    log = page.get_by_role("log")
    log.focus()
    before = log.evaluate("(log) => log.scrollTop")
    page.keyboard.press("PageUp")
    page.wait_for_function("(before) => document.querySelector('.nb-log').scrollTop < before", arg=before)


def test_keys_typed_in_a_view_are_not_commands_to_the_notebook(notebook: Callable[..., Notebook]) -> None:
    book = notebook(cells=("from IPython.display import HTML\nHTML('<main></main>')", "2"))
    put_scenes_into_the_output(book, "A tool failed")
    row = book.page.get_by_role("button", name=re.compile("^fetch_rates"))
    row.focus()
    for key in ("d", "d", "x", "b", "a", "m", "0", "0", "Escape", "j"):
        book.page.keyboard.press(key)
    expect(row).to_be_focused()
    cells = "() => window.jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model.type)"
    assert book.page.evaluate(cells) == ["code", "code"]
    book.page.keyboard.press("Enter")
    expect(row).to_have_attribute("aria-expanded", "false")


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_nothing_moves_for_those_who_ask_for_stillness(page: Page, motion: Any) -> None:
    page.emulate_media(reduced_motion=motion)
    open_preview(page)
    page.get_by_role("button", name=re.compile("^fetch_rates")).click()
    moving = page.evaluate("() => document.getAnimations().filter((one) => one.playState === 'running').length")
    assert (moving == 0) == (motion == "reduce")


def test_state_changes_are_announced_and_words_are_not(page: Page) -> None:
    open_preview(page, "none")
    page.evaluate("() => { window.view = stage.openView(document.querySelector('main')) }")
    said = page.locator(".nbagent [aria-live=polite][role=status]")

    def play(*ops: list[Any]) -> str:
        page.evaluate("(ops) => view.ops(...ops)", list(ops))
        page.evaluate("() => frame()")
        return said.inner_text()

    play(["open", "run", None, {"kind": "run", "status": "running"}])
    tool = ["open", "t", "run", {"kind": "tool", "name": "search", "state": "input-streaming", "args_text": ""}]
    assert play(tool) == "Tool search started"
    assert play(["append", "t", "args_text", '{"q": 1']) == "Tool search started"
    assert play(["set", "t", {"state": "output-error", "error": {"message": "no"}}]) == "Tool search failed"
    play(["open", "a", "run", {"kind": "text", "text": ""}])
    assert play(["append", "a", "text", "Many words that nobody wants read out one by one."]) == "Tool search failed"
    assert play(["open", "q", "run", {"kind": "approval", "prompt": "Go on?"}]) == "Your approval is needed"
    assert play(["set", "run", {"status": "completed", "started": 1, "ended": 3}]) == "Done in 2.0s"


def test_forced_colours_leave_every_sign_visible(page: Page) -> None:
    page.emulate_media(forced_colors="active")
    open_preview(page)
    hidden = page.evaluate(
        """() => [...document.querySelectorAll('.nb-dot, .nb-caret, .nb-dots i')].filter((node) =>
             getComputedStyle(node).backgroundColor === getComputedStyle(document.body).backgroundColor).length"""
    )
    assert hidden == 0
    page.screenshot(path=SHOTS / "states-forced-colours.png", full_page=True)


def test_a_narrow_cell_holds_everything(page: Page) -> None:
    """360 px: a phone, or a window of 720 px at 200 %."""
    page.set_viewport_size({"width": 360, "height": 800})
    open_preview(page)
    let_panels_close(page)
    wide = page.evaluate(
        """() => [document.documentElement, ...document.querySelectorAll('.nb-frame, .nb-log, .nb-log-content, .nb-panel-body')]
             .filter((node) => node.scrollWidth > node.clientWidth).map((node) => node.className || node.localName)"""
    )
    assert wide == []
    cut = page.evaluate(
        """() => [...document.querySelectorAll('.nbagent :is(button, .nb-status, .nb-time)')].filter((node) => {
             const scroller = node.closest('.nb-pre, .nb-table'); const box = node.getBoundingClientRect();
             const frame = node.closest('.nb-frame').getBoundingClientRect();
             return !scroller && box.width > 0 && (box.left < frame.left || box.right > frame.right) }).map((node) => node.outerHTML)"""
    )
    assert cut == []
    page.screenshot(path=SHOTS / "states-narrow.png", full_page=True)


# Nothing moves that the reader did not move.

EVENTFUL = """
import asyncio, nbagent
from nbagent.events import *

async def eventful():
    yield ReasoningStart(id='r')
    for i in range(30):
        yield ReasoningDelta(id='r', delta=f'Thought number {i}, which is long enough for a line of its own.\\n\\n')
        await asyncio.sleep(0.02)
    yield ReasoningEnd(id='r')
    for i in range(3):
        yield ToolStart(id=f't{i}', name='look_up')
        yield ToolArgs(id=f't{i}', args={'number': i, 'text': 'x ' * 200}, args_text='')
        await asyncio.sleep(0.4)
        yield ToolResult(id=f't{i}', content={'text/plain': 'line\\n' * 12})
    yield TextStart(id='a')
    yield TextDelta(id='a', delta='Done.')
    yield TextEnd(id='a')
"""

WATCH = """() => {
  window.seen = [];
  const look = () => {
    const frame = document.querySelector('.nbagent');
    const below = document.querySelector(".jp-Cell[data-windowed-list-index='2']");
    if (frame && below) seen.push({ height: frame.getBoundingClientRect().height, top: below.getBoundingClientRect().top });
    window.watching = requestAnimationFrame(look);
  };
  look();
}"""


def test_what_is_below_a_run_moves_only_while_the_run_grows(notebook: Callable[..., Notebook]) -> None:
    book = notebook(cells=(EVENTFUL, "run = nbagent.show(eventful())", "'below'"))
    book.run(0)
    book.wait_idle()
    book.run(2)
    book.wait_idle()
    book.page.evaluate(WATCH)
    book.run(1)
    expect(book.widget(1).locator(".nb-status", has_text="Done in")).to_be_visible(timeout=30_000)
    let_panels_close(book.page)  # and what was below must not come up with them
    seen = book.page.evaluate("() => { cancelAnimationFrame(watching); return seen }")
    assert len(seen) > 20
    assert [pair for pair in pairwise(seen) if pair[1]["height"] < pair[0]["height"] - 1] == []
    moved = [after["top"] - before["top"] - (after["height"] - before["height"]) for before, after in pairwise(seen)]
    assert [pixels for pixels in moved if abs(pixels) > 1] == []
    expect(book.widget(1).get_by_role("button", name=re.compile("^Thought"))).to_have_attribute("aria-expanded", "false")


def test_a_run_above_does_not_move_what_the_reader_reads(notebook: Callable[..., Notebook]) -> None:
    filler = "print('\\n'.join(f'line {i}' for i in range(80)))"
    book = notebook(cells=(EVENTFUL, "run = nbagent.show(eventful())", filler))
    book.run(0)
    book.wait_idle()
    book.run(2)
    book.wait_idle()
    book.run(1)
    expect(book.widget(1)).to_be_visible(timeout=20_000)
    where = (
        "() => document.querySelector(\".jp-Cell[data-windowed-list-index='2'] .jp-OutputArea\").getBoundingClientRect().top"
    )
    book.page.mouse.move(640, 500)
    for _ in range(20):  # by the wheel, until the run is above what is seen
        if book.page.evaluate(where) < 0:
            break
        book.page.mouse.wheel(0, 200)
        book.page.wait_for_timeout(50)
    book.page.wait_for_timeout(200)
    assert book.page.evaluate(where) < 0
    tops = book.page.evaluate(
        f"""async () => {{ const tops = []; const end = performance.now() + 4000; const where = {where};
            while (performance.now() < end) {{ tops.push(where()); await new Promise(requestAnimationFrame); }} return tops }}"""
    )
    assert max(tops) - min(tops) <= 1


def test_the_readers_place_in_a_run_survives_panels_that_close_and_cells_that_leave_the_page(page: Page) -> None:
    open_preview(page, "none")
    page.evaluate(
        """() => { window.view = stage.openView(document.querySelector('main'));
             view.ops(['open', 'r', 'run', { kind: 'reasoning', text: '' }], ['append', 'r', 'text', 'thought\\n\\n'.repeat(20)]);
             view.ops(['open', 'a', 'run', { kind: 'text', text: '' }],
               ['append', 'a', 'text', Array.from({ length: 60 }, (_, i) => `line ${i}`).join('\\n\\n')]) }"""
    )
    log = page.get_by_role("log")
    line = page.get_by_text("line 30", exact=True)
    expect(line).to_be_attached()
    log.hover()
    page.mouse.wheel(0, -600)
    expect(page.get_by_role("button", name="Latest")).to_be_visible()
    page.wait_for_timeout(200)
    before = line.evaluate("(node) => node.getBoundingClientRect().top")
    page.evaluate("() => view.ops(['close', 'r'], ['close', 'a'], ['set', 'run', { status: 'completed' }], ['close', 'run'])")
    let_panels_close(page)
    assert abs(line.evaluate("(node) => node.getBoundingClientRect().top") - before) <= 1
    # As a notebook does with cells out of view.
    page.evaluate(
        "async () => { const { el } = view; const home = el.parentNode; el.remove(); await frame(); home.append(el); await frame(); await frame() }"
    )
    assert abs(line.evaluate("(node) => node.getBoundingClientRect().top") - before) <= 1


# Long transcripts.

# Tasks over 50 ms, and the gaps between frames, while the code between `start` and `stop` runs.
TASKS = """() => {
  window.tasks = []; window.gaps = [];
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => Math.round(entry.duration)))).observe({ type: 'longtask' });
  let last = performance.now();
  const step = (now) => { gaps.push(now - last); last = now; requestAnimationFrame(step); };
  requestAnimationFrame(step);
}"""

MANY_BLOCKS = """(from, count) => Array.from({ length: count }, (_, index) => {
  const i = from + index;
  const id = `b${i}`;
  if (i % 5 === 0) return [['open', id, 'run', { kind: 'reasoning', text: '', started: i }], ['append', id, 'text', `I think of **${i}**.`],
    ['set', id, { ended: i + 2 }], ['close', id]];
  if (i % 5 === 4) return [['open', id, 'run', { kind: 'text', text: '' }],
    ['append', id, 'text', `Paragraph **${i}** with \\`code\\`, long enough for a line or two of it in a window of a usual width.\\n\\n- one\\n- two`],
    ['close', id]];
  return [['open', id, 'run', { kind: 'tool', name: 'load_sales', state: 'input-available', args: { year: i }, started: i, args_done: i }],
    ['set', id, { state: 'output-available', summary: `DataFrame ${i}×3`, ended: i + 1 }], ['close', id]];
}).flat()"""


def test_ten_thousand_blocks_arrive_and_scroll(page: Page) -> None:
    open_preview(page, "none")
    page.evaluate(TASKS)
    page.evaluate(
        f"""async () => {{ const make = {MANY_BLOCKS}; window.view = stage.openView(document.querySelector('main'));
            for (let i = 0; i < 10_000; i += 25) {{ view.ops(...make(i, 25)); await frame(); }} }}"""
    )
    expect(page.get_by_text("Paragraph 9999")).to_be_visible()
    arriving = page.evaluate("() => tasks.splice(0)")
    let_panels_close(page)
    held = memory(page)
    assert held["nodes"] < 15_000
    page.get_by_role("log").hover()
    page.evaluate("() => { tasks.length = 0; gaps.length = 0 }")
    for _ in range(120):
        page.mouse.wheel(0, -300)
        page.wait_for_timeout(16)
    gaps, scrolling = page.evaluate("() => [gaps.toSorted((a, b) => a - b), tasks]")
    # However far the reader jumps, there is something to read.
    for place in (0.5, 0.0, 0.9):
        page.get_by_role("log").evaluate("(log, place) => log.scrollTo(0, log.scrollHeight * place)", place)
        page.wait_for_function(
            """() => { const { left, top, width, height } = document.querySelector('.nb-log').getBoundingClientRect();
                 return [0.2, 0.5, 0.8].every((y) => document.elementFromPoint(left + width / 4, top + height * y)?.closest('.nb-item, .nb-text')) }"""
        )
    assert memory(page)["nodes"] < 15_000
    figure("pleasant", "10,000 blocks: DOM nodes", held["nodes"])
    figure("pleasant", "10,000 blocks: heap, MB", round(held["bytes"] / 1e6, 1))
    figure("pleasant", "10,000 blocks: tasks over 50 ms while they arrive", arriving)
    figure("pleasant", "10,000 blocks: tasks over 50 ms while scrolling", scrolling)
    figure("pleasant", "10,000 blocks: 95 % of frame gaps below, ms", round(gaps[int(len(gaps) * 0.95)]))


UNIT = (
    "The **quick** fox, `jumps` over the lazy dog, and [so on](https://example.org) it goes. " * 4
    + "\n\n- one item\n- two items\n\n"
)
SHAPES = {
    "one answer": ("text", 1, UNIT),
    "one thought": ("reasoning", 1, UNIT),
    "200 answers": ("text", 200, UNIT),
    "one list": ("text", 1, "- an item with *some* words in it, and a few more\n"),
    "one line": ("text", 1, "words without an end "),
    "one code block": ("text", 1, "print('a line of code')\n"),
}
CHARACTERS = 4_000_000 if WHOLE else 400_000
MOST_BYTES = 60_000_000
"""The cap: what a transcript of 4 MB may keep of the page's JavaScript heap."""
MOST_NODES = 20_000
"""The cap: DOM nodes, however long the transcript is."""

STREAM = """async ([kind, blocks, unit, characters]) => {
  const view = window.view = stage.openView(document.querySelector('main'));
  const costs = [];
  const each = characters / blocks;
  for (let block = 0; block < blocks; block += 1) {
    const id = `b${block}`;
    view.ops(['open', id, 'run', { kind, text: '', started: 1 }], ['append', id, 'text', `FIRST\\n\\n${unit.startsWith('print') ? '```python\\n' : ''}`]);
    for (let at = 0; at < each; at += 4096) {
      const text = unit.repeat(Math.ceil(4096 / unit.length));
      const began = performance.now();
      view.ops(['append', id, 'text', text]);
      await frame();
      costs.push(performance.now() - began);
    }
    view.ops(['append', id, 'text', unit.startsWith('print') ? '```\\n\\nLAST' : '\\n\\nLAST'], ['set', id, { ended: 5 }], ['close', id]);
  }
  const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
  const quarter = costs.length >> 2;
  return [median(costs.slice(0, quarter)), median(costs.slice(-quarter))];
}"""


@pytest.fixture
def fresh(browser: Browser) -> Iterator[Callable[[], Page]]:
    """A page of its own for each call, so that no measure holds another's leftovers."""
    contexts = []

    def new() -> Page:
        contexts.append(browser.new_context(viewport={"width": 1000, "height": 900}))
        return contexts[-1].new_page()

    yield new
    for context in contexts:
        context.close()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_million_deltas_stay_within_the_cap(page: Page, shape: str) -> None:
    kind, blocks, unit = SHAPES[shape]
    open_preview(page, "none")
    page.evaluate(TASKS)
    first, last = page.evaluate(STREAM, [kind, blocks, unit, CHARACTERS])
    if kind == "text":
        expect(page.get_by_text("LAST", exact=True).last).to_be_visible(timeout=60_000)
    let_panels_close(page)
    held = memory(page)
    assert held["nodes"] < MOST_NODES
    assert held["bytes"] < MOST_BYTES
    if kind == "text":  # nothing is lost at the other end
        page.get_by_role("log").evaluate("(log) => log.scrollTo(0, 0)")
        expect(page.get_by_text("FIRST", exact=True).first).to_be_visible()
    label = f"{CHARACTERS // 1000:,} KB as {shape}"
    figure("pleasant", f"{label}: heap, MB; nodes", f"{held['bytes'] / 1e6:.1f}; {held['nodes']:,}")
    figure("pleasant", f"{label}: ms a flush, first and last quarter", f"{first:.1f}, {last:.1f}")
    figure("pleasant", f"{label}: longest task, ms", page.evaluate("() => Math.max(0, ...tasks)"))


def test_a_closed_view_leaves_nothing_behind(page: Page) -> None:
    open_preview(page, "none")
    cycle = f"""async (count) => {{ const make = {MANY_BLOCKS}; let left = 0;
        for (let i = 0; i < count; i += 1) {{ const view = stage.openView(document.querySelector('main'));
          view.ops(...make(0, 20), ['open', 'x', 'run', {{ kind: 'reasoning', text: '', started: 1 }}], ['append', 'x', 'text', 'still thinking']);
          await frame(); view.close(); left += view.model.handlerCount; }} await frame(); return left }}"""
    page.evaluate(cycle, 5)  # what is made once, such as the parser, is there
    let_panels_close(page)
    before = memory(page)
    assert page.evaluate(cycle, 100) == 0
    let_panels_close(page)
    after = memory(page)
    assert after["nodes"] - before["nodes"] < 100
    assert after["listeners"] - before["listeners"] < 10
    assert after["bytes"] - before["bytes"] < 1_000_000
    figure("pleasant", "100 views opened and closed: bytes, nodes, listeners more", [after[key] - before[key] for key in after])
