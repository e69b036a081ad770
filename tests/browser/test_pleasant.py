"""The view with a keyboard, a screen reader, a narrow window, or a very long transcript."""

import base64
import json
import re
import zlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser.expectation import expect
from browser.lab import THEMES, Notebook, screenshot
from browser.views import AT_REST_MS, memory, open_preview, prepare, violations
from campaign import figure
from playwright.sync_api import Page

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.json"))


def open_golden(page: Page) -> None:
    """Open each transcript of the golden corpus, whole and at two points within its stream."""
    for path in GOLDEN:
        ops = json.loads(path.read_text())["ops"]
        for cut in (len(ops) // 3, len(ops) * 2 // 3, len(ops)):
            page.evaluate("(ops) => pleasant.open(...ops)", ops[:cut])


def let_panels_close(page: Page) -> None:
    """Wait until panels that close by themselves have closed, and formulas are typeset."""
    page.wait_for_timeout(1500)


@pytest.mark.proof
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_any_state(page: Page, theme: str) -> None:
    open_preview(page, theme=theme)
    open_golden(page)
    let_panels_close(page)
    assert violations(page) == []
    screenshot(page, f"states-{theme}", full_page=True)


def test_axe_finds_nothing_in_jupyterlab_light_and_dark(notebook: Callable[..., Notebook]) -> None:
    book = notebook(cells=(PLACE,))
    put_scenes_into_the_output(book)
    open_golden(book.page)
    for theme in THEMES:
        book.theme(theme)
        let_panels_close(book.page)
        assert violations(book.page) == []
        book.shot(f"lab-states-{theme}")


PLACE = "from IPython.display import HTML\nHTML('<main></main>')"


def put_scenes_into_the_output(book: Notebook, scene: str = "") -> None:
    """Put every state into the output of the notebook's first cell."""
    book.run(0)
    book.wait_idle()
    prepare(book.page)
    book.page.evaluate("(scene) => stage.openScenes(pleasant.main(), scene)", scene)


def test_tab_reaches_every_control_and_shows_where_it_is(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")  # what moves costs CPU at each of the steps
    open_preview(page)
    let_panels_close(page)
    wanted = page.evaluate("() => pleasant.stops().length")
    assert wanted > 60
    assert page.evaluate("() => pleasant.mouseOnly()") == []
    # Controls come and go with time (no question is offered while the kernel is silent). One that
    # goes away while it has the focus leaves it to the page, and Tab goes on from there; one that
    # comes behind the focus is reached in the next round.
    missed = ["all"]
    for _ in range(3 * wanted):
        page.keyboard.press("Tab")
        missed = page.evaluate("() => pleasant.missed()")
        if not missed:
            break
    assert missed == []


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
    page.keyboard.press("End")
    log.evaluate("(log) => pleasant.atItsEnd(log)")
    before = log.evaluate("(log) => log.scrollTop")
    page.keyboard.press("PageUp")
    page.wait_for_function(
        "(before) => document.querySelector('.nb-log').scrollTop < before", arg=before
    )


def test_keys_typed_in_a_view_are_not_commands_to_the_notebook(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook(cells=(PLACE, "2"))
    put_scenes_into_the_output(book, "A tool failed")
    row = book.page.get_by_role("button", name=re.compile("^fetch_rates"))
    row.focus()
    for key in ("d", "d", "x", "b", "a", "m", "0", "0", "Escape", "j"):
        book.page.keyboard.press(key)
    expect(row).to_be_focused()
    cells = (
        "() => window.jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model.type)"
    )
    assert book.page.evaluate(cells) == ["code", "code"]
    book.page.keyboard.press("Enter")
    expect(row).to_have_attribute("aria-expanded", "false")
    # A combination with Ctrl is one.
    modified = "() => window.jupyterapp.shell.currentWidget.content.model.dirty"
    assert book.page.evaluate(modified)
    book.page.keyboard.press("Control+s")
    book.page.wait_for_function(modified.replace("=> ", "=> !"))


def test_what_scrolls_stays_reachable_when_the_notebook_hides_its_cell_for_a_moment(
    page: Page,
) -> None:
    open_preview(page, "More than fits")
    looks = 0
    while looks == 0:  # as long as it is being drawn, a look is due already
        page.wait_for_timeout(AT_REST_MS)
        looks = page.evaluate("() => pleasant.hideWhileItLooks()")
    page.wait_for_timeout(AT_REST_MS)
    assert page.evaluate("() => pleasant.mouseOnly()") == []


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_nothing_moves_for_those_who_ask_for_stillness(page: Page, motion: Any) -> None:
    page.emulate_media(reduced_motion=motion)
    open_preview(page)
    page.get_by_role("button", name=re.compile("^fetch_rates")).click()
    moving = page.evaluate(
        "() => document.getAnimations().filter((one) => one.playState === 'running').length"
    )
    assert (moving == 0) == (motion == "reduce")


def test_state_changes_are_announced_and_words_are_not(page: Page) -> None:
    open_preview(page, "none")
    page.evaluate("() => pleasant.open()")
    live_region = page.locator("body > [aria-live=polite][role=status] > :last-child")

    def play(*op: Any) -> str:
        page.evaluate("(op) => view.ops(op)", op)
        page.evaluate("() => pleasant.frame()")
        return live_region.inner_text()

    play("open", "run", None, {"kind": "run", "status": "running"})
    tool = {"kind": "tool", "name": "search", "state": "input-streaming", "args_text": ""}
    assert play("open", "t", "run", tool) == "Tool search started"
    assert play("append", "t", "args_text", '{"q": 1') == "Tool search started"
    assert (
        play("set", "t", {"state": "output-error", "error": {"message": "no"}})
        == "Tool search failed"
    )
    play("open", "a", "run", {"kind": "text", "text": ""})
    assert (
        play("append", "a", "text", "Words that nobody wants to hear one by one.")
        == "Tool search failed"
    )
    assert (
        play("open", "q", "run", {"kind": "approval", "prompt": "Go on?"})
        == "Your approval is needed: Go on?"
    )
    assert play("set", "run", {"status": "completed", "started": 1, "ended": 3}) == "Done in 2.0s"


def test_forced_colours_leave_every_sign_visible(page: Page) -> None:
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    open_preview(page)
    assert page.evaluate("() => pleasant.invisible()") == 0
    screenshot(page, "states-forced-colours", full_page=True)


def test_a_narrow_cell_holds_everything(page: Page) -> None:
    """360 px: a phone, or a window of 720 px at 200 %."""
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": 360, "height": 800})
    open_preview(page)
    let_panels_close(page)
    assert page.evaluate("() => pleasant.tooWide()") == []
    screenshot(page, "states-narrow", full_page=True)


LATE_MS = 30
"""Milliseconds from one frame to the next on a machine that has something else to do."""

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
        yield ToolResult(id=f't{i}', content='line\\n' * 12)
    yield TextStart(id='a')
    yield TextDelta(id='a', delta='Done.')
    yield TextEnd(id='a')
    yield RunEnd(status='completed')
"""  # noqa: E501


def test_what_is_below_a_run_moves_only_while_the_run_grows(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook(cells=(EVENTFUL, "run = nbagent.show(eventful())", "'below'"))
    book.run(0)
    book.wait_idle()
    prepare(book.page)
    book.cell(1)  # scrolled into view, with what will be below it
    book.page.evaluate("() => pleasant.watchCells()")
    book.run(1)
    status = book.page.locator(".nbagent .nb-status", has_text="Done in")
    expect(status).to_be_attached()
    # It opens to its full height, without blank space, and the page is at rest.
    book.page.wait_for_function("() => new Set(pleasant.heights()).size === 1")
    let_panels_close(book.page)
    seen = book.page.evaluate("() => pleasant.seenCells()")
    assert len(seen) > 20
    pairs = list(pairwise(seen))
    grown = [(before, after) for before, after in pairs if not after["over"]]
    assert [pair for pair in grown if pair[1]["height"] < pair[0]["height"] - 1] == []
    assert [pair for pair in grown if pair[1]["top"] < pair[0]["top"] - 1] == []
    moved = [
        after["top"] - before["top"] - (after["bottom"] - before["bottom"])
        for before, after in pairs
    ]
    assert [pixels for pixels in moved if abs(pixels) > 1] == []
    # a frame is noted before it is scrolled to its end
    over = [frame for frame in seen if frame["over"]][1:]
    assert max(frame["answer"] for frame in over) - min(frame["answer"] for frame in over) <= 2
    # What is folded leaves no blank space; it goes away softly. A frame that came late shows
    # several steps at once.
    in_time = [
        (before, after)
        for before, after in pairwise(over)
        if after["time"] - before["time"] < LATE_MS
    ]
    assert [after for before, after in in_time if before["height"] - after["height"] >= 100] == []
    assert book.page.evaluate("() => pleasant.errors") == []
    thought = book.widget(1).get_by_role("button", name=re.compile("^Thought"))
    expect(thought).to_have_attribute("aria-expanded", "false")


LINES = "\n\n".join(f"line {number}" for number in range(60))


def test_a_short_run_ends_folded_and_without_blank_space(page: Page) -> None:
    open_preview(page, "none")
    thought = [
        ["open", "r", "run", {"kind": "reasoning", "text": ""}],
        ["append", "r", "text", "thought\n\n" * 4],
    ]
    call = [
        "open",
        "t",
        "run",
        {"kind": "tool", "name": "load", "state": "input-available", "args": {"year": 2025}},
    ]
    page.evaluate("(ops) => pleasant.open(...ops)", [*thought, call])
    page.evaluate("() => pleasant.frame()")
    result = {"state": "output-available", "result": {"text/plain": "line\n" * 5}}
    page.evaluate(
        "(result) => view.ops(['close', 'r'], ['set', 't', result], ['close', 't'])", result
    )
    page.evaluate(
        "() => view.ops(['open', 'a', 'run', { kind: 'text', text: 'Two words.' }], ['close', 'a'])"
    )
    page.evaluate("() => pleasant.frame()")
    page.evaluate("() => view.ops(['set', 'run', { status: 'completed' }], ['close', 'run'])")
    expect(page.locator(".nb-row-button[aria-expanded=true]")).to_have_count(0)
    page.wait_for_function("() => new Set(pleasant.heights()).size === 1")


def test_a_long_run_that_has_ended_shows_all_on_demand(page: Page) -> None:
    open_preview(page, "none")
    answer = [
        ["open", "a", "run", {"kind": "text", "text": ""}],
        ["append", "a", "text", LINES],
        ["close", "a"],
    ]
    page.evaluate(
        "(ops) => pleasant.open(...ops)", [*answer, ["set", "run", {"status": "completed"}]]
    )
    page.get_by_role("button", name="Show all").click()
    assert len(set(page.evaluate("() => pleasant.heights()"))) == 1
    expect(page.get_by_role("button", name="Show all")).to_have_count(0)


def plot(id_: str) -> list[list[Any]]:
    """Return the ops of a call whose result is a picture as high as one gets."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="480"><rect width="640" '
        'height="480" fill="#8af"/></svg>'
    )
    call = {
        "kind": "tool",
        "name": "plot",
        "state": "output-available",
        "open": True,
        "result": {"image/svg+xml": svg},
    }
    return [["open", id_, "run", call], ["close", id_]]


def test_a_run_is_not_long_because_of_its_pictures(page: Page) -> None:
    open_preview(page, "none")
    calls = [*plot("x"), *plot("y"), *plot("z")]
    page.evaluate(
        "(ops) => pleasant.open(...ops)", [*calls, ["set", "run", {"status": "completed"}]]
    )
    expect(page.locator(".nb-log.nb-whole .nb-picture")).to_have_count(3)
    assert page.evaluate("() => pleasant.heights()")[0] > 1440


def test_a_picture_at_the_end_of_a_long_run_is_seen_whole(page: Page) -> None:
    open_preview(page, "none")
    texts = [
        ["open", id_, "run", {"kind": "text", "text": text}]
        for id_, text in (("a", LINES), ("b", "There it is."))
    ]
    page.evaluate("(ops) => pleasant.open(...ops)", [texts[0], *plot("x"), texts[1]])
    expect(page.locator(".nb-picture")).to_be_visible()
    page.evaluate("() => view.ops(['set', 'run', { status: 'completed' }], ['close', 'run'])")
    expect(page.get_by_role("button", name="Show all")).to_be_visible()
    page.wait_for_function(
        """() => {
          const [picture, log] = [".nb-picture", ".nb-log"].map((at) => document.querySelector(at).getBoundingClientRect());
          return picture.height === 480 && picture.top >= log.top && picture.bottom <= log.bottom;
        }"""  # noqa: E501
    )


def test_a_large_argument_is_seen_to_its_end_above_allow(page: Page) -> None:
    open_preview(page, "none")
    args = {"body": "A line that is long enough to be broken in a cell.\n" * 2000 + "rm -rf /"}
    ask = {
        "kind": "approval",
        "approval_kind": "tool",
        "tool_id": "t",
        "answerable": True,
        "args": args,
    }
    call = {"kind": "tool", "name": "send", "state": "approval-requested", "args": args}
    page.evaluate(
        "(ops) => pleasant.open(...ops)", [["open", "t", "run", call], ["open", "a", "t", ask]]
    )
    field, allow = page.get_by_label("body", exact=True), page.get_by_role("button", name="Allow")
    expect(field).to_have_value(args["body"])
    for width in (1200, 500):
        page.set_viewport_size({"width": width, "height": 900})
        hidden = field.evaluate(
            "(node) => [node.scrollHeight - node.clientHeight, node.scrollWidth - node.clientWidth]"
        )
        assert max(hidden) <= 1
        end = field.evaluate("(node) => node.getBoundingClientRect().bottom")
        assert 0 < allow.evaluate("(node) => node.getBoundingClientRect().top") - end < 100


def test_the_height_that_a_reader_drags_stays(page: Page) -> None:
    open_preview(page, "none")
    page.evaluate(
        "(lines) => pleasant.open(['open', 'a', 'run', { kind: 'text', text: lines }])", LINES
    )
    log = page.locator(".nb-log")
    before = log.evaluate("(node) => node.offsetHeight")
    box = log.bounding_box()
    assert box is not None
    corner = (box["x"] + box["width"] - 5, box["y"] + box["height"] - 5)
    page.mouse.move(*corner)
    page.mouse.down()
    page.mouse.move(corner[0], corner[1] + 150, steps=3)
    page.mouse.up()
    assert log.evaluate("(node) => node.offsetHeight") == before + 150
    page.evaluate(
        "() => view.ops(['close', 'a'], ['set', 'run', { status: 'completed' }], ['close', 'run'])"
    )
    expect(page.get_by_role("button", name="Show all")).to_be_visible()
    assert log.evaluate("(node) => node.offsetHeight") == before + 150
    page.get_by_role("button", name="Show all").click()
    assert log.evaluate("(node) => node.scrollHeight - node.clientHeight") == 0


def test_a_picture_opens_large_and_gives_the_focus_back(page: Page) -> None:
    open_preview(page, "none")
    page.evaluate("(ops) => pleasant.open(...ops)", plot("x"))
    zoom = page.get_by_role("button", name="Enlarge the picture")
    zoom.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Actual size").click()
    assert dialog.locator("img").evaluate("(node) => node.width") == 640
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(zoom).to_be_focused()


@pytest.mark.proof
def test_a_picture_that_is_too_large_to_draw_is_said_to_be_and_the_view_goes_on(
    page: Page,
) -> None:
    open_preview(page, "none")
    for side in (20_000, 60_000):
        picture = base64.b64encode(blank_png(side)).decode()
        call = {"kind": "tool", "name": "plot", "state": "output-available", "open": True}
        call["result"] = {"image/png": picture}
        page.evaluate(
            "(ops) => pleasant.open(...ops)", [["open", "x", "run", call], ["close", "x"]]
        )
    expect(page.locator("img.nb-picture")).to_have_count(1)
    expect(page.get_by_text("This image could not be read.")).to_have_count(1)
    page.evaluate("() => view.ops(['open', 'a', 'run', { kind: 'text', text: 'Go on.' }])")
    expect(page.get_by_text("Go on.")).to_be_visible()


def blank_png(side: int) -> bytes:
    """Return a black picture of so many pixels a side, at one bit each."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
        )

    packer = zlib.compressobj()
    row = bytes(1 + side // 8)
    rows = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    size = side.to_bytes(4, "big")
    head = size + size + bytes([1, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_table_is_copied_and_saved_where_it_stands(page: Page) -> None:
    open_preview(page, "none")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    text = "| name | sum |\n|---|---|\n| north | 1 |\n| =2+2 | 2 |\n"
    page.evaluate(
        "(text) => pleasant.open(['open', 'a', 'run', { kind: 'text', text }], ['close', 'a'])",
        text,
    )
    page.locator(".nb-table").hover()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert Path(download.value.path()).read_bytes() == b"name,sum\r\nnorth,1\r\n'=2+2,2"
    assert violations(page) == []


def test_a_table_is_not_cut_within_a_row(page: Page) -> None:
    open_preview(page, "none")
    rows = "".join(
        f"<tr><th>{number}</th><td>north{'<br>south' * (number % 3)}</td></tr>"
        for number in range(40)
    )
    result = {
        "text/html": f"<table><thead><tr><th></th><th>region</th></tr></thead><tbody>{rows}</tbody></table>"  # noqa: E501
    }
    call = {
        "kind": "tool",
        "name": "load",
        "state": "output-available",
        "open": True,
        "result": result,
    }
    page.evaluate("(call) => pleasant.open(['open', 't', 'run', call], ['close', 't'])", call)
    table = page.locator(".nb-html")
    expect(table).to_be_visible()
    ends = table.evaluate("""(box) => {
        const end = box.getBoundingClientRect().top + box.clientHeight;
        return [...box.querySelectorAll("tr")].map((row) => Math.abs(row.getBoundingClientRect().bottom - end));
    }""")  # noqa: E501
    assert min(ends) <= 1
    assert len(ends) == 41


def test_the_names_of_thirty_lanes_leave_the_status_in_sight(page: Page) -> None:
    open_preview(page, "none")
    run = {
        "kind": "run",
        "lanes": 30,
        "name": ", ".join(f"stream {number}" for number in range(30)),
        "status": "running",
    }
    page.evaluate("(run) => pleasant.open(['open', 'run', null, run])", run)
    count, status = page.locator(".nb-lane-count"), page.locator(".nb-status")
    expect(count).to_have_text("0 / 30")
    page.evaluate(
        "() => view.ops(['set', 'run', { status: 'incomplete', code: 'lanes_failed', started: 1, "
        "ended: 3 }])"
    )
    expect(status).to_have_text("Incomplete")
    for shown in (count, status):
        assert shown.evaluate("(node) => node.scrollWidth - node.clientWidth") == 0
    assert page.evaluate("() => pleasant.tooWide()") == []


LATE = """
import asyncio, nbagent

async def late():
    yield 'First.'
    await asyncio.sleep(5)
    for i in range(20):
        yield f'\\n\\nParagraph {i}'
        await asyncio.sleep(0.05)
"""


def test_a_run_above_does_not_move_what_the_reader_reads(notebook: Callable[..., Notebook]) -> None:
    lines = "print('\\n'.join(f'line {i}' for i in range(80)))"
    book = notebook(cells=(LATE, "run = nbagent.show(late())", lines))
    for index in (0, 2):
        book.run(index)
        book.wait_idle()
    prepare(book.page)
    book.run(1)
    expect(book.widget(1)).to_contain_text("First.")
    book.page.mouse.move(640, 500)
    for _ in range(30):  # by the wheel, until the run is above what is seen
        book.page.mouse.wheel(0, 150)
        book.page.wait_for_timeout(30)
        if (book.page.evaluate("() => pleasant.outputTop()") or 1) < -50:
            break
    book.page.wait_for_timeout(200)
    before = book.page.evaluate("() => pleasant.runHeight()")
    tops = book.page.evaluate("() => pleasant.outputTops()")
    assert book.page.evaluate("() => pleasant.runHeight()") > before + 200
    assert tops[0] < 0
    assert max(tops) - min(tops) <= 1


def test_the_readers_place_in_a_run_stays(page: Page) -> None:
    open_preview(page, "none")
    thought = [
        ["open", "r", "run", {"kind": "reasoning", "text": ""}],
        ["append", "r", "text", "thought\n\n" * 20],
    ]
    answer = [["open", "a", "run", {"kind": "text", "text": ""}], ["append", "a", "text", LINES]]
    page.evaluate("(ops) => pleasant.open(...ops)", [*thought, *answer])
    line = page.get_by_text("line 30", exact=True)
    expect(line).to_be_attached()
    page.get_by_role("log").hover()
    page.mouse.wheel(0, -600)
    expect(page.get_by_role("button", name="Latest")).to_be_visible()
    page.wait_for_timeout(200)
    where = (
        "(node) => node.getBoundingClientRect().top - "
        "node.closest('.nbagent').getBoundingClientRect().top"
    )
    before = line.evaluate(where)
    # The run ends, and its panels above the reader close.
    page.evaluate(
        "() => view.ops(['close', 'r'], ['close', 'a'], ['set', 'run', { status: 'completed' }])"
    )
    let_panels_close(page)
    assert abs(line.evaluate(where) - before) <= 1
    # A notebook takes cells that are out of view out of the page, and puts them back.
    page.evaluate("() => pleasant.leaveAndComeBack()")
    assert abs(line.evaluate(where) - before) <= 1


BLOCKS = 10_000
MOST_NODES = 20_000
"""The cap: DOM nodes, however long the transcript is."""


@pytest.mark.proof
def test_thousands_of_blocks_arrive_and_scroll(page: Page) -> None:
    open_preview(page, "none")
    page.evaluate("() => pleasant.watchTasks()")
    page.evaluate("(count) => pleasant.streamBlocks(count)", BLOCKS)
    expect(page.get_by_text(f"Paragraph {BLOCKS - 1}")).to_be_visible()
    arriving = page.evaluate("() => pleasant.tasks.splice(0)")
    let_panels_close(page)
    # What is far from the reader goes in slices. Elements are counted, as to measure the memory
    # takes the page longer than a slice.
    page.wait_for_function(
        "(most) => document.querySelectorAll('*').length < most",
        arg=MOST_NODES // 2,
        timeout=600_000,
    )
    held = memory(page)
    assert held["nodes"] < MOST_NODES
    log = page.get_by_role("log")
    log.hover()
    page.evaluate("() => { pleasant.tasks.length = 0; pleasant.gaps.length = 0 }")
    for _ in range(120):
        page.mouse.wheel(0, -300)
        page.wait_for_timeout(16)
    gaps, scrolling = page.evaluate(
        "() => [pleasant.gaps.toSorted((a, b) => a - b), pleasant.tasks]"
    )
    for place in (0.5, 0.0, 0.9):  # however far the reader jumps, there is something to read
        log.evaluate("(log, place) => log.scrollTo(0, log.scrollHeight * place)", place)
        page.wait_for_function("() => pleasant.showsBlocks()")
    assert memory(page)["nodes"] < MOST_NODES
    figure(
        "pleasant",
        f"{BLOCKS:,} blocks: heap, MB; nodes",
        f"{held['bytes'] / 1e6:.1f}; {held['nodes']:,}",
    )
    figure("pleasant", f"{BLOCKS:,} blocks: tasks over 50 ms while they arrive", arriving)
    figure("pleasant", f"{BLOCKS:,} blocks: tasks over 50 ms while scrolling", scrolling)
    figure(
        "pleasant",
        f"{BLOCKS:,} blocks: 95 % of frame gaps below, ms",
        round(gaps[int(len(gaps) * 0.95)]),
    )


UNIT = (
    "The **quick** fox, `jumps` over the lazy dog, and [so on](https://example.org) it goes. " * 4
)
UNIT += "\n\n- one item\n- two items\n\n"
SHAPES: dict[str, dict[str, Any]] = {
    "one answer": {"kind": "text", "unit": UNIT},
    "one thought": {"kind": "reasoning", "unit": UNIT},
    "200 answers": {"kind": "text", "blocks": 200, "unit": UNIT},
    "one list": {"kind": "text", "unit": "- an item with *some* words in it, and a few more\n"},
    "one line": {"kind": "text", "unit": "words without an end "},
    "one code block": {
        "kind": "text",
        "before": "```python\n",
        "unit": "print('a line of code')\n",
        "after": "```",
    },
}
CHARACTERS = 4_000_000
MOST_BYTES = 40_000_000
"""The cap: bytes of JavaScript heap that a transcript of 4 MB may hold."""


@pytest.mark.proof
@pytest.mark.parametrize("shape", SHAPES)
def test_a_million_deltas_stay_within_the_cap(page: Page, shape: str) -> None:
    open_preview(page, "none")
    page.evaluate("() => pleasant.watchTasks()")
    text = {"blocks": 1, "characters": CHARACTERS, **SHAPES[shape]}
    first, last = page.evaluate("(text) => pleasant.streamText(text)", text)
    longest = page.evaluate("() => Math.max(0, ...pleasant.tasks)")
    log = page.get_by_role("log")
    if shape != "one thought":  # which closes
        expect(page.get_by_text("LAST", exact=True).last).to_be_visible(timeout=60_000)
        let_panels_close(page)
        log.evaluate("(log) => log.scrollTo(0, 0)")  # nothing is lost at the other end
        expect(page.get_by_text("FIRST", exact=True).first).to_be_visible()
    let_panels_close(page)
    held = memory(page)
    assert held["nodes"] < MOST_NODES
    assert held["bytes"] < MOST_BYTES
    label = f"{CHARACTERS // 1000:,} KB as {shape}"
    figure("pleasant", f"{label}: heap, MB; nodes", f"{held['bytes'] / 1e6:.1f}; {held['nodes']:,}")
    figure("pleasant", f"{label}: ms a flush, first and last quarter", f"{first:.1f}, {last:.1f}")
    figure("pleasant", f"{label}: longest task over 50 ms", longest)


def test_long_code_that_is_selected_is_copied_as_it_is(page: Page) -> None:
    open_preview(page, "none")
    # open, so not coloured
    lines = {
        **SHAPES["one code block"],
        "unit": "if x:\n    y = 1\n\n\n",
        "after": "",
    }
    page.evaluate(
        "(text) => pleasant.streamText(text)", {"blocks": 1, "characters": 20_000, **lines}
    )
    code = page.locator(".nb-code code", has_text="LAST")
    copied, whole, boxes = code.evaluate("""(code) => {
        getSelection().selectAllChildren(code);
        return [getSelection().toString(), code.textContent, code.children.length];
    }""")
    assert boxes > 2
    assert copied == whole


def test_a_closed_view_leaves_nothing_behind(page: Page) -> None:
    open_preview(page, "none")
    # what is made once, such as the parser, is there
    page.evaluate("() => pleasant.openAndClose(5)")
    let_panels_close(page)
    before = memory(page)
    assert page.evaluate("() => pleasant.openAndClose(100)") == 0
    let_panels_close(page)
    after = memory(page)
    more = {what: after[what] - before[what] for what in after}
    assert more["nodes"] < 100
    assert more["listeners"] < 10
    assert more["bytes"] < 1_000_000
    figure(
        "pleasant", "100 views opened and closed: bytes, nodes, listeners more", list(more.values())
    )
