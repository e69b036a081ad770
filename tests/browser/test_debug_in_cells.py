"""Run again, frames, requests, the past and forks in a real JupyterLab: in cells that return, await
and block; in five runs of one page; after a reload, also while a cell blocks.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from browser.expectation import expect
from browser.lab import Notebook
from browser.views import unfold
from playwright.sync_api import Locator

SETUP = """
import asyncio, json, sys
from pathlib import Path
import nbagent
sys.path.insert(0, TESTS)
from agent.server import Server, chat

@nbagent.tool
async def fetch_rates(year: int) -> dict:
    "Rate of a year."
    table = {2024: 11.2}
    if year == 2000:
        raise ValueError("no rate for 2000")
    return {"year": year, "rate": table[2024]}

@nbagent.tool
async def pause(file: str) -> str:
    "Wait for a file."
    while not Path(file).exists():
        await asyncio.sleep(0.05)
    return "done"

def asking(file):
    "An agent whose run waits for a file, after a call that succeeds and one that fails."
    years = [("c1", "fetch_rates", '{"year": 2024}'), ("c2", "fetch_rates", '{"year": 2000}')]
    replies = [chat(calls=years), chat(calls=[("p", "pause", json.dumps({"file": file}))]), chat("Done."), chat("Other.")]
    server = Server(*replies).__enter__()
    return nbagent.Agent("test-1", name="analyst", tools=[fetch_rates, pause], client=server.client(), api="chat")
""".replace("TESTS", repr(str(Path(__file__).parents[1])))  # noqa: E501
CELLS = {
    "returns": "run = nbagent.show(asking('returns').stream('go'))",
    "awaits": "run = await nbagent.show(asking('awaits').stream('go'))",
    "blocks": "run = nbagent.show(asking('blocks').stream('go')).wait()",
    "blocked fork": "fork = run.fork(at=run.tools[0], result={'rate': 12}).wait()\nprint(fork.text)",  # noqa: E501
}
FIVE = """
five = [nbagent.show(asking(f"five-{n}").stream("go"), name=f"run {n}") for n in range(5)]
"""


def debug(book: Notebook, view: Locator, attempts: int = 1) -> None:
    """Do in one view of a run that goes on what a reader does: run a call again, look at frames,
    requests and the past.
    """
    expect(view.locator(".nb-tool", has_text="pause")).to_be_visible()
    calls = view.locator(".nb-tool", has_text="fetch_rates")
    unfold(calls.first.locator(".nb-row-button").first)
    calls.first.get_by_role("button", name="Run again", exact=True).first.click()
    expect(calls.first.get_by_text(f"Attempt {attempts}")).to_be_visible()
    expect(
        calls.first.get_by_text("Compared with the first result: no difference").first
    ).to_be_visible()
    frame = view.locator(".nb-stack-frame").first
    expect(frame).to_contain_text('raise ValueError("no rate for 2000")')
    expect(frame).to_contain_text("2024: 11.2")

    view.get_by_role("button", name="Inspect").click()
    view.get_by_role("tab", name="Requests").click()
    view.get_by_role("option").nth(1).click()
    expect(view.get_by_role("region", name="Request 2")).to_contain_text("no rate for 2000")
    # a click of a mouse would miss it if the notebook moves meanwhile
    view.get_by_role("tab", name="Transcript").press("Enter")
    time = view.get_by_role("slider", name="The run as it was")
    time.focus()
    book.page.keyboard.press("Home")
    past = view.get_by_role("region", name="What the agent had done")
    expect(past).not_to_contain_text("pause")
    book.page.keyboard.press("End")
    view.get_by_role("button", name="Inspect").click()


def finish(book: Notebook, view: Locator, file: str) -> None:
    (book.lab.root / file).touch()
    expect(view.locator(".nb-status", has_text="Done in")).to_be_visible()


@pytest.mark.proof
def test_a_call_is_run_again_and_looked_into_while_a_cell_returns_awaits_or_blocks(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook(cells=(SETUP, *CELLS.values()))
    book.run(0)
    book.wait_idle()
    for index, how in enumerate(("returns", "awaits", "blocks"), 1):
        book.run(index)
        debug(book, book.widget(index))
        finish(book, book.widget(index), how)
        book.wait_idle()
    # A fork in a cell that blocks; the call that waits finds its file.
    book.run(4)
    expect(book.cell(4)).to_contain_text("Other.")
    tree = (
        book.widget(3)
        .get_by_role("navigation", name="This run, and the runs that go on from it")
        .locator("li")
    )
    expect(tree).to_have_text(["1analyst", re.compile(r"^2fetch_rates\(.*\), result ")])
    book.wait_idle()


@pytest.mark.proof
def test_five_runs_of_a_page_are_debugged_and_after_a_reload_again(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook(cells=(SETUP, FIVE))
    book.run(0)
    book.run(1)
    book.wait_idle()
    for attempts in (1, 2):
        for number in range(5):
            debug(book, book.cell(1).locator(".nbagent").nth(number), attempts)
        if attempts == 1:
            book.save()
            book.open()
    for number in range(5):
        finish(book, book.cell(1).locator(".nbagent").nth(number), f"five-{number}")


@pytest.mark.proof
@pytest.mark.parametrize("how", ["awaits", "blocks"])
def test_a_page_that_is_loaded_again_while_a_cell_runs_has_its_view_back_at_the_cells_end(
    notebook: Callable[..., Notebook], how: str
) -> None:
    """JupyterLab draws no widget until the kernel has answered it, which is after the cell.

    The run goes on meanwhile.
    """
    book = notebook(cells=(SETUP, CELLS[how].replace(how, f"reloaded-{how}")))
    book.run(0)
    book.wait_idle()
    book.run(1)
    debug(book, book.widget(1))
    book.save()
    book.load()
    expect(book.cell(1)).to_contain_text("running when this copy was made")
    finish(book, book.widget(1), f"reloaded-{how}")
    debug(book, book.widget(1), 2)
