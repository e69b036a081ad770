"""The table of a map: its rows stream, one is opened, and failed ones are run again."""

from collections.abc import Callable

import pytest
from browser.expectation import expect
from browser.lab import THEMES, Notebook
from browser.views import prepare, violations
from playwright.sync_api import Locator

MAP = """
import asyncio, nbagent
broken = {"question 3"}
async def answer(question):
    for word in f"An answer to {question}: it has some words, and is written slowly.".split():
        yield word + " "
        await asyncio.sleep(0.05)
    if question in broken:
        raise ValueError("no answer is known")
runs = nbagent.map(
    answer,
    [f"question {number}" for number in range(40)],
    check=lambda question, run: len(run.text) > 70,
    concurrency=4,
)
"""


def rows(widget: Locator) -> Locator:
    """Return the rows that are in the page."""
    return widget.locator(".nb-map-row")


def test_the_rows_of_a_map_stream_and_a_failed_one_is_opened_and_run_again(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook("many.ipynb", (MAP,))
    book.run(0)
    table = book.widget(0)
    expect(rows(table).first).to_contain_text("question 0")
    expect(rows(table).first).to_contain_text("done")
    book.shot("many-running")
    rows(table).nth(3).click()
    expect(table.locator(".nb-map-card .nb-frame")).to_be_visible()
    book.shot("many-open")
    expect(table.locator(".nb-map-summary")).to_contain_text("40 / 40 · 1 failed", timeout=60_000)
    book.shot("many-ended")
    table.get_by_label("Rows", exact=True).first.select_option("failed")
    expect(rows(table)).to_have_count(1)
    book.shot("many-failed")
    book.python("broken.clear()")
    table.get_by_role("button", name="Retry 1 failed").click()
    expect(table.locator(".nb-map-summary")).to_contain_text("40 / 40 ·")
    # The row that is open stays until it is closed, although it did not fail again.
    expect(rows(table).first).to_contain_text("done")
    rows(table).first.click()
    expect(rows(table)).to_have_count(0)


@pytest.mark.proof
def test_the_table_is_moved_in_by_keys_sorted_and_searched(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook("many-keys.ipynb", (MAP,))
    book.run(0)
    table = book.widget(0)
    prepare(book.page)
    expect(table.locator(".nb-map-summary")).to_contain_text("40 / 40", timeout=60_000)
    grid = table.get_by_role("treegrid", name="Rows")

    # The keys: to the last row, which opens, and closes.
    grid.focus()
    book.page.keyboard.press("End")
    expect(table.locator(".nb-map-active")).to_contain_text("question 39")
    book.page.keyboard.press("Enter")
    expect(table.locator(".nb-map-card .nb-frame")).to_contain_text("question 39")
    for theme in THEMES:
        book.theme(theme)
        assert violations(book.page) == []
        book.shot(f"many-keys-{theme}")
    book.page.set_viewport_size({"width": 600, "height": 1000})
    assert book.page.evaluate("() => pleasant.tooWide()") == []
    book.shot("many-narrow")
    book.page.set_viewport_size({"width": 1280, "height": 1000})
    grid.focus()
    book.page.keyboard.press("Escape")
    expect(table.locator(".nb-map-card")).to_have_count(0)
    assert rows(table).count() <= 100

    # The order and the search.
    for _ in range(2):
        table.get_by_role("columnheader", name="Item").get_by_role("button").click()
    expect(rows(table).first).to_contain_text("question 9")
    table.get_by_role("searchbox").fill("question 17")
    expect(rows(table)).to_have_count(1)
    expect(table.get_by_text("1 of 40 rows")).to_be_visible()
