"""What a narrow view cuts, and what it leaves whole."""

from collections.abc import Callable

from browser.expectation import expect
from browser.lab import Notebook
from browser.views import open_preview
from playwright.sync_api import Page

LOST_PX = "(node) => node.scrollWidth - node.clientWidth"
"""Pixels of a text that are cut off."""

FAILS = """
import nbagent

async def fails():
    raise ConnectionError("the line went dead")
    yield

run = nbagent.show(fails())
"""


def open_run(page: Page, width: int, *ops: list[object], **run: object) -> None:
    """Draw a run that has ended, and the blocks that `ops` add to it."""
    page.set_viewport_size({"width": width, "height": 800})
    open_preview(page, "none")
    props = {"kind": "run", "status": "completed", "started": 1, "ended": 3, **run}
    page.evaluate("(ops) => pleasant.open(...ops)", [["open", "run", None, props], *ops])


def test_the_name_of_a_call_is_whole_beside_a_long_result(page: Page) -> None:
    call = {
        "kind": "tool",
        "name": "code_interpreter",
        "args": {"code": "x = 1\n" * 40},
        "state": "output-available",
        "summary": "a result of many words " * 8,
    }
    open_run(page, 400, ["open", "t", "run", call], ["close", "t", {}])
    assert page.locator(".nb-tool-name").evaluate(LOST_PX) == 0
    assert page.locator(".nb-summary").evaluate(LOST_PX) > 0


TOPS = """(row) => [...row.querySelectorAll('.nb-icon, .nb-tool-name, .nb-time, code')]
  .map((node) => Math.round(node.getBoundingClientRect().top - row.getBoundingClientRect().top))
"""


def test_an_opened_call_is_whole_between_its_icon_and_its_time(page: Page) -> None:
    call = {
        "kind": "tool",
        "name": "rate_of",
        "args": {"currency": "SEK"},
        "state": "output-available",
        "summary": "a result of many words " * 8,
        "in_row": ["arguments", "result"],
        "started": 1,
        "args_done": 1,
        "ended": 2,
    }
    open_run(page, 400, ["open", "t", "run", call], ["close", "t", {}])
    row = page.get_by_role("button", name="rate_of")
    closed = row.evaluate(TOPS)
    row.click()
    expect(row).to_have_attribute("aria-expanded", "true")
    assert page.locator(".nb-summary").evaluate(LOST_PX) == 0
    opened = row.evaluate(TOPS)
    assert max(abs(a - b) for a, b in zip(closed, opened, strict=True)) < 10
    assert row.evaluate("(row) => row.offsetHeight") > 40
    # The panel has nothing else, so it does not wait for the pointer.
    expect(page.get_by_role("button", name="Events of this")).to_have_css("opacity", "1")


def test_a_long_line_of_a_frame_begins_beside_its_chevron(page: Page) -> None:
    frame = {"source": "raise ValueError('words')" * 4, "function": "f", "file": "a.py", "line": 1}
    error = {"type": "ValueError", "message": "no", "frames": [frame]}
    call = {"kind": "tool", "name": "f", "state": "output-error", "error": error}
    open_run(page, 400, ["open", "t", "run", call], ["close", "t", {}])
    chevron, code = page.locator(".nb-stack-row").evaluate(TOPS)
    assert code <= chevron


def test_nothing_stands_between_a_short_name_and_what_follows_it(page: Page) -> None:
    open_run(page, 400, name="ask", model="demo")
    title = page.locator(".nb-title")
    text = title.evaluate(
        "({ firstChild }) => { const range = new Range(); range.selectNode(firstChild); "
        "return range.getBoundingClientRect().width; }"
    )
    assert title.evaluate("(node) => node.getBoundingClientRect().width") - text < 1


def test_an_error_is_not_broken_within_a_word(notebook: Callable[..., Notebook]) -> None:
    book = notebook(cells=(FAILS,))
    book.run(0)
    message = book.widget(0).locator(".nb-failure .nb-pre")
    expect(message).to_be_visible()
    assert message.evaluate("(node) => getComputedStyle(node).wordBreak") == "normal"
