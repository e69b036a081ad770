"""nbagent in JupyterLite: JupyterLab and the kernel are in the page, and nothing is loaded from
elsewhere.
"""

import json
import shutil
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser.conftest import NOTEBOOKS
from browser.expectation import expect
from browser.lab import Lab, Notebook, write
from campaign import figure
from playwright.sync_api import Page
from website import lite
from website.notebooks import IN_A_PAGE

pytestmark = [
    pytest.mark.proof,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not lite.JUPYTER.exists(), reason="`make build/lite` makes JupyterLite"),
]

CELLS = (
    "import asyncio, nbagent",
    """
async def words():
    for number in range(1000):
        yield f"word {number} "
        await asyncio.sleep(0.05)

def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b

agent = nbagent.Agent("demo", tools=[add], name="adder")
""",
    "run = nbagent.show(words())",
    "awaited = await nbagent.show(words())\nprint(awaited.status)",
    """
stopped = await nbagent.show(agent.stream("Add 1 and 2"), stop_at="add")
print("sum", stopped.tools[0].result)
""",
    "chat = nbagent.chat(lambda messages: words(), name='talk')",
)
MINUTES_MS = 240_000
"""Milliseconds that a busy machine may take to start Python in a page."""


class Files(SimpleHTTPRequestHandler):
    """Serves the files of JupyterLite."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class LiteNotebook(Notebook):
    """Notebook that is open in JupyterLite."""

    PATIENCE_MS = MINUTES_MS

    def load(self) -> None:
        """Load the page (again). The kernel starts anew."""
        self.page.goto(f"{self.lab.url}/lab/index.html?path={self.name}")
        loaded = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session"
        self.page.wait_for_function(loaded, timeout=self.PATIENCE_MS)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Yield a JupyterLite with the tutorials, and a notebook of these tests."""
    home = tmp_path_factory.mktemp("lite")
    shutil.copytree(NOTEBOOKS, home / "notebooks")
    write(home / "notebooks" / "lite.ipynb", CELLS)
    lite.build(home / "site", home / "notebooks")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=home / "site")) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Lab(f"http://127.0.0.1:{server.server_port}", "", Path(home), [])
        server.shutdown()
        thread.join()


def stop(book: Notebook, index: int) -> None:
    """Stop the run below a cell while its words come."""
    view = book.widget(index)
    expect(view.get_by_text("word 3").first).to_be_visible(timeout=MINUTES_MS)
    view.get_by_role("button", name="Stop").last.click()
    expect(view.get_by_text("Stopped by you").first).to_be_visible(timeout=MINUTES_MS)


def test_stop_breakpoints_chat_and_saved_runs_in_jupyterlite(site: Lab, page: Page) -> None:
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.set_default_timeout(MINUTES_MS)
    book = LiteNotebook(site, page, "lite.ipynb")
    book.load()
    banner = page.locator("#nbagent-banner")
    expect(banner).to_contain_text("Nothing is installed.")
    book.shot("lite-loading")
    book.open()
    expect(banner).to_contain_text("Python is ready", timeout=MINUTES_MS)
    book.shot("lite-ready")
    banner.get_by_role("button").click()
    for index in (0, 1):
        book.run(index)
        book.wait_idle()

    book.run(2)
    book.wait_idle()
    stop(book, 2)
    book.shot("lite-returned")

    book.run(3)
    stop(book, 3)
    book.wait_idle()
    assert "cancelled" in book.output(3)
    book.shot("lite-awaiting")

    book.run(4)
    view = book.widget(4)
    view.get_by_label("a", exact=True).fill("40")
    book.shot("lite-breakpoint")
    view.get_by_role("button", name="Run with changes").click()
    book.wait_idle()
    assert "sum 42" in book.output(4)
    book.shot("lite-answered")

    book.run(5)
    book.wait_idle()
    book.widget(5).get_by_role("textbox", name="Your message").fill("Hello")
    page.keyboard.press("Enter")
    stop(book, 5)
    book.shot("lite-chat")

    book.save()
    book.open()
    expect(book.cell(3).get_by_text("Stopped by you").first).to_be_visible()
    expect(book.cell(4).get_by_text("40").first).to_be_visible()
    loading = page.get_by_text("Loading widget")
    assert [each.is_visible() for each in loading.all()] == [False] * 4
    book.shot("lite-reopened")
    ours = (site.url, "blob:", "data:")
    assert [url for url in requested if not url.startswith(ours)] == []


def test_the_first_word_comes_from_a_cold_and_from_a_warm_cache(site: Lab, page: Page) -> None:
    for cache in ("cold", "warm"):
        tab = page.context.new_page()
        tab.set_default_timeout(MINUTES_MS)
        book = LiteNotebook(site, tab, "lite.ipynb")
        began = time.monotonic()
        book.load()
        for index in (0, 1, 2):
            book.run(index)
        word = book.widget(2).get_by_text("word 0").first
        expect(word).to_be_visible(timeout=MINUTES_MS)
        seconds = time.monotonic() - began
        figure(
            "JupyterLite",
            f"s from a click on the link to the first word, {cache}",
            f"{seconds:.1f}",
        )
        tab.close()


OUTPUTS = "(i) => window.jupyterapp.shell.currentWidget.content.widgets[i].model.outputs.toJSON()"


@pytest.mark.parametrize("name", IN_A_PAGE)
def test_a_tutorial_runs_in_jupyterlite(name: str, site: Lab, page: Page) -> None:
    page.set_default_timeout(MINUTES_MS)
    book = LiteNotebook(site, page, name).open()
    page.locator("#nbagent-banner").get_by_role("button").click(timeout=MINUTES_MS)
    cells = json.loads((NOTEBOOKS / name).read_text("utf-8"))["cells"]
    for index, cell in enumerate(cells):
        if cell["cell_type"] != "code":
            continue
        book.run(index)
        book.wait_idle()
        outputs = page.evaluate(OUTPUTS, index)
        assert [each for each in outputs if each["output_type"] == "error"] == []
        book.shot(f"lite-{name.partition('.')[0]}-{index}")
