"""The static copy in the file when updates are lost, and runs in places that JupyterLab draws in
its own way.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from browser.expectation import expect
from browser.lab import Notebook, serving, write
from browser.listening import no_dialogs
from browser.shown import STREAMS
from browser.wire import Wire
from playwright.sync_api import Page

SETUP = """
import asyncio, pathlib, threading, time, ipywidgets, nbagent
async def until(gate):
    for number in range(200):
        yield f"word{number} "
    while not pathlib.Path(gate).exists():
        await asyncio.sleep(0.05)
    yield "and done"
def blocking(gate):
    yield "begun "
    while not pathlib.Path(gate).exists():
        time.sleep(0.05)
    yield "and done"
"""
PATIENCE_S = 60
"""Seconds in which a copy must be in the file.

A view looks when the kernel has sent one, and asks again after 3 s.
"""


def wait_until_saved(book: Notebook, words: str, *, runs: int = 1) -> None:
    """Save the notebook again and again, until the static copies of as many runs hold these
    words.
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        book.save()
        cells = nbformat.read(book.lab.root / book.name, 4).cells
        found = [
            output.get("data", {}).get("text/html", "")
            for cell in cells
            for output in cell.get("outputs", ())
        ]
        copies = sum("data-nbagent-twin" in html and words in html for html in found)
        if copies >= runs:
            return
        assert time.monotonic() < deadline, f"{copies} of {runs} copies in the file hold {words!r}"
        book.page.wait_for_timeout(300)


def streaming(book: Notebook, *cells: int) -> None:
    """Execute the first cell and these, and wait until their runs stream."""
    for index in (0, *cells):
        book.run(index)
        book.wait_idle()
    for index in cells:
        expect(book.widget(index).last).to_contain_text(re.compile("word199|begun"))


def finish(book: Notebook, gate: str, index: int) -> None:
    """Let the run of a cell end, and wait until the view shows that it has."""
    (book.lab.root / gate).touch()
    expect(book.widget(index).locator(".nb-status", has_text="Done in")).to_be_visible()


@pytest.mark.proof
def test_the_file_holds_the_whole_run_whatever_happens_to_its_outputs(
    notebook: Callable[..., Notebook],
) -> None:
    shows = [
        f"{name} = nbagent.show(until('{name}'))" for name in ("moved", "reopened", "reloaded")
    ]
    book = notebook("kept.ipynb", cells=(SETUP, *shows))
    page = book.page
    streaming(book, 1, 2, 3)
    wait_until_saved(book, "word199", runs=3)  # while they stream: the kernel may die
    page.evaluate(
        """() => { const app = window.jupyterapp; app.shell.currentWidget.content.activeCellIndex = 1;
           return app.commands.execute('notebook:move-cell-up') }"""  # noqa: E501
    )
    finish(book, "moved", 0)
    wait_until_saved(book, "and done")
    book.reopen(lambda: page.wait_for_timeout(1000))
    finish(book, "reopened", 2)
    wait_until_saved(book, "and done", runs=2)
    book.load()
    finish(book, "reloaded", 3)
    wait_until_saved(book, "and done", runs=3)
    expect(page.locator("[data-nbagent-twin]:visible")).to_have_count(0)


@pytest.mark.proof
@pytest.mark.timeout(300)
def test_the_file_holds_runs_whose_ends_were_lost_on_the_way(
    notebook: Callable[..., Notebook], wire: Wire
) -> None:
    shows = (
        "dropped = nbagent.show(until('dropped'))",
        "flooded = [nbagent.show(until('flooded')) for _ in range(5)]",
    )
    book = notebook("lost.ipynb", wire=wire, cells=(SETUP + STREAMS, *shows, "flood(2_000_000, 6)"))
    streaming(book, 1, 2)
    wire.drop(down=4, new_session=True)
    book.page.wait_for_timeout(500)
    finish(book, "dropped", 1)
    wait_until_saved(book, "and done")
    book.run(3)
    book.page.wait_for_timeout(3000)
    (book.lab.root / "flooded").touch()
    expect(book.widget(2).locator(".nb-status", has_text="Done in")).to_have_count(
        5, timeout=90_000
    )
    book.wait_idle()
    wait_until_saved(book, "and done", runs=6)
    assert wire.complaints


@pytest.mark.proof
@pytest.mark.timeout(300)
def test_a_run_that_is_shown_beside_a_flood_is_drawn(
    notebook: Callable[..., Notebook], wire: Wire
) -> None:
    flood = "threading.Thread(target=flood, args=(2_000_000, 8)).start()"
    book = notebook(
        "flood.ipynb",
        wire=wire,
        cells=(SETUP + STREAMS, flood, "run = nbagent.show(until('flood'))"),
    )
    for index in (0, 1):
        book.run(index)
        book.wait_idle()
    book.page.wait_for_timeout(2500)  # the server's limit counts anew whenever the kernel is idle
    book.run(2)
    expect(book.widget(2)).to_contain_text("word199", timeout=90_000)
    expect(book.widget(2)).to_have_count(1)
    (book.lab.root / "flood").touch()
    expect(book.widget(2).locator(".nb-status", has_text="Done in")).to_be_visible(timeout=90_000)
    wait_until_saved(book, "and done")


IN_OUTPUTS = (
    """
out = ipywidgets.Output()
display(ipywidgets.Button(description="before"), out)
with out:
    display(ipywidgets.Button(description="inside"))
    await nbagent.show(until("outputs"))
""",
    """
out = ipywidgets.Output()
display(out)
with out:
    print("printed")
    run = nbagent.show(blocking("outputs"))
    run.wait()
""",
    """
out = ipywidgets.Output()
display(out)
with out:
    run = nbagent.show(until("outputs"))
""",
    """
out, button = ipywidgets.Output(), ipywidgets.Button(description="go")
def go(_):
    with out:
        nbagent.show(until("outputs"))
button.on_click(go)
display(button, out)
""",
)
"""Cells that show a run in an Output: awaited, waited for, neither, and in a callback."""


def test_in_an_output_widget_everything_is_seen(notebook: Callable[..., Notebook]) -> None:
    book = notebook("outputs.ipynb", cells=(SETUP, *IN_OUTPUTS))
    (book.lab.root / "outputs").touch()
    for index in range(5):
        book.run(index)
        book.wait_idle()
    book.cell(4).get_by_role("button", name="go").click()
    for index in range(1, 5):
        expect(book.widget(index).locator(".nb-status", has_text="Done in")).to_be_visible()
        expect(book.widget(index)).to_contain_text("and done")
    for name in ("before", "inside"):
        expect(book.cell(1).get_by_role("button", name=name)).to_be_visible()
    expect(book.cell(2).get_by_text("printed", exact=True)).to_be_visible()
    book.shot("outputs")
    expect(book.page.locator("[data-nbagent-twin]:visible")).to_have_count(0)
    wait_until_saved(book, "and done", runs=3)  # a callback has no cell that would keep the copy


@pytest.mark.proof
def test_a_jupyterlab_without_the_widget_extensions_says_so(tmp_path: Path, page: Page) -> None:
    with serving(tmp_path, disabled=["@jupyter-widgets/jupyterlab-manager", "anywidget"]) as lab:
        write(lab.root / "bare.ipynb", (SETUP, "run = nbagent.show(until('bare'))"))
        book = Notebook(lab, page, "bare.ipynb").open()
        book.run(0)
        book.wait_idle()
        book.run(1)
        copy = book.cell(1).locator("[data-nbagent-twin]")
        expect(copy).to_contain_text("pip install anywidget")
        expect(copy).to_contain_text("word199")
        expect(page.locator(".nbagent")).to_have_count(0)
        book.shot("no-widgets")
        (lab.root / "bare").touch()
        expect(copy).to_contain_text("and done")
        expect(copy).not_to_contain_text("pip install")


CUT = """
import os, signal
async def cut():
    yield "copied "
    while not pathlib.Path("rest").exists():
        await asyncio.sleep(0.05)
    yield "<img src=x onerror=alert(1)></pre><script>alert(2)</script> the last word"
    await asyncio.sleep(600)
"""


@pytest.mark.proof
def test_the_file_gets_what_the_kernel_had_no_time_to_put_there(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook("cut.ipynb", cells=(SETUP + CUT, "run = nbagent.show(cut())"))
    with no_dialogs(book.page):
        for index in (0, 1):
            book.run(index)
            book.wait_idle()
        wait_until_saved(book, "copied")
        (book.lab.root / "rest").touch()
        expect(book.widget(1)).to_contain_text("the last word")
        book.page.evaluate(
            "(code) => { "
            "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ "
            "code }) }",
            "os.kill(os.getpid(), signal.SIGKILL)",
        )
        expect(book.widget(1)).to_contain_text("The kernel was restarted; this is what had come")
        book.page.get_by_role("dialog").get_by_role("button", name="Ok").click()
        wait_until_saved(book, "the last word")
        html = nbformat.read(book.lab.root / book.name, 4).cells[1].outputs[1]["data"]["text/html"]
        assert html.count("the last word") == html.count("copied") == 1
        assert "onerror=alert(1)&gt;" in html
        assert "<script" not in html
        assert "<img" not in html
    book.reopen(book.lab.restart_kernels)
    copy = book.cell(1).locator("[data-nbagent-twin]")
    expect(copy.get_by_text("the last word")).to_be_visible()
    book.shot("saved-cut")
