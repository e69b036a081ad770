"""A run that stops for its reader in JupyterLab: at a breakpoint, in any cell, after a reload, by a click on a row."""

import re
from collections.abc import Callable

from browser.lab import Notebook
from browser.views import prepare, violations
from playwright.sync_api import expect

SETUP = """
import nbagent

years = []

@nbagent.tool
def report(region: str, year: int) -> dict:
    "Write a report."
    years.append(year)
    return {"region": region, "sales": 12 * year}

agent = nbagent.Agent(model="demo", name="analyst", tools=[report])
"""
SHOW = 'nbagent.show(agent.stream("report region=north year=2024"), stop_at="report")'


def test_a_call_is_changed_run_and_its_result_changed_while_a_cell_blocks(notebook: Callable[..., Notebook]) -> None:
    book = notebook(cells=(SETUP, f"run = {SHOW}", f"again = {SHOW}\nagain.wait()\nprint('then', again.tools[0].result)"))
    book.run(0)
    book.run(1)
    book.wait_idle()
    expect(book.widget(1).get_by_role("button", name="Run", exact=True)).to_be_visible()
    book.save()
    book.open()
    view = book.widget(1)
    expect(view.locator(".nb-asked")).to_have_text("Stopped at a breakpoint")
    prepare(book.page)
    for theme in ("light", "dark"):
        book.theme(theme)
        book.shot(f"stop-{theme}")
        assert violations(book.page) == []
    dot = view.get_by_role("button", name="Stop before each call of report")
    expect(dot).to_have_attribute("aria-pressed", "true")
    view.get_by_role("button", name="Edit…").click()
    view.get_by_label("year", exact=True).fill("2025")
    view.get_by_role("button", name="Run, then stop").click()
    expect(view.locator(".nb-asked")).to_have_text("Stopped, step by step")
    view.get_by_role("button", name="Change the result…").click()
    book.shot("stop-result")
    view.get_by_label("Result: JSON, or else a text").fill('{"region": "north", "sales": 1}')
    view.get_by_role("button", name="Give this result").click()
    expect(view.locator(".nb-status", has_text="Done in")).to_be_visible()
    assert book.python("print(years, run.tools[0].result)").strip() == "[2025] {'region': 'north', 'sales': 1}"
    expect(view.locator(".nb-question .nb-line").first).to_have_text(re.compile("^Result given by you"))

    book.run(2)
    blocked = book.widget(2)
    blocked.get_by_role("button", name="Fail…").click()
    blocked.get_by_label("Message of the error, for the model").fill("no such region")
    blocked.get_by_label("Message of the error, for the model").press("Enter")
    expect(book.cell(2).locator(".jp-OutputArea", has_text="then None")).to_be_visible()
    expect(blocked.locator(".nb-status", has_text="Done in")).to_be_visible()
