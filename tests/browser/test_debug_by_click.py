"""A run is debugged by clicks alone: forked from a call and from a request, below it."""

from collections.abc import Callable

from browser.expectation import expect
from browser.lab import Notebook
from browser.test_forks import tree
from browser.views import prepare, violations
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
    expect(fork.get_by_role("button", name="rates").first).to_contain_text("Result changed")
    expect(tree(run)).to_have_count(2)
    run.get_by_role("button", name="Go to it").click()
    expect(fork).to_be_focused()
    book.shot("fork-below-dark")

    # From a request, with other instructions, after the page was loaded again.
    book.save()
    book.load()
    views = book.cell(0).locator(".nb-frame")
    run = views.nth(0)
    expect(views.nth(1).locator(".nb-text").last).to_contain_text("rates of 1999")
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


def test_a_request_is_edited_and_sent_again(notebook: Callable[..., Notebook]) -> None:
    book = notebook("edit-and-send.ipynb", CELLS)
    book.run(0)
    prepare(book.page)
    run = book.cell(0).locator(".nb-frame")
    expect(run.locator(".nb-status", has_text="Done in")).to_be_visible()
    run.get_by_role("button", name="Inspect").click()
    run.get_by_role("tab", name="Requests").click()
    run.get_by_role("button", name="Edit and send").click()
    form = run.get_by_role("region", name="Request 2")
    expect(form.get_by_role("textbox", name="model")).to_be_focused()
    assert violations(book.page) == []
    book.shot("send-form-light")

    # JSON that is none stays in the form, and is not sent; so does what the service refuses.
    send = form.get_by_role("button", name="Send", exact=True)
    tool = form.get_by_role("group", name="tools").get_by_role("textbox").first
    whole = tool.input_value()
    tool.fill(whole[:-1])
    send.click()
    expect(form).to_contain_text("not JSON: it ends too early")
    book.shot("send-malformed-light")
    tool.fill(whole)
    form.get_by_role("textbox", name="model").fill("demo-2")
    send.click()
    expect(form.get_by_role("status")).to_contain_text("404 Not Found from demo.localhost")
    book.shot("send-refused-light")
    form.get_by_role("textbox", name="model").fill("demo")

    # Another result of the call, and the answers side by side.
    output = form.get_by_role("textbox", name="output")
    output.fill("rates of 1999")
    book.theme("dark")
    assert violations(book.page) == []
    book.shot("send-form-dark")
    send.click()
    answers = form.get_by_role("region", name="Both answers")
    expect(answers).to_be_focused()
    expect(answers.locator("ins").first).to_contain_text("1999")
    assert violations(book.page) == []
    book.shot("send-answers-dark")
    book.theme("light")
    book.shot("send-answers-light")
    book.page.set_viewport_size({"width": 600, "height": 900})
    book.shot("send-answers-600-light")
    form.get_by_role("button", name="Edit again").click()
    expect(output).to_have_value("rates of 1999")
    assert book.page.evaluate("() => pleasant.tooWide()") == []
    book.shot("send-form-600-light")
