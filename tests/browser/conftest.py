"""A real JupyterLab with a real kernel, in a real browser."""

import shutil
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser.lab import SIZE, UNUSED, Lab, Notebook, chromium, serving, write
from browser.wire import Wire
from playwright.sync_api import Browser, Page, sync_playwright

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield the Chromium that `make test` found."""
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        yield browser
        browser.close()


def window(browser: Browser) -> Page:
    """Return a fresh window, as large as a laptop's.

    Nothing moves in it: what does is drawn 60 times a second, on the CPU.
    """
    return browser.new_context(viewport=SIZE, reduced_motion="reduce").new_page()


@pytest.fixture(scope="session")
def emptied() -> list[Page]:
    """Return the window that the test before has left; at most one.

    Another is another process, which takes 1 s of CPU.
    """
    return []


@pytest.fixture
def page(browser: Browser, emptied: list[Page], request: pytest.FixtureRequest) -> Iterator[Page]:
    """Yield an empty window."""
    page = emptied.pop() if emptied else window(browser)
    yield page
    page.unroute_all()
    if failed(request):
        page.context.close()
        return
    page.goto("about:blank")
    page.set_viewport_size(SIZE)
    page.emulate_media(color_scheme="null", reduced_motion="reduce", forced_colors="null")
    emptied.append(page)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Yield a JupyterLab server over a copy of the notebooks, with settings of its own."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(
        NOTEBOOKS, home / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints")
    )
    with serving(home, disabled=UNUSED) as lab:
        yield lab


@pytest.fixture
def wire(lab: Lab) -> Iterator[Wire]:
    """Yield a network of its own between this test's pages and the server; for `notebook(…,
    wire=wire)`.
    """
    wire = Wire(lab.url)
    yield wire
    wire.close()


@pytest.fixture(scope="session")
def left_open() -> list[Page]:
    """Return the window with JupyterLab that the test before has left; at most one.

    To load JupyterLab takes 5 s of CPU.
    """
    return []


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note that a test has failed: its window is not used again."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


def failed(request: pytest.FixtureRequest) -> bool:
    """Return True if the test of a fixture has failed."""
    return bool(request.node.stash.get(FAILED, False))


@pytest.fixture
def notebook(
    lab: Lab, browser: Browser, left_open: list[Page], request: pytest.FixtureRequest
) -> Iterator[Callable[..., Notebook]]:
    """Yield a function that opens a notebook: one of ours by name, or a new one made of cells of
    code.

    It is the only document in a JupyterLab that earlier tests have used; with a network of its own,
    in a fresh one.
    """
    fresh: list[Page] = []
    used: list[Page] = []

    def open_notebook(
        name: str = "", cells: tuple[str, ...] = (), theme: str = "light", wire: Wire | None = None
    ) -> Notebook:
        if cells:
            name = name or "test.ipynb"
            write(lab.root / name, cells)
        if wire:
            fresh.append(window(browser))
            return Notebook(replace(lab, url=wire.url), fresh[-1], name).open(theme)
        used.append(left_open.pop() if left_open else window(browser))
        return Notebook(lab, used[-1], name).enter(theme)

    yield open_notebook
    for page in used:
        page.unroute_all()
    if used and not left_open and not failed(request):
        left_open.append(used.pop())
    for page in [*fresh, *used]:
        page.context.close()
    if failed(request):
        # or the next test, whose notebook has the same name, would get a busy one
        lab.end_kernels()
