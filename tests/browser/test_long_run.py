"""The pages of the inspector over a run of 3,000 calls and 100,000 events."""

from collections.abc import Callable

import pytest
from browser.expectation import expect
from browser.lab import Notebook
from browser.test_inspector import picture, show
from browser.test_past import tasks
from campaign import figure

BUSY_MS = 120_000
"""Time that a busy machine may take for what an idle one does in a second."""


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_each_page_of_a_run_of_100_000_events_draws_what_is_in_view(
    notebook: Callable[..., Notebook],
) -> None:
    book, view = show(
        notebook, "run = nbagent.Run(many_calls(3_000, 27)).wait()\nnbagent.show(run);"
    )
    longest = {}

    def timed(name: str, do: Callable[[], object], drawn: str) -> int:
        """Do something, and return the number of elements that are drawn when it has settled."""
        with tasks(book) as found:
            do()
            book.page.wait_for_selector(drawn, timeout=BUSY_MS)
            book.page.wait_for_timeout(500)
        longest[name] = found[0]
        number: int = view.locator(drawn).count()
        return number

    def click(button: str) -> Callable[[], object]:
        """Return a click without a search by role, which reads the whole page in one task."""
        element = view.locator(button).element_handle()
        return lambda: element.evaluate("element => element.click()")

    def scroll(box: str) -> Callable[[], object]:
        view.locator(box).hover()

        def turn() -> None:
            for _ in range(15):
                book.page.mouse.wheel(0, 20_000)
                book.page.wait_for_timeout(16)

        return turn

    book.page.wait_for_timeout(2000)
    timed("(tracing alone)", lambda: None, ".nb-frame")
    timed("open", click("[aria-label=Inspect]"), ".nb-tab")
    assert timed("events", click(".nb-tab >> nth=1"), ".nb-event-row") < 100
    assert timed("timeline", click(".nb-tab >> nth=2"), ".nb-bar-row") < 100
    assert timed("timeline, scrolled", scroll(".nb-timeline"), ".nb-bar-row") < 100
    expect(view.locator(".nb-bar-row").last).to_contain_text("text")
    assert timed("requests", click(".nb-tab >> nth=3"), ".nb-part-new") < 300
    expect(view.locator(".nb-request-row[aria-selected=true]")).to_contain_text("3000")
    assert view.locator(".nb-request-row").count() < 100
    picture(view, "requests-3000-calls")
    assert timed("messages, scrolled", scroll(".nb-request"), ".nb-part") < 600
    assert timed("requests, scrolled", scroll(".nb-request-list"), ".nb-request-row") < 100
    timed("transcript", click(".nb-tab >> nth=0"), ".nb-item")
    figure(
        "inspector", "102,000 events: longest task of each page, ms of the processor", str(longest)
    )
