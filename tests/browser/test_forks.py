"""A run is forked from a cell, and the tree over its header is walked."""

from collections.abc import Callable

import pytest
from browser.expectation import expect
from browser.lab import Notebook
from browser.test_static_copy import wait_until_saved
from playwright.sync_api import Locator

CELLS = (
    """
import nbagent
def rates(year: int) -> str:
    "Return the rates of a year."
    return f"rates of {year}"
agent = nbagent.Agent("demo", tools=[rates], name="analyst")
run = nbagent.show(agent.stream("rates 2023"))
""",
    'fork = run.fork(at=run.tools[0], result="rates of 1999")',
)


def tree(widget: Locator) -> Locator:
    """Return the rows of the tree in a run's view."""
    return widget.get_by_role(
        "navigation", name="This run, and the runs that go on from it"
    ).locator("li")


@pytest.mark.proof
def test_a_run_is_forked_and_a_click_leads_to_its_fork_and_back(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook("forks.ipynb", CELLS)
    book.run(0)
    expect(book.widget(0).locator(".nb-status", has_text="Done in")).to_be_visible()
    expect(tree(book.widget(0))).to_have_count(0)
    book.run(1)
    fork = book.widget(1)
    expect(fork.locator(".nb-text").last).to_contain_text("rates of 1999")
    expect(fork.locator(".nb-status", has_text="Done in")).to_be_visible()
    for view in (book.widget(0), fork):
        expect(tree(view)).to_have_text(["1analyst", '2rates(year=2023), result "rates of 1999"'])
    expect(tree(fork).locator("[aria-current]")).to_have_text(
        '2rates(year=2023), result "rates of 1999"'
    )
    book.shot("forks-light")
    tree(fork).get_by_role("button").click()
    expect(book.widget(0).locator(".nb-frame")).to_be_focused()
    tree(book.widget(0)).get_by_role("button").click()
    expect(fork.locator(".nb-frame")).to_be_focused()
    book.theme("dark")
    book.shot("forks-dark")
    # The saved copy of the run that had ended before knows of its fork, too.
    wait_until_saved(book, "Forks: run 2, rates(year=2023), result")
    # The source of a function of the notebook is written into the test.
    assert book.python("print(fork.to_test('test_rates.py'))").strip() == "test_rates.py"
    text = (book.lab.root / "test_rates.py").read_text()
    assert (
        'def rates(year: int) -> str:\n    "Return the rates of a year."\n    return f"rates of '
        '{year}"\n'
    ) in text
    # A fork that is nowhere on the page: the click says how to show it.
    book.python(
        "import io, contextlib\nwith contextlib.redirect_stdout(io.StringIO()): fork.fork(at=1, "
        "face='console').wait()"
    )
    expect(tree(fork)).to_have_count(3)
    tree(fork).get_by_role("button", name="step 1").click()
    expect(fork.get_by_role("status").filter(has_text="In a cell:")).to_have_text(
        "Run 3 is not on this page. In a cell: nbagent.show(run.forks[0])"
    )


OF_TWO_AGENTS = (
    """
import nbagent
def rates(year: int) -> str:
    "Return the rates of a year."
    return f"rates of {year}"
helper = nbagent.Agent("demo", "Be brief.", tools=[rates], name="helper")
boss = nbagent.Agent("demo", "Ask the helper.", tools=[helper], name="boss")
run = nbagent.show(boss.stream("helper: rates 2023"))
""",
)


@pytest.mark.proof
def test_a_click_in_the_panel_of_an_agent_inside_goes_on_there(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook("forks-inside.ipynb", OF_TWO_AGENTS)
    book.run(0)
    views = book.cell(0).locator(".nb-frame")
    run = views.nth(0)
    expect(run.locator(".nb-status", has_text="Done in").last).to_be_visible()
    run.get_by_role("button", name="helper").first.click()
    inner = run.locator(".nb-agent")
    inner.get_by_role("button", name="rates").first.click()
    book.shot("fork-inside-open")
    inner.get_by_role("button", name="Fork from here…").click()
    inner.get_by_role("button", name="+ result").click()
    inner.get_by_role("textbox", name="result").fill("rates of 1999")
    book.shot("fork-inside-form-light")
    inner.get_by_role("button", name="Fork", exact=True).click()
    fork = views.nth(1)
    expect(fork.locator(".nb-text").last).to_contain_text("rates of 1999")
    expect(tree(run)).to_have_text(["1boss", '2helper › rates(year=2023), result "rates of 1999"'])
    fork.get_by_role("button", name="helper").first.click()
    expect(fork).to_contain_text("Repeated until here: helper › rates(year=2023)")
    book.shot("fork-inside-light")
    book.theme("dark")
    book.shot("fork-inside-dark")


@pytest.mark.proof
def test_any_message_is_changed_by_clicks(notebook: Callable[..., Notebook]) -> None:
    book = notebook("forks-messages.ipynb", CELLS[:1])
    book.run(0)
    views = book.cell(0).locator(".nb-frame")
    run = views.nth(0)
    expect(run.locator(".nb-status", has_text="Done in")).to_be_visible()
    run.get_by_role("button", name="Inspect").click()
    run.get_by_role("tab", name="Requests").click()
    run.get_by_role("button", name="Fork from here…").click()
    run.get_by_role("button", name="+ messages").click()
    book.shot("fork-messages-light")
    run.get_by_role("textbox", name="content").last.fill("rates of 1999")
    run.get_by_role("button", name="Fork", exact=True).click()
    fork = views.nth(1)
    expect(fork.locator(".nb-text").last).to_contain_text("rates of 1999")
    expect(fork).to_contain_text("(tool) was changed")
    book.theme("dark")
    book.shot("fork-messages-dark")
