"""A page evaluates the front end once; one more run costs little; and every page gets it, in one
way or another.
"""

from collections.abc import Callable

import pytest
from browser.expectation import expect
from browser.lab import Notebook, write
from browser.test_memory import heap_of
from browser.wire import Wire
from campaign import WHOLE, figure
from playwright.sync_api import WebSocket

from nbagent.notebook.jupyter import MAX_ENDED_WIDGETS

SETUP = """
import gc, ipywidgets, nbagent, time, weakref
from nbagent.notebook import jupyter
paragraph = "A short answer. " * 62
shown = weakref.WeakSet()
"""
SHOW = "run = await nbagent.show([paragraph])"
MOST_BYTES = 40_000
"""Bytes that one more short answer may take on its way to the page."""
MOST_HEAP_BYTES = 150_000
"""Bytes of heap that a page may keep of a run whose view is closed: its static copy, and what
JupyterLab has of a cell.
"""

# Scripts that the page evaluates, and those among them that are as long as the front end.
COUNT_SCRIPTS = """
window.scripts = [];
const make = URL.createObjectURL;
URL.createObjectURL = (blob) => {
  if (blob.type === "text/javascript") window.scripts.push(blob.size);
  return make.call(URL, blob);
};
"""
FRONT_ENDS = "() => window.scripts.filter((size) => size > 50_000).length"
STYLES = (
    "() => document.adoptedStyleSheets.filter((sheet) => "
    "/\\.nbagent/.test(sheet.cssRules[0]?.cssText)).length"
)


@pytest.fixture
def book(notebook: Callable[..., Notebook], wire: Wire) -> Callable[..., Notebook]:
    """Return a function that opens a notebook, its first cell executed, in a page that counts its
    scripts.
    """

    def open_book(*cells: str, name: str) -> Notebook:
        book = notebook(name, cells=(SETUP, *cells), wire=wire)
        book.page.add_init_script(COUNT_SCRIPTS)
        book.open()
        book.run(0)
        book.wait_idle()
        return book

    return open_book


def show(book: Notebook, index: int) -> None:
    book.run(index)
    book.wait_idle()
    expect(book.widget(index).locator(".nb-status", has_text="Done in")).to_be_visible(
        timeout=30_000
    )


@pytest.mark.proof
def test_one_more_short_answer_takes_few_bytes(book: Callable[..., Notebook]) -> None:
    received: list[int] = []

    def watch(socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: received.append(len(payload)))

    notebook = book(SHOW, SHOW, name="bytes.ipynb")
    notebook.page.on("websocket", watch)
    notebook.open()
    show(notebook, 1)
    wait_until_quiet(notebook, received)
    received.clear()
    show(notebook, 2)
    wait_until_quiet(notebook, received)
    figure("one more cell", "bytes to the page for 1,000 characters at once", f"{sum(received):,}")
    assert 3_000 < sum(received) < MOST_BYTES


def wait_until_quiet(book: Notebook, received: list[int]) -> None:
    """Wait until the page has received nothing for a second."""
    count = -1
    while count != len(received):
        count = len(received)
        book.page.wait_for_timeout(1000)


@pytest.mark.proof
def test_the_front_end_is_evaluated_once_a_page(book: Callable[..., Notebook]) -> None:
    notebook = book(SHOW, SHOW, "ipywidgets.Widget.close_all()", SHOW, name="once.ipynb")
    page = notebook.page
    for index in (1, 2):
        show(notebook, index)
    notebook.run(3)
    notebook.wait_idle()
    expect(page.locator(".nbagent")).to_have_count(0)
    show(notebook, 4)  # from a new hidden widget
    page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    notebook.wait_idle()  # JupyterLab drops what is executed while the kernel restarts
    notebook.run_all()
    notebook.wait_idle()
    expect(notebook.widget(4).locator(".nb-status", has_text="Done in")).to_be_visible(
        timeout=30_000
    )
    assert (page.evaluate(FRONT_ENDS), page.evaluate(STYLES)) == (1, 1)
    # Another notebook, and so another kernel, in the same page.
    write(notebook.lab.root / "other.ipynb", (SETUP, SHOW))
    page.evaluate(
        "() => { window.jupyterapp.commands.execute('docmanager:open', { path: 'other.ipynb' }) }"
    )
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.context?.path === 'other.ipynb'"
    )
    notebook.wait_idle()
    notebook.run_all()
    notebook.wait_idle()
    other = page.locator(".jp-NotebookPanel", has_text="other.ipynb").or_(
        page.locator(".jp-NotebookPanel:visible")
    )
    expect(other.locator(".nbagent .nb-status", has_text="Done in").first).to_be_visible(
        timeout=30_000
    )
    assert (page.evaluate(FRONT_ENDS), page.evaluate(STYLES)) == (1, 1)


@pytest.mark.proof
def test_a_page_loaded_again_gets_it_with_the_widgets_or_else_from_the_kernel(
    book: Callable[..., Notebook],
) -> None:
    notebook = book(SHOW, SHOW, name="again.ipynb")
    for index in (1, 2):
        show(notebook, index)
    notebook.save()
    for close in ("", "jupyter._displays()._front_end.close()"):
        notebook.python(close)
        notebook.open()
        for index in (1, 2):
            expect(notebook.widget(index).locator(".nb-status", has_text="Done in")).to_be_visible(
                timeout=30_000
            )
        assert notebook.page.evaluate(FRONT_ENDS) == 1


@pytest.mark.proof
def test_a_page_keeps_little_of_runs_that_are_closed(book: Callable[..., Notebook]) -> None:
    count = 100 if WHOLE else 25
    many = f"for number in range({count}): shown.add(await nbagent.show([paragraph]))"
    notebook = book(many, many, many, name="heap.ipynb")
    heaps = []
    for index in (1, 2, 3):
        notebook.run(index)
        notebook.wait_idle()
        expect(notebook.widget(index)).to_have_count(20)
        heaps.append(heap_of(notebook))
    more = (heaps[2] - heaps[1]) / count
    figure(
        "memory", "bytes of heap that a page keeps of a run whose view is closed", f"{more:,.0f}"
    )
    assert more < MOST_HEAP_BYTES
    kept = notebook.python("gc.collect(); print(len(shown))").strip()
    figure(
        "memory",
        f"runs that the kernel keeps of {3 * count:,} that were shown in three cells",
        kept,
    )
    assert int(kept) <= MAX_ENDED_WIDGETS + 1  # the pump may hold one more for a moment
