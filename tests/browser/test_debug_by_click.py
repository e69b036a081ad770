"""A run is debugged by clicks alone: forked from a call and from a request, below it."""

from collections.abc import Callable

from browser.expectation import expect
from browser.lab import Notebook
from browser.test_forks import tree
from playwright.sync_api import Locator

CELLS = (
    """
import nbagent
def rates(year: int) -> str:
    "Return the rates of a year."
    return f"rates of {year}"
agent = nbagent.Agent("demo", "Be brief.", tools=[rates], name="analyst")
run = nbagent.show(agent.stream("rates 2023"))
""",
    "'the last cell'",
)


def open_call(view: Locator) -> None:
    """Open the panel of the call, unless it is open."""
    row = view.get_by_role("button", name="rates").first
    if row.get_attribute("aria-expanded") == "false":
        row.click()


def test_a_run_is_forked_from_a_call_and_from_a_request(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook("by-click.ipynb", CELLS)
    book.run(0)
    book.run(1)
    views = book.cell(0).locator(".nb-frame")
    expect(views).to_have_count(1)
    run = views.nth(0)
    expect(run.locator(".nb-status", has_text="Done in")).to_be_visible()

    # From the call, with another result: 4 clicks. The fork stands below its run.
    open_call(run)
    run.get_by_role("button", name="Fork from here…").click()
    run.get_by_role("button", name="+ result").click()
    run.get_by_role("textbox", name="result").fill("rates of 1999")
    book.shot("fork-form-light")
    book.theme("dark")
    book.shot("fork-form-dark")
    run.get_by_role("button", name="Fork", exact=True).click()
    fork = views.nth(1)
    expect(fork.locator(".nb-text").last).to_contain_text("rates of 1999")
    expect(tree(run)).to_have_count(2)
    run.get_by_role("button", name="Go to it").click()
    expect(fork).to_be_focused()
    book.shot("fork-below-dark")

    # From a request, with other instructions, after the page was loaded again.
    book.save()
    book.load()
    views = book.cell(0).locator(".nb-frame")
    run = views.nth(0)
    run.get_by_role("button", name="Inspect").click()
    run.get_by_role("tab", name="Requests").click()
    run.get_by_role("button", name="Fork from here…").click()
    run.get_by_role("button", name="+ instructions").click()
    run.get_by_role("textbox", name="instructions").fill("Be wordy.")
    book.shot("fork-request-dark")
    book.theme("light")
    book.shot("fork-request-light")
    run.get_by_role("button", name="Fork", exact=True).click()
    expect(tree(run)).to_have_count(3)
    expect(views).to_have_count(3)
    assert "Be wordy." in book.python("print(run.forks[1].requests[-1].instructions)")

    # All of them side by side, and the page narrow.
    run.get_by_role("button", name="Compare", exact=True).click()
    table = run.locator(".nb-compared table").first
    expect(table.locator("tr").first.locator("td")).to_have_count(3)
    expect(table).to_contain_text("rates of 1999")
    table.scroll_into_view_if_needed()
    book.shot("compared-light")
    book.theme("dark")
    book.shot("compared-dark")
    run.get_by_role("button", name="Close", exact=True).click()
    expect(table).to_have_count(0)
