"""The table of a map of ten thousand rows: what it takes in the page, while they run and after."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from browser.expectation import expect
from browser.lab import Notebook
from browser.test_memory import heap_of
from browser.views import prepare
from browser.wire import Wire
from campaign import figure
from playwright.sync_api import Locator

CAMPAIGN = "many rows in a page"
ROWS = 10_000
MOST_DRAWN = 100
"""Rows in the DOM at most."""
MOST_HEAP = 3_000 * ROWS
"""Bytes of JavaScript heap that the table may take."""
PATIENCE_MS = 300_000

SETUP = """
import asyncio
import nbagent

async def answer(number):
    await asyncio.sleep(0)
    yield f"The answer to question {number} is "
    if number % 100 == 7:
        raise ValueError(f"no answer to {number}")
    yield f"**{number * 7919 % 10_000}**, in some words that a model would write."

def check(number, run):
    return number % 3 > 0
"""
FEW = "few = nbagent.map(answer, range(100), check=check)"
MANY = f"runs = nbagent.map(answer, range({ROWS}), check=check)"

COUNT_ROWS = """() => {
    window.mostRows = 0;
    const count = () => {
        mostRows = Math.max(mostRows, document.querySelectorAll(".nb-map-row").length);
    };
    new MutationObserver(count).observe(document.body, { childList: true, subtree: true });
}"""


def longest(book: Notebook) -> int:
    """Return the milliseconds of the longest task since the last call; 0 if none took 50."""
    return int(book.page.evaluate("() => Math.max(0, ...pleasant.tasks.splice(0))"))


def first_row(table: Locator) -> Locator:
    """Return the row that stands at the top."""
    return table.locator(".nb-map-row[aria-rowindex='2']")


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_ten_thousand_rows_run_and_are_read(wire: Wire, notebook: Callable[..., Notebook]) -> None:
    book = notebook("ten-thousand.ipynb", wire=wire, cells=(SETUP, FEW, MANY))
    page = book.page
    for cell in (0, 1):  # with what a page pays once
        book.run(cell)
        book.wait_idle()
    expect(book.widget(1).locator(".nb-map-summary")).to_contain_text("100 / 100")
    heap = heap_of(book)
    prepare(page)
    page.evaluate("() => pleasant.watchTasks()")
    page.evaluate(COUNT_ROWS)
    wire.to_view.clear()

    # While the rows run.
    book.run(2)
    table = book.widget(2)
    summary = table.locator(".nb-map-summary")
    expect(summary).to_contain_text(f"{ROWS:,} / {ROWS:,}", timeout=PATIENCE_MS)
    book.wait_idle()
    figure(CAMPAIGN, "longest task while the rows run, ms", longest(book))
    figure(CAMPAIGN, "most messages in a second", wire.peak())
    figure(CAMPAIGN, "KB to the page", sum(one.size for one in wire.to_view) // 1000)
    book.shot("ten-thousand-rows-ended")

    took: dict[str, int] = {}

    def until(what: str, act: Callable[[], Any], text: str) -> None:
        """Do something, and wait until the first row has a text."""
        began = time.perf_counter()
        act()
        expect(first_row(table)).to_contain_text(text)
        took[what] = round(1000 * (time.perf_counter() - began))

    answer = table.get_by_role("columnheader", name="Answer").get_by_role("button")
    # By what the column shows, which is the error where a row failed.
    until("sorted by the answer", answer.click, "no answer to 1007")
    until("turned around", answer.click, "The answer to question 9999 is")
    answer.click()
    rows = table.get_by_label("Rows", exact=True).and_(page.locator("select"))
    until("failed ones", lambda: rows.select_option("failed"), "no answer to 7")
    expect(table.get_by_text(f"100 of {ROWS:,} rows")).to_be_visible()
    book.shot("ten-thousand-rows-failed")
    until("all again", lambda: rows.select_option(""), "The answer to question 0 is")
    search = table.get_by_label("Search the rows")
    until("searched", lambda: search.fill("question 4321"), "The answer to question 4321 is")
    expect(table.get_by_text(f"1 of {ROWS:,} rows")).to_be_visible()
    book.shot("ten-thousand-rows-searched")
    until("nothing searched", lambda: search.fill(""), "The answer to question 0 is")
    figure(CAMPAIGN, "longest task of a sort, filter or search, ms", longest(book))
    figure(CAMPAIGN, "ms until the first row is there", took)

    # Through all of them.
    page.evaluate("() => { pleasant.gaps.length = 0 }")
    table.locator(".nb-map-rows").hover()
    for _ in range(120):
        page.mouse.wheel(0, 2_400)
        page.wait_for_timeout(16)
    gaps = page.evaluate("() => pleasant.gaps.toSorted((a, b) => a - b)")
    figure(CAMPAIGN, "95 % of frames while scrolling below, ms", round(gaps[len(gaps) * 95 // 100]))
    figure(CAMPAIGN, "longest task while scrolling, ms", longest(book))
    last = table.locator(f".nb-map-row[aria-rowindex='{ROWS + 1}']")
    expect(last).to_contain_text(f"question {ROWS - 1}")
    last.click()
    expect(table.locator(".nb-map-card")).to_contain_text("in some words that a model would write")
    figure(CAMPAIGN, "longest task of opening a row, ms", longest(book))
    book.shot("ten-thousand-rows-open")
    heap = heap_of(book) - heap
    most_drawn = page.evaluate("() => mostRows")
    figure(CAMPAIGN, "most rows in the DOM of two tables", most_drawn)
    figure(CAMPAIGN, "MB more of heap", f"{heap / 1e6:.1f}")
    assert most_drawn <= 2 * MOST_DRAWN
    assert heap < MOST_HEAP
