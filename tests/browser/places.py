"""Front ends in which a reader may open a notebook, each with a server of its own and the notebook
executed.
"""

import contextlib
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from browser.lab import Lab, Notebook, serving, sign, wait_until_open, write
from frontends import environment
from playwright.sync_api import Locator, Page

Opening = Callable[[Path, Page, tuple[str, ...]], contextlib.AbstractContextManager["Place"]]
SUBSHELLS_OFF = {
    "@jupyterlab/apputils-extension:kernels-settings": {"commsOverSubshells": "disabled"}
}
NAME = "test.ipynb"


@dataclass
class Place:
    """An executed notebook, open in the browser.

    Attributes:
        page: the browser's page.
        view: the nbagent view below the cell of that number (from 0); each cell but the first must
            show one run.
        lab: the Jupyter server, if it is one.
    """

    page: Page
    view: Callable[[int], Locator]
    lab: Lab | None = None


class ClassicNotebook(Notebook):
    """A notebook that is open in Notebook 7."""

    def open(self, theme: str = "light") -> "ClassicNotebook":
        """Open it and wait for its kernel."""
        self.load()
        self.wait_idle()
        return self

    def load(self) -> None:
        """Load the page (again), whatever the kernel is doing."""
        self.page.goto(f"{self.lab.url}/notebooks/{self.name}?token={self.lab.token}")
        loaded = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"
        self.page.wait_for_function(loaded, timeout=60_000)


@contextlib.contextmanager
def lab_without_subshells(home: Path, page: Page, cells: tuple[str, ...]) -> Iterator[Place]:
    """JupyterLab, with its setting `commsOverSubshells` off."""
    with serving(home, settings=SUBSHELLS_OFF) as lab:
        write(lab.root / NAME, cells)
        book = Notebook(lab, page, NAME).open()
        book.run_all()
        yield Place(page, book.widget, lab)


def lab_of(name: str) -> Opening:
    """Return the place that is JupyterLab in an environment with other extensions."""

    @contextlib.contextmanager
    def lab_with_extensions(home: Path, page: Page, cells: tuple[str, ...]) -> Iterator[Place]:
        with serving(home, environment.python(name)) as lab:
            write(lab.root / NAME, cells)
            sign(lab, NAME)
            book = Notebook(lab, page, NAME).open()
            book.run_all()
            try:
                yield Place(page, book.widget, lab)
            finally:
                # a server of shared documents ends when nobody has one open
                page.goto("about:blank")

    return lab_with_extensions


@contextlib.contextmanager
def notebook7(home: Path, page: Page, cells: tuple[str, ...]) -> Iterator[Place]:
    """Notebook 7."""
    with serving(home, environment.python(), "notebook") as lab:
        write(lab.root / NAME, cells)
        book = ClassicNotebook(lab, page, NAME).open()
        book.run_all()
        yield Place(page, book.widget, lab)


@contextlib.contextmanager
def voila(home: Path, page: Page, cells: tuple[str, ...]) -> Iterator[Place]:
    """Voilà, as a part of a Jupyter server. It executes all cells before it shows any."""
    with serving(home, environment.python(), "notebook") as lab:
        write(lab.root / NAME, cells)
        page.goto(f"{lab.url}/voila/render/{NAME}?token={lab.token}", timeout=60_000)
        yield Place(page, lambda cell: page.locator(".nbagent").nth(cell - 1), lab)


@contextlib.contextmanager
def marimo(home: Path, page: Page, cells: tuple[str, ...]) -> Iterator[Place]:
    """marimo's editor, with the notebook as marimo converts it; executed as it opens."""
    write(home / NAME, cells)
    (home / "pyproject.toml").write_text("[tool.marimo.runtime]\nauto_instantiate = true\n")
    command = [str(environment.python()), "-m", "marimo", "-y"]
    own: Mapping[str, str] = {
        name: str(home) for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
    }
    env = {**os.environ, **own, "MARIMO_SKIP_UPDATE_CHECK": "1"}
    convert = [*command, "convert", NAME, "-o", "test.py"]
    subprocess.run(convert, cwd=home, env=env, check=True, capture_output=True, timeout=60)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    serve = [*command, "edit", "test.py", "--headless", "--no-token", "--port", port]
    with subprocess.Popen(
        serve, cwd=home, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout is not None
        log: list[str] = []
        for line in server.stdout:
            log.append(line)
            if found := re.search(r"http://\S+", line):
                break
        else:
            raise RuntimeError("marimo did not start:\n" + "".join(log))
        try:
            wait_until_open(int(port))
            page.goto(found[0], timeout=60_000)
            yield Place(page, lambda cell: page.locator(".nbagent").nth(cell - 1))
        finally:
            server.terminate()
            server.communicate(timeout=30)


PLACES: dict[str, Opening] = {"lab-without-subshells": lab_without_subshells}
if environment.is_there():
    PLACES |= {"notebook7": notebook7, "voila": voila, "marimo": marimo}
EXTENDED = ("panel", "collaboration", "server-documents", "server-nbmodel")
"""Environments of JupyterLab with other extensions."""
PLACES |= {name: lab_of(name) for name in EXTENDED if environment.is_there(name)}
