"""The pages of the inspector over a run of 3,000 calls and 100,000 events."""

from collections.abc import Callable

import pytest
from browser.expectation import expect
from browser.lab import Notebook
from browser.test_inspector import picture, show
from browser.test_past import tasks
from campaign import WHOLE, figure


@pytest.mark.proof
def test_no_page_of_a_run_of_100_000_events_has_a_long_task(
    notebook: Callable[..., Notebook],
) -> None:
    book, view = show(notebook, "run = nbagent.show(many_calls(3_000, 27))\nrun.wait();")
    longest = {}

    def timed(name: str, do: Callable[[], object]) -> None:
        with tasks(book) as found:
            do()
            book.page.wait_for_timeout(500)
        longest[name] = found[0]

    def to_timeline() -> None:
        view.get_by_role("tab", name="Timeline").click()
        expect(view.locator(".nb-timeline-summary")).to_contain_text("3,000 steps")
        expect(view.locator(".nb-bar-row").first).to_contain_text("step 1")

    def scroll() -> None:
        view.locator(".nb-timeline").hover()
        for _ in range(40):
            book.page.mouse.wheel(0, 8_000)
            book.page.wait_for_timeout(16)

    timed("open", lambda: view.get_by_role("button", name="Inspect").click())
    timed("events", lambda: view.get_by_role("tab", name="Events").click())
    timed("timeline", to_timeline)
    timed("timeline, scrolled", scroll)
    expect(view.locator(".nb-bar-row").last).to_contain_text("text")
    assert view.locator(".nb-bar-row").count() < 100
    picture(view, "timeline-3000-calls")
    timed("requests", lambda: view.get_by_role("tab", name="Requests").click())
    timed("transcript", lambda: view.get_by_role("tab", name="Transcript").click())
    figure(
        "inspector", "102,000 events: longest task of each page, ms of the processor", str(longest)
    )
    assert not WHOLE or max(longest.values()) <= 50
