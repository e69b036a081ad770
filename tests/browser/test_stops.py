"""Breakpoints as a reader meets them in JupyterLab: the panel of a stop, a dot at a row, Step, several runs."""

from collections.abc import Callable

from browser.lab import Notebook
from browser.views import prepare, violations
from playwright.sync_api import Locator, expect

SETUP = """
import asyncio, json, sys
import nbagent
sys.path.insert(0, TESTS)
from agent.server import Server, chat

@nbagent.tool
async def fetch_rates(year: int) -> dict:
    "Rate of a year."
    if year == 2000:
        raise ValueError("no rate for 2000")
    return {"year": year, "rate": 11.2}

gate = asyncio.Event()

@nbagent.tool
async def pause() -> str:
    "Wait for the notebook."
    await gate.wait()
    return "done"

def calling(*years):
    return chat(calls=[(f"c{year}", "fetch_rates", json.dumps({"year": year})) for year in years])

def stream(*replies):
    server = Server(*replies).__enter__()
    agent = nbagent.Agent("test-1", name="analyst", tools=[fetch_rates, pause], client=server.client(), api="chat")
    return agent.stream("go")
"""
BLOCKS = """
blocked = nbagent.show(stream(calling(2024), calling(2023), chat("Done.")), stop_at="fetch_rates")
blocked.wait()
print("then", [call.result for call in blocked.tools])
"""
AWAITS = """
awaited = nbagent.show(stream(chat(calls=[("p", "pause", "{}")]), calling(2022), calling(2000), chat("Done.")))
awaited.breakpoints.step = False
await awaited
print("then", awaited.tools[1].result)
"""
FIVE = """
five = [nbagent.show(stream(calling(2024), chat("Done.")), stop_at="fetch_rates", name=f"run {n}") for n in range(5)]
"""


def go(view: Locator, name: str) -> None:
    view.get_by_role("button", name=name, exact=True).first.click()


def asked(view: Locator, text: str) -> None:
    expect(view.locator(".nb-asked", has_text=text)).to_be_visible()


def test_a_run_stops_in_every_kind_of_cell_and_goes_on_as_its_reader_says(notebook: Callable[..., Notebook]) -> None:
    tests = str(__import__("pathlib").Path(__file__).parents[1])
    book = notebook(cells=(SETUP.replace("TESTS", repr(tests)), BLOCKS, AWAITS, FIVE))
    book.run(0)
    book.wait_idle()

    # A cell that blocks, also after a reload.
    book.run(1)
    asked(book.widget(1), "Stopped at a breakpoint")
    prepare(book.page)
    for theme in ("light", "dark"):
        book.theme(theme)
        book.shot(f"stop-call-{theme}")
        assert violations(book.page) == []
    book.theme("light")
    book.save()
    book.load()
    view = book.widget(1)
    go(view, "Run with changes…")
    view.get_by_label("year", exact=True).fill("2021")
    go(view, "Run with changes")
    expect(view.locator(".nb-question").first).to_contain_text("Run · Stopped at a breakpoint · year: 2024 → 2021")
    asked(view, "Stopped at a breakpoint")
    view.locator(".nb-question").nth(1).focus()
    book.page.keyboard.press("F10")
    asked(view, "Stopped at the result")
    expect(view.locator(".nb-question:focus")).to_contain_text("Stopped at the result")
    go(view, "Change the result…")
    for theme in ("light", "dark"):
        book.theme(theme)
        book.shot(f"stop-result-{theme}")
    book.theme("light")
    view.locator("textarea").fill('{"rate": 12}')
    go(view, "Use this result")
    expect(view).to_contain_text("Result given by you")
    expect(book.cell(1)).to_contain_text("then [{'year': 2021, 'rate': 11.2}, {'rate': 12}]")
    book.wait_idle()

    # A cell that awaits: breakpoints are set on rows while the run goes on.
    book.run(2)
    view = book.widget(2)
    go(view, "Step")
    expect(view.get_by_role("button", name="Step", exact=True)).to_have_attribute("aria-pressed", "true")
    view.locator(".nb-tool").hover()
    go(view, "Stop before each call of pause")
    expect(view.locator(".nb-breakpoint")).to_have_attribute("aria-pressed", "true")
    book.shot("stop-dot-light")
    go(view, "Stop before each call of pause")
    assert book.page.evaluate("() => true")
    book.page.evaluate(
        """() => { const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
           void kernel; }"""
    )
    go(view, "Stop")
    book.wait_idle()

    # Five runs at once.
    book.run(3)
    book.wait_idle()
    views = book.cell(3).locator(".nbagent")
    for index in range(5):
        asked(views.nth(index), "Stopped at a breakpoint")
        go(views.nth(index), "Run")
    for index in range(5):
        expect(views.nth(index).locator(".nb-status", has_text="Done in")).to_be_visible()
