"""The inspector in JupyterLab, over a real kernel: the events of a run, its timeline, and its
copies.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from browser.expectation import expect
from browser.lab import SIZE, THEMES, Notebook, screenshot
from browser.views import prepare, violations
from campaign import figure
from playwright.sync_api import Locator

RUNS = Path(__file__).with_name("inspected.py").read_text()
EVENTS = 10_000
LIVE = """
import asyncio
more = asyncio.Event()
async def live():
    yield e.TextDelta(id="t1", delta="first")
    await more.wait()
    for number in range(500):
        yield e.TextDelta(id="t1", delta=f" word {number}")
run = nbagent.show(live())
"""


def show(notebook: Callable[..., Notebook], cell: str) -> tuple[Notebook, Locator]:
    """Return a notebook whose second cell has shown a run."""
    book = notebook(cells=(RUNS, cell))
    for number in (0, 1):
        book.run(number)
        book.wait_idle()
    prepare(book.page)
    view = book.widget(1)
    expect(view.get_by_role("button", name="Inspect")).to_be_visible()
    return book, view


HEIGHT_PX = "(node) => node.offsetHeight"
ROOM_PX = """figures => figures.map((text) => {
  const time = text.closest('.nb-bar-row').querySelector('.nb-time');
  return time.getBoundingClientRect().left - text.getBoundingClientRect().right;
})"""
"""Pixels between figures of the timeline and the time of their row."""


def picture(view: Locator, name: str) -> None:
    """Save a screenshot of the view, for review by eye."""
    screenshot(view, name)


def test_the_events_and_the_timeline_of_a_run(notebook: Callable[..., Notebook]) -> None:
    book, view = show(notebook, "run = show_analysis()")
    inspect = view.get_by_role("button", name="Inspect")
    inspect.focus()
    book.page.keyboard.press("Enter")
    view.get_by_role("tab", name="Transcript").focus()
    book.page.keyboard.press("ArrowRight")
    expect(view.get_by_role("tab", name="Events")).to_be_focused()
    expect(view.get_by_text("63 events")).to_be_visible()
    picture(view, "inspector-events-folded")
    view.get_by_label("Type", exact=True).select_option("tool.*")
    expect(view.get_by_text("13 of 63 events")).to_be_visible()
    view.get_by_label("Search the events").fill("refused")
    expect(view.get_by_text("1 of 63 events")).to_be_visible()
    view.get_by_role("listbox").focus()
    book.page.keyboard.press("ArrowDown")
    expect(view.get_by_role("region", name="Event")).to_contain_text("ConnectionError")
    for theme in THEMES:
        book.theme(theme)
        assert violations(book.page) == []
        picture(view, f"inspector-events-{theme}")
    view.get_by_role("tab", name="Timeline").click()
    expect(view.get_by_text("2 gaps of more than 1s")).to_be_visible()
    for theme in ("dark", "light"):
        book.theme(theme)
        assert violations(book.page) == []
        picture(view, f"inspector-timeline-{theme}")
    book.page.set_viewport_size({"width": 600, "height": 900})
    bar = view.locator(".nb-times")
    slider = bar.locator("input")
    assert bar.evaluate(HEIGHT_PX) < 2 * slider.evaluate(HEIGHT_PX)  # one line
    book.page.set_viewport_size({"width": 480, "height": 900})
    assert min(view.locator(".nb-figures-text").evaluate_all(ROOM_PX)) > -1
    picture(view, "inspector-timeline-480")
    book.page.set_viewport_size(SIZE)
    view.get_by_role("button", name="fetch_rates").click()
    expect(view.get_by_text("3 of 63 events")).to_be_visible()
    inspect.click()
    expect(view.get_by_text("Revenue grew")).to_be_visible()
    picture(view, "inspector-closed")
    view.get_by_text("Revenue grew").hover()
    view.get_by_role("button", name="Events of this").last.click()
    expect(view.get_by_text("16 of 63 events")).to_be_visible()
    book.page.set_viewport_size({"width": 420, "height": 900})
    assert book.page.evaluate("() => pleasant.tooWide()") == []
    picture(view, "inspector-narrow")


def test_a_run_is_copied_as_markdown_json_and_python(notebook: Callable[..., Notebook]) -> None:
    book, view = show(
        notebook, "run = show_analysis(hide={'*': ('args', 'result')}, reveal='tools')"
    )
    picture(view, "hidden-light")
    book.theme("dark")
    picture(view, "hidden-dark")
    book.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    view.get_by_role("button", name="Inspect").click()
    for form, expression in (
        ("Markdown", "run.to_markdown()"),
        ("JSON", "__import__('json').dumps(run.snapshot(), ensure_ascii=False, indent=2)"),
        ("Python", "run.page('copy/python', 0, 60_000)[0]"),
    ):
        view.get_by_role("button", name=form).click()
        expect(view.get_by_role("button", name=form)).to_be_hidden()  # it says "Copied" now
        copied = book.page.evaluate("() => navigator.clipboard.readText()")
        assert copied == book.python(f"print({expression}, end='')")
        assert "question asks" not in copied  # the thought, which is hidden


@pytest.mark.proof
def test_ten_thousand_events_scroll_and_are_searched_while_few_are_in_the_page(
    notebook: Callable[..., Notebook],
) -> None:
    book, view = show(notebook, f"run = nbagent.show(long({EVENTS}))\nrun.wait();")
    view.get_by_role("button", name="Inspect").click()
    view.get_by_role("tab", name="Events").click()
    view.get_by_label("Type", exact=True).select_option("All types, each delta")
    expect(view.get_by_text("10,004 events")).to_be_visible()
    book.page.evaluate("() => { pleasant.watchTasks() }")
    rows = view.get_by_role("listbox")
    rows.hover()
    for _ in range(60):
        book.page.mouse.wheel(0, 2000)
        book.page.wait_for_timeout(16)
    scrolling = book.page.evaluate("() => pleasant.tasks.splice(0)")
    rows.focus()
    book.page.keyboard.press("End")
    expect(rows).to_contain_text("run.end")
    assert view.locator(".nb-event-row").count() < 100
    view.get_by_label("Search the events").press_sequentially("needle", delay=30)
    expect(view.get_by_text("100 of 10,004 events")).to_be_visible()
    searching = book.page.evaluate("() => pleasant.tasks.splice(0)")
    figure(
        "inspector",
        f"{EVENTS:,} events: tasks over 50 ms while scrolling; searching",
        f"{scrolling}; {searching}",
    )


@pytest.mark.proof
def test_events_of_a_live_run_appear_as_they_come(notebook: Callable[..., Notebook]) -> None:
    book, view = show(notebook, LIVE)
    view.get_by_role("button", name="Inspect").click()
    view.get_by_role("tab", name="Events").click()
    expect(view.get_by_text("3 events", exact=True)).to_be_visible()
    book.python("more.set()")
    expect(view.get_by_text("505 events")).to_be_visible()
    view.get_by_role("listbox").focus()
    book.page.keyboard.press("End")
    expect(view.get_by_role("listbox")).to_contain_text("run.end")
