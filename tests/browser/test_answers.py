"""Questions of a run, answered by a reader in JupyterLab: with arguments edited, after a reload,
while a cell blocks.
"""

import re
from collections.abc import Callable

import pytest
from browser.expectation import expect
from browser.lab import THEMES, Notebook
from browser.views import prepare, violations

SETUP = """
import datetime, nbagent
from typing import Annotated, Literal
from pydantic import Field

@nbagent.tool(approve=True)
def report(
    region: Literal["north", "south"],
    year: Annotated[int, Field(ge=2000, le=2030)],
    day: datetime.date = datetime.date(2025, 1, 31),
    note: str = "",
) -> str:
    "Write a report."
    print("writing", region)
    return f"{region} {year} {day} {note}"

agent = nbagent.Agent(model="demo", name="analyst", tools=[report])
"""
ASK = 'agent.stream("report region=north year=2024")'


@pytest.mark.proof
def test_arguments_are_edited_and_sent_after_a_reload_and_while_a_cell_blocks(
    notebook: Callable[..., Notebook],
) -> None:
    blocking = f"again = nbagent.show({ASK})\nagain.wait()\nprint('then', again.tools[0].result)"
    book = notebook(cells=(SETUP, f"run = nbagent.show({ASK})", "run", blocking))
    book.speed_up()
    for index in (0, 1, 2):
        book.run(index)
        book.wait_idle()
    expect(book.widget(1).get_by_role("button", name="Allow", exact=True)).to_be_visible()
    book.save()
    book.open()
    view, other = book.widget(1), book.widget(2)
    for each in (view, other):
        expect(each.get_by_role("button", name="Allow always")).to_be_visible()
    view.get_by_role("button", name="waits for you").click()
    expect(view.locator(".nb-question")).to_be_focused()
    year = view.get_by_label("year", exact=True)
    year.fill("1999")
    expect(view.locator(".nb-problem")).to_have_text("must be at least 2000")
    view.get_by_role("button", name="+ note").click()
    prepare(book.page)
    for theme in THEMES:
        book.theme(theme)
        book.shot(f"answer-{theme}")
        assert violations(book.page) == []
    year.fill("2025")
    view.get_by_label("note", exact=True).press_sequentially("dd")
    view.get_by_label("note", exact=True).press("ControlOrMeta+Enter")
    for each in (view, other):
        expect(each.locator(".nb-question")).to_have_text(
            re.compile(r"^Approved · year: 2024 → 2025 · note added: dd")
        )
    expect(view.locator(".nb-status", has_text="Done in")).to_be_visible()
    assert book.python("print(run.tools[0].result)").strip() == "north 2025 2025-01-31 dd"
    expect(book.page.locator(".jp-Notebook .jp-Cell")).to_have_count(4)

    book.run(3)
    third = book.widget(3)
    third.get_by_role("button", name="Deny…").click()
    third.get_by_label("Reason, for the model").press_sequentially("not today")
    third.get_by_label("Reason, for the model").press("Enter")
    expect(third.locator(".nb-question")).to_have_text("Denied · not today")
    expect(book.cell(3).locator(".jp-OutputArea", has_text="then None")).to_be_visible()
    book.shot("answered")
