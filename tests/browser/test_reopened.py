"""A notebook whose tab was closed while its kernel lived on, opened again in the same page."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser.expectation import expect
from browser.lab import Notebook, serving, write
from browser.test_static_copy import SETUP, finish, streaming, wait_until_saved
from frontends import environment
from playwright.sync_api import Page

with_panel = pytest.mark.skipif(
    not environment.is_there("panel"),
    reason="`PYTHONPATH=tests python -m frontends.environment` installs it",
)
NUMBERS = """
async def numbers():
    for number in range(100_000):
        yield f"{number} "
        await asyncio.sleep(0.05)
"""
LABEL = "label = ipywidgets.Label('before')\nlabel"
SHOWS = ("run = nbagent.show(until('gate'))", "endless = nbagent.show(numbers())", LABEL)


@pytest.fixture
def panel(tmp_path: Path, page: Page) -> Iterator[Callable[..., Notebook]]:
    """Yield a function that opens a notebook of these cells, in a JupyterLab with `panel`."""
    with serving(tmp_path, environment.python("panel")) as lab:

        def open_notebook(*cells: str) -> Notebook:
            write(lab.root / "reopened.ipynb", cells)
            return Notebook(lab, page, "reopened.ipynb").open()

        yield open_notebook


def status(book: Notebook, index: int, words: str) -> None:
    expect(book.widget(index).locator(".nb-status", has_text=words)).to_be_visible()


@pytest.mark.proof
@with_panel
def test_with_panel_every_widget_of_a_reopened_notebook_lives_on(
    panel: Callable[..., Notebook],
) -> None:
    book = panel(SETUP + NUMBERS, *SHOWS, "label.value = 'after'")
    streaming(book, 1)
    for index in (2, 3):
        book.run(index)
        book.wait_idle()
    view = book.widget(2)
    for _ in range(2):
        book.reopen()
        book.cell(2)
        expect(view.locator(".nb-status")).to_have_count(0)
        shown = view.inner_text()
        expect(view).not_to_have_text(shown)
    book.run(4)
    expect(book.cell(3)).to_contain_text("after")
    view.get_by_role("button", name="Stop").click()
    status(book, 2, "Stopped by you")
    finish(book, "gate", 1)
    wait_until_saved(book, "and done")
    expect(book.page.locator("[data-nbagent-twin]:visible")).to_have_count(0)


@pytest.mark.proof
@with_panel
def test_with_panel_stop_works_in_a_reopened_notebook_whose_cell_blocks(
    panel: Callable[..., Notebook],
) -> None:
    book = panel(SETUP, "run = nbagent.show(blocking('gate'))\nrun.wait()")
    book.run(0)
    book.wait_idle()
    book.run(1)
    expect(book.widget(1)).to_contain_text("begun")
    book.reopen()
    book.widget(1).get_by_role("button", name="Stop").click()
    status(book, 1, "Stopped by you")


@pytest.mark.proof
@with_panel
def test_with_panel_a_view_says_that_the_kernel_was_restarted_meanwhile(
    panel: Callable[..., Notebook],
) -> None:
    book = panel(SETUP, SHOWS[0])
    streaming(book, 1)
    book.reopen(book.lab.restart_kernels)
    status(book, 1, "The kernel was restarted; this is what had come")
    expect(book.widget(1)).to_contain_text("word199")
    streaming(book, 1)
    finish(book, "gate", 1)
