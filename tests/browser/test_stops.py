"""Breakpoints as a reader meets them in JupyterLab: the panel of a stop, a dot at a row, Step,
several runs.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from browser.expectation import expect
from browser.lab import THEMES, Notebook
from browser.views import prepare, violations
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
    if year == 2000:
        raise ValueError("no rate for 2000")
    return {"year": year, "rate": 11.2}

@nbagent.tool
async def pause() -> str:
    "Wait for a file."
    while not Path("go-on").exists():
        await asyncio.sleep(0.05)
    return "done"

def calling(*years):
    return chat(calls=[(f"c{year}", "fetch_rates", json.dumps({"year": year})) for year in years])

def stream(*replies):
    server = Server(*replies).__enter__()
    agent = nbagent.Agent("test-1", name="analyst", tools=[fetch_rates, pause], client=server.client(), api="chat")
    return agent.stream("go")
"""  # noqa: E501
BLOCKS = """
blocked = nbagent.show(stream(calling(2024), calling(2023), chat("Done.")), stop_at="fetch_rates")
blocked.wait()
print("then", [call.result for call in blocked.tools])
"""
AWAITS = """
awaited = nbagent.show(stream(calling(2022), chat(calls=[("p", "pause", "{}")]), calling(2000), chat("Done.")))
await awaited
print("then", awaited.tools[2].args)
"""  # noqa: E501
FIVE = """
five = [nbagent.show(stream(calling(2024), chat("Done.")), stop_at="fetch_rates", name=f"run {n}") for n in range(5)]
"""  # noqa: E501


def go(view: Locator, name: str) -> None:
    view.get_by_role("button", name=name, exact=True).first.click()


def asked(view: Locator, text: str) -> None:
    expect(view.locator(".nb-asked", has_text=text)).to_be_visible()


@pytest.mark.proof
def test_a_run_stops_in_every_kind_of_cell_and_goes_on_as_its_reader_says(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook(
        cells=(SETUP.replace("TESTS", repr(str(Path(__file__).parents[1]))), BLOCKS, AWAITS, FIVE)
    )
    book.run(0)
    book.wait_idle()

    # A cell that blocks.
    book.run(1)
    asked(book.widget(1), "Stopped at a breakpoint")
    prepare(book.page)
    for theme in THEMES:
        book.theme(theme)
        book.shot(f"stop-call-{theme}")
        assert violations(book.page) == []
    book.theme("light")
    view = book.widget(1)
    view.get_by_label("year", exact=True).fill("2021")
    go(view, "Run with changes")
    expect(view.locator(".nb-question").first).to_contain_text(
        "Run · Stopped at a breakpoint · year: 2024 → 2021"
    )
    asked(view, "Stopped at a breakpoint")
    view.locator(".nb-question").nth(1).focus()
    book.page.keyboard.press("F10")
    asked(view, "Stopped at the result")
    expect(view.locator(".nb-question:focus")).to_contain_text("Stopped at the result")
    go(view, "Change the result…")
    for theme in THEMES:
        book.theme(theme)
        book.shot(f"stop-result-{theme}")
    book.theme("light")
    view.locator("textarea").fill('{"rate": 12}')
    go(view, "Use this result")
    expect(view).to_contain_text("Result given by you")
    expect(book.cell(1)).to_contain_text("then [{'year': 2021, 'rate': 11.2}, {'rate': 12}]")
    book.wait_idle()

    # A cell that awaits: breakpoints are set by a click while the run goes on.
    book.run(2)
    view = book.widget(2)
    expect(view.locator(".nb-tool", has_text="pause")).to_be_visible()
    go(view, "Step")
    expect(view.get_by_role("button", name="Step", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    go(view, "Stop before each call of fetch_rates")
    dot = view.get_by_role("button", name="Stop before each call of fetch_rates").first
    expect(dot).to_have_attribute("aria-pressed", "true")
    for theme in THEMES:
        book.theme(theme)
        book.shot(f"stop-dot-{theme}")
    book.theme("light")
    (book.lab.root / "go-on").touch()
    asked(view, "Stopped before request 3 to test-1")
    book.shot("stop-request-light")
    go(view, "Step")
    go(view, "Continue")
    asked(view, "Stopped at a breakpoint")
    go(view, "Run, then stop")
    asked(view, "Stopped at the result")
    expect(view.locator(".nb-tool").last).to_contain_text("no rate for 2000")
    book.shot("stop-error-light")
    view.get_by_label("year", exact=True).fill("2023")
    go(view, "Run again with changes")
    expect(view.locator(".nb-question", has_text="Run again · ")).to_contain_text(
        "year: 2000 → 2023"
    )
    go(view, "Continue")
    expect(book.cell(2)).to_contain_text("then {'year': 2023}")
    book.wait_idle()

    # Five runs at once, after a reload.
    book.run(3)
    book.wait_idle()
    asked(book.cell(3).locator(".nbagent").nth(4), "Stopped at a breakpoint")
    book.save()
    book.open()
    views = book.cell(3).locator(".nbagent")
    for index in range(5):
        asked(views.nth(index), "Stopped at a breakpoint")
        go(views.nth(index), "Run")
    for index in range(5):
        expect(views.nth(index).locator(".nb-status", has_text="Done in")).to_be_visible()
