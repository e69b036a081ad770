"""Driver of JupyterLab as a reader uses it: open a notebook, run cells, look at the widgets."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import nbformat
from browser.chromium import installed
from browser.expectation import expect
from campaign import WHOLE
from nbformat.sign import NotebookNotary
from playwright.sync_api import Browser, Locator, Page, Playwright, ViewportSize

SHOTS = Path(__file__).parents[2] / "test-results" / "shots"
THEMES = ("light", "dark") if WHOLE else ("light",)
"""JupyterLab's themes in which a view is looked at: both under `make proof`."""

KERNEL_SECONDS = 60
SIZE: ViewportSize = {"width": 1280, "height": 1000}
"""Size of a window: a laptop's."""

# Chromium without the services that would call home.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
QUIET += ["--disable-component-update", "--disable-sync"]
# Sites on this machine whose addresses browsers do not take for it.
QUIET += ["--host-resolver-rules=MAP *.test 127.0.0.1"]

_UNUSED = (
    "audio celltags completer console csvviewer debugger extensionmanager help htmlviewer hub "
    "imageviewer inspector"
)
_UNUSED += (
    " launcher logconsole lsp markdownviewer mermaid metadataform pluginmanager running "
    "settingeditor statusbar"
)
_UNUSED += " terminal theme-dark-high-contrast toc tooltip video"
UNUSED = tuple(f"@jupyterlab/{name}-extension" for name in _UNUSED.split())
"""Extensions of JupyterLab that no test needs: without them, the load of a page takes 0.7 s of CPU
less.
"""


@dataclass
class Lab:
    """A running JupyterLab server: its address, its token, the folder it serves, what it has
    logged.
    """

    url: str
    token: str
    root: Path
    log: list[str]

    def client(self) -> httpx2.Client:
        """Return a client of the server's REST interface."""
        return httpx2.Client(base_url=self.url, headers={"authorization": f"token {self.token}"})

    def end_kernels(self) -> None:
        """End the kernels of all notebooks."""
        with self.client() as client:
            for session in client.get("/api/sessions").json():
                client.delete(f"/api/sessions/{session['id']}")

    def restart_kernels(self) -> None:
        """Restart all kernels, and wait until they run."""
        with self.client() as client:
            for kernel in client.get("/api/kernels").json():
                client.post(f"/api/kernels/{kernel['id']}/restart", timeout=60).raise_for_status()


def chromium(playwright: Playwright) -> Browser:
    """Return the Chromium that `make test` found."""
    path = installed()
    return playwright.chromium.launch(executable_path=path, args=QUIET)


@contextlib.contextmanager
def serving(
    home: Path,
    python: Path = Path(sys.executable),
    app: str = "lab",
    settings: Mapping[str, Any] | None = None,
    disabled: Sequence[str] = (),
) -> Iterator[Lab]:
    """Yield a Jupyter server over the folder `home/notebooks`, with settings of its own beside it.

    Args:
        home: the folder.
        python: where Jupyter is installed.
        app: `"lab"` or `"notebook"`.
        settings: JupyterLab's settings, by plugin, that are not as it comes.
        disabled: names of JupyterLab's extensions that are not loaded.
    """
    root = home / "notebooks"
    root.mkdir(exist_ok=True)
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    own = {name: str(home / name.lower()) for name in places}
    config = home / "jupyter_config_dir" / "labconfig" / "page_config.json"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(json.dumps({"disabledExtensions": dict.fromkeys(disabled, True)}))
    flags = [
        "--ServerApp.open_browser=False",
        "--allow-root",
        "--ServerApp.port=0",
        f"--ServerApp.root_dir={root}",
    ]
    owner = "LabApp" if app == "lab" else "JupyterNotebookApp"
    flags += [
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        f"--{owner}.expose_app_in_browser=True",
    ]
    flags += [
        f"--{owner}.user_settings_dir={home / 'settings'}",
        f"--{owner}.workspaces_dir={home / 'workspaces'}",
    ]
    quiet = {
        "@jupyterlab/apputils-extension:notification": {
            "fetchNews": "false",
            "checkForUpdates": False,
        }
    }
    for name, values in {**quiet, **(settings or {})}.items():
        file = home / "settings" / f"{name.replace(':', '/')}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    # By its module: `jupyter lab` starts the first `jupyter-lab` on the PATH, which may be another
    # environment's.
    command = [str(python), "-m", {"lab": "jupyterlab", "notebook": "notebook"}[app], *flags]
    with subprocess.Popen(
        command, cwd=home, env={**os.environ, **own}, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        log: list[str] = []
        for line in server.stderr:
            log.append(line)
            if found := re.search(
                r"(http://(?:localhost|127\.0\.0\.1):(\d+))/(?:lab|tree)\?token=(\w+)", line
            ):
                break
        else:
            raise RuntimeError("Jupyter did not start:\n" + "".join(log))
        reader = threading.Thread(target=log.extend, args=(server.stderr,))
        reader.start()
        try:
            wait_until_open(int(found[2]))
            yield Lab(found[1], found[3], root, log)
        finally:
            server.terminate()
            reader.join(10)


def wait_until_open(port: int) -> None:
    """Wait until a server listens: some print their address earlier."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return socket.create_connection(("localhost", port), 5).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def write(path: Path, cells: Iterable[str], kernel: str = "python3") -> None:
    """Write a new notebook file made of cells of code, for the kernel of that name."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    made.metadata["kernelspec"] = {
        "name": kernel,
        "display_name": kernel,
        "language": "python",
    }
    nbformat.write(made, path)


def sign(lab: Lab, name: str) -> None:
    """Mark a notebook as trusted. One whose cells were written in JupyterLab is."""
    notary = NotebookNotary(data_dir=str(lab.root.parent / "jupyter_data_dir"))
    notary.sign(nbformat.read(lab.root / name, 4))


def screenshot(what: Page | Locator, name: str, **options: Any) -> None:
    """Save a screenshot for review by eye, under `make proof`: to draw a page takes up to a second
    of CPU.
    """
    if WHOLE:
        what.screenshot(path=SHOTS / f"{name}.png", **options)


class Notebook:
    """Notebook that is open in the browser.

    Attributes:
        PATIENCE_MS: time in which a kernel starts, and a cell ends.
    """

    PATIENCE_MS = KERNEL_SECONDS * 1000

    def __init__(self, lab: Lab, page: Page, name: str, workspace: str = "nbagent") -> None:
        self.lab = lab
        self.page = page
        self.name = name
        self.workspace = workspace

    def open(self, theme: str = "light") -> "Notebook":
        """Open it in a fresh workspace and wait for its kernel."""
        self.load()
        self.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
        self.theme(theme)
        self.wait_idle()
        return self

    def enter(self, theme: str = "light") -> "Notebook":
        """Open it as the only document of a JupyterLab that is loaded, if it is in order; otherwise
        load one.
        """
        if not self.page.evaluate(
            "() => window.jupyterapp !== undefined && !document.querySelector('.jp-Dialog')"
        ):
            return self.open(theme)
        self.page.set_viewport_size(SIZE)
        self.page.mouse.move(0, 0)
        self.page.evaluate(
            """async (path) => {
                 const app = window.jupyterapp;
                 app.shell.collapseLeft();
                 for (const document of [...app.shell.widgets('main')]) document.dispose();
                 const { context, sessionContext } = await app.commands.execute('docmanager:open', { path });
                 await context.ready;
                 await sessionContext.ready;
               }""",  # noqa: E501
            self.name,
        )
        self.page.wait_for_function(
            "(path) => window.jupyterapp.shell.currentWidget?.context?.path === path", arg=self.name
        )
        self.theme(theme)
        self.wait_idle()
        return self

    def load(self) -> None:
        """Load the page (again), whatever the kernel is doing."""
        self.page.goto(
            f"{self.lab.url}/lab/workspaces/{self.workspace}/tree/{self.name}?token={self.lab.token}&reset"
        )
        loaded = "() => window.jupyterapp?.shell.currentWidget?.sessionContext"
        self.page.wait_for_function(loaded, timeout=self.PATIENCE_MS)

    def reopen(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Save it, close its tab, and open it again in the same page. The kernel goes on.

        Args:
            meanwhile: called while it is closed.
        """
        self.page.evaluate(
            """async () => {
                 const { commands, shell } = window.jupyterapp;
                 await commands.execute('docmanager:save');
                 const closed = shell.currentWidget;
                 closed.context.model.dirty = false;  // what comes in meanwhile would make JupyterLab ask
                 const gone = new Promise((resolve) => closed.disposed.connect(resolve));
                 await commands.execute('application:close');
                 await gone;
                 if (!closed.context.isDisposed) throw new Error('the notebook is still open');
               }"""  # noqa: E501
        )
        meanwhile()
        self.page.evaluate(
            """async (path) => {
                 const { context, sessionContext } = await window.jupyterapp.commands.execute('docmanager:open', { path });
                 await context.ready;
                 await sessionContext.ready;
               }""",  # noqa: E501
            self.name,
        )

    def save(self) -> None:
        """Save it, as Ctrl+S does."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    def theme(self, theme: str) -> None:
        """Switch JupyterLab to its light or dark theme."""
        named = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}[theme]
        self.page.evaluate(
            "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })",
            named,
        )
        light = "true" if theme == "light" else "false"
        self.page.wait_for_function(
            "(light) => document.body.dataset.jpThemeLight === light", arg=light
        )
        expect(self.page.locator("#jupyterlab-splash")).to_be_hidden()

    def wait_idle(self) -> None:
        """Wait until all started cells are done and the kernel is idle."""
        self.page.evaluate("async () => { await window.ran }")
        self.page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status "
            "=== 'idle'",
            timeout=self.PATIENCE_MS,
        )

    def run(self, index: int) -> None:
        """Start cell number `index` (from 0) without waiting for it."""
        self.page.evaluate(
            """(index) => { const app = window.jupyterapp; app.shell.currentWidget.content.activeCellIndex = index;
               window.ran = app.commands.execute('notebook:run-cell') }""",  # noqa: E501
            index,
        )

    def run_all(self) -> None:
        """Start every cell."""
        self.page.evaluate(
            "() => { window.ran = window.jupyterapp.commands.execute('notebook:run-all-cells') }"
        )

    def cell(self, index: int) -> Locator:
        """Return cell number `index`, scrolled into view (cells out of view leave the page)."""
        self.page.evaluate(
            "(index) => window.jupyterapp.shell.currentWidget.content.scrollToItem(index, 'start')",
            index,
        )
        return self.page.locator(f".jp-Cell[data-windowed-list-index='{index}']")

    def widget(self, index: int) -> Locator:
        """Return the nbagent view below cell number `index`."""
        return self.cell(index).locator(".nbagent")

    def output(self, index: int) -> str:
        """Return the text that a reader sees below a cell."""
        return self.cell(index).locator(".jp-Cell-outputArea").inner_text()

    def python(self, code: str) -> str:
        """Run `code` in the notebook's kernel, outside of its cells, and return the output.

        A cell that fails aborts the requests that wait behind it; such a request has not run and is
        sent again.
        """
        printed: Any = self.page.evaluate(
            """async (code) => {
                 const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
                 for (;;) {
                   const future = kernel.requestExecute({ code, store_history: false });
                   let out = '';
                   future.onIOPub = (message) => {
                     if (message.header.msg_type === 'stream') out += message.content.text;
                     if (message.header.msg_type === 'error') out += message.content.traceback.join('\\n');
                   };
                   const reply = await future.done;
                   if (reply.content.status !== 'aborted') return out;
                 }
               }""",  # noqa: E501
            code,
        )
        return str(printed)

    def speed_up(self) -> None:
        """Have the demo model answer without pauses: a page that draws a text as it comes takes
        seconds of CPU.
        """
        assert not self.python(
            "from nbagent.demo import demo_server; demo_server().tokens_per_second = float('inf')"
        )

    def shot(self, name: str) -> None:
        """Save a screenshot of the window, for review by eye."""
        screenshot(self.page, name)
