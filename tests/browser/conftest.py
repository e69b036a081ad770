"""A real JupyterLab with a real kernel, in a real browser."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser.lab import Lab, Notebook, chromium, serving, write
from browser.wire import Wire
from playwright.sync_api import Browser, Page, expect, sync_playwright

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

# Long enough for a machine that is busy with something else; what comes at once costs no more.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield the Chromium that `make test` found."""
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Yield a fresh window, as large as a laptop's."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Yield a JupyterLab server over a copy of the notebooks, with settings of its own."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(NOTEBOOKS, home / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    with serving(home) as lab:
        yield lab


@pytest.fixture
def wire(lab: Lab) -> Iterator[Wire]:
    """Yield a network of its own between this test's pages and the server; for `notebook(…, wire=wire)`."""
    wire = Wire(lab.url)
    yield wire
    wire.close()


@pytest.fixture
def notebook(lab: Lab, page: Page) -> Callable[..., Notebook]:
    """Return a function that opens a notebook: one of ours by name, or a new one made of cells of code."""

    def open_notebook(name: str = "", cells: tuple[str, ...] = (), theme: str = "light", wire: Wire | None = None) -> Notebook:
        if cells:
            name = name or "test.ipynb"
            write(lab.root / name, cells)
        return Notebook(replace(lab, url=wire.url) if wire else lab, page, name).open(theme)

    return open_notebook
