"""The slider of the inspector in JupyterLab, over a real kernel: the run as it was at any event."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from browser.lab import SHOTS, Notebook
from browser.views import prepare, violations
from campaign import WHOLE, figure
from playwright.sync_api import Locator, expect

RUNS = Path(__file__).with_name("inspected.py").read_text()
EVENTS = 10_000


def show(notebook: Callable[..., Notebook], cell: str) -> tuple[Notebook, Locator]:
    """Return a notebook whose second cell has shown a run, with its inspector open."""
    book = notebook(cells=(RUNS, cell))
    for number in (0, 1):
        book.run(number)
        book.wait_idle()
    prepare(book.page)
    view = book.widget(1)
    view.get_by_role("button", name="Inspect").click()
    return book, view


def picture(view: Locator, name: str) -> None:
    """Save a screenshot of the view, for review by eye."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    view.screenshot(path=SHOTS / f"{name}.png")


def test_the_slider_shows_the_run_as_it_was_at_any_event(notebook: Callable[..., Notebook]) -> None:
    book, view = show(notebook, "run = show_analysis()")
    press = book.page.keyboard.press
    time = view.get_by_role("slider", name="The run as it was")
    past = view.get_by_role("region", name="What the agent had done")
    expect(time).to_have_attribute("aria-valuetext", "now, 63 events")
    time.focus()
    press("PageDown")
    expect(time).to_have_attribute("aria-valuetext", "event 44 of 63, 5.9s, tool.args")
    expect(past).to_contain_text("fetch_rates")
    expect(past).not_to_contain_text("refused")
    press("ArrowRight")
    expect(time).to_have_attribute("aria-valuetext", "event 45 of 63, 8.3s, tool.result")
    expect(past).to_contain_text("refused")
    expect(past).not_to_contain_text("Revenue")
    for theme in ("light", "dark"):
        book.theme(theme)
        assert violations(book.page) == []
        picture(view, f"past-{theme}")
    view.get_by_role("tab", name="Events").click()
    expect(view.locator(".nb-event-row[aria-current=true]")).to_contain_text("tool.result")
    picture(view, "past-events-dark")
    view.get_by_role("tab", name="Timeline").click()
    expect(view.locator(".nb-moment")).to_be_attached()
    picture(view, "past-timeline-dark")
    view.get_by_role("tab", name="Transcript").click()
    time.focus()
    press("Home")
    expect(time).to_have_attribute("aria-valuetext", "event 1 of 63, <0.1s, run.start")
    expect(past).not_to_contain_text("Thinking")
    press("Escape")
    expect(past).to_have_count(0)
    expect(view.get_by_text("Revenue grew")).to_be_visible()


@pytest.mark.proof
@pytest.mark.parametrize("events", ["long", "busy"])
def test_ten_thousand_events_the_slider_moves_without_a_long_task(notebook: Callable[..., Notebook], events: str) -> None:
    book, view = show(notebook, f"run = nbagent.show({events}({EVENTS}))\nrun.wait();")
    time = view.get_by_role("slider", name="The run as it was")
    expect(time).to_have_attribute("aria-valuetext", re.compile(r"now, 10,\d\d\d events"))
    book.page.evaluate("() => { pleasant.watchTasks() }")
    tasks = {}
    box = time.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    book.page.mouse.move(box["x"] + box["width"] - 9, y)
    book.page.mouse.down()
    for share in (*range(100, 0, -2), *range(0, 100, 3), *(7, 93, 20, 80, 50, 1, 99) * 3):
        book.page.mouse.move(box["x"] + 9 + (box["width"] - 18) * share / 100, y)
        book.page.wait_for_timeout(16)
    book.page.mouse.up()
    tasks["dragging"] = book.page.evaluate("() => pleasant.tasks.splice(0)")
    for key in ("ArrowLeft", "ArrowRight", "PageDown", "PageUp"):
        for _ in range(60):
            book.page.keyboard.press(key)
        tasks[key] = book.page.evaluate("() => pleasant.tasks.splice(0)")
    for page in ("Events", "Timeline"):
        view.get_by_role("tab", name=page).click()
        time.focus()
        book.page.evaluate("() => pleasant.tasks.splice(0)")
        for _ in range(60):
            book.page.keyboard.press("PageDown")
        tasks[page] = book.page.evaluate("() => pleasant.tasks.splice(0)")
    figure("past", f"{EVENTS:,} events, {events}: tasks over 50 ms", str({name: long for name, long in tasks.items() if long}))
    assert not WHOLE or not any(tasks.values())
