r"""Formulas typeset by the MathJax of a notebook or a page: commands like `\href{javascript:…}` and
`\style` do nothing.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from browser.expectation import expect
from browser.lab import Notebook
from browser.places import PLACES
from browser.test_frontends import only
from browser.test_saved import reopen_without_kernel
from frontends import environment
from nbclient import NotebookClient
from nbconvert.exporters import HTMLExporter
from playwright.sync_api import Locator, Page, Route

ATTACKS = [
    r"\href{javascript:globalThis.harm=1}{x}",
    r"\style{position:fixed;inset:0}{x}",
    r"\class{nb-harm}{x}",
    r"\cssId{nb-harm}{x}",
    r"\data{harm=1}{x}",
    r"\require{html}\href{javascript:globalThis.harm=1}{x}",
    r"\def\x{\href{javascript:globalThis.harm=1}{x}}\x",
    r"\unicode{x202e}x",
    r"\bbox[position:fixed]{x}",
    r"\mmlToken{mi}[href=javascript:globalThis.harm=1]{x}",
]
CELL = f"""
import nbagent
from nbagent import events as e
ATTACKS = {ATTACKS!r}
MARKS = ["${{}}$", "$${{}}$$", "\\\\({{}}\\\\)", "\\\\[{{}}\\\\]", "\\\\begin{{align}}{{}}\\\\end{{align}}"]
TEXT = "\\n\\n".join(mark.replace("{{}}", it) for it in ATTACKS for mark in MARKS)
HTML = "".join(f"<p>${{it}}$</p><b>$</b>{{it}}<b>$</b><td>\\\\({{it}}\\\\)</td>" for it in ATTACKS)
def answer():
    for id, data in [("a", {{"text/html": HTML}}), ("b", {{"text/markdown": TEXT}}), ("c", {{"text/plain": TEXT}})]:
        yield e.ToolStart(id=id, name=TEXT[:60])
        yield e.ToolArgs(id=id, args={{"q": TEXT}}, args_text=TEXT)
        yield e.ToolResult(id=id, display=e.Display(summary=TEXT, data=data))
    yield e.Status(message=TEXT)
    yield e.TextDelta(id="x", delta="It is $a^2$.\\n\\n" + TEXT)
run = await nbagent.show(answer(), name="formulas")
"""  # noqa: E501

# Elements of a place that a command made: links that run, classes, ids and styles of a model's own.
FOUND = """(place) => [...place.querySelectorAll('*')].filter((each) =>
  [...each.attributes].some(({ name, value }) => /href$/.test(name) && /javascript/i.test(value))
  || each.matches('.nb-harm, #nb-harm, [data-harm]') || /fixed|inset/.test(each.getAttribute('style') ?? '')
).map((each) => each.outerHTML.slice(0, 200))"""  # noqa: E501


def does_nothing(place: Locator) -> None:
    place.evaluate(
        "(place) => place.querySelectorAll('details').forEach((details) => { details.open = true })"
    )
    # they are there, as text
    expect(place.get_by_text("javascript:globalThis.harm=1", exact=False).first).to_be_attached()
    found: list[Any] = place.evaluate(FOUND)
    assert found == []
    assert place.page.evaluate("'harm' in globalThis") is False


def test_a_hidden_copy_is_typeset_when_it_is_shown(notebook: Callable[..., Notebook]) -> None:
    shown = 'import nbagent\nrun = await nbagent.show(iter(["It is $a^2$."]))'
    cells = (shown, "from IPython.display import Math\nMath('b')", "run.close()")
    book = notebook(cells=cells, name="hidden-formulas.ipynb")
    book.run(0)
    book.wait_idle()
    copy = book.cell(0).locator("[data-nbagent-twin]")
    expect(copy.get_by_text("$a^2$", exact=False).first).to_be_attached()
    book.run(1)
    expect(book.cell(1).locator("mjx-container")).to_be_visible()  # MathJax is there
    assert copy.locator("mjx-container").count() == 0
    book.run(2)
    expect(copy.locator("mjx-container")).to_be_visible()


@pytest.mark.proof
def test_no_command_of_a_formula_does_anything_live_or_in_the_saved_file(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook(cells=(CELL,), name="formulas.ipynb")
    book.run(0)
    book.wait_idle()
    expect(book.widget(0).locator(".nb-status", has_text="Done")).to_be_visible()
    place = book.cell(0).locator(".jp-Cell-outputArea")
    expect(book.widget(0).get_by_text("It is").locator("math").first).to_be_visible()
    does_nothing(place)
    reopen_without_kernel(book)
    place = book.cell(0).locator(".jp-Cell-outputArea")
    # of the answer's own formula: MathJax has been there
    expect(place.locator("mjx-container").first).to_be_visible()
    does_nothing(place)
    expect(place.locator("mjx-container")).to_have_count(1)


@only("notebook7")
@pytest.mark.proof
def test_no_command_of_a_formula_does_anything_in_notebook_7(tmp_path: Path, page: Page) -> None:
    # A closed view leaves the static copy, which MathJax then typesets.
    with PLACES["notebook7"](tmp_path, page, (CELL, "run.close()")):
        output = page.locator(".jp-Cell-outputArea").first
        # of the answer's own formula
        expect(output.locator("mjx-container").first).to_be_visible()
        does_nothing(output)
        expect(output.locator("mjx-container")).to_have_count(1)


@only("notebook7")
@pytest.mark.proof
def test_no_command_of_a_formula_does_anything_in_a_page_of_nbconvert(
    tmp_path: Path, page: Page
) -> None:
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    NotebookClient(made, timeout=60).execute()
    # The page's own MathJax 2, without its extension "Safe": nothing but the static copy keeps
    # these formulas harmless.
    exporter = HTMLExporter(
        mathjax_url="https://mathjax.test/MathJax.js?config=TeX-AMS-MML_HTMLorMML-full"
    )  # type: ignore[no-untyped-call]
    file = tmp_path / "formulas.html"
    file.write_text(exporter.from_notebook_node(made)[0], "utf-8")

    def answer(route: Route) -> None:
        path = (
            environment.mathjax2()
            / route.request.url.removeprefix("https://mathjax.test/").split("?")[0]
        )
        is_mathjax = route.request.url.startswith("https://mathjax.test/") and path.is_file()
        route.fulfill(path=path) if is_mathjax else route.abort()

    page.route(re.compile("^https?:"), answer)
    page.goto(file.as_uri())
    output = page.locator(".jp-Cell-outputArea")
    expect(output.locator(".MathJax").first).to_be_visible()
    page.evaluate("() => new Promise((resolve) => MathJax.Hub.Queue(resolve))")
    does_nothing(output)
    expect(output.locator(".MathJax")).to_have_count(1)
