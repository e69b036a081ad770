"""Benchmark of watching a stream in JupyterLab, with nbagent and with common alternatives.

    PYTHONPATH=tests .venv/bench/bin/python -m bench.lab [--deltas 1000 8000 32000]
        [--only nbagent print] [--rounds 2]

The same answer (`answer.py`) goes through every contestant (`peers.py`) in a real JupyterLab in a
real Chromium, one after the other, each in a fresh browser and kernel, all in this run. Figures of
one machine and run can be compared with one another, not with those of another run; so only the
ratios count. With several rounds each figure is the least of them: other load on the machine can
only add.

It runs in an environment of its own, which `bench.environment` makes.
"""

import argparse
import compileall
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import nbformat
import psutil
from bench.answer import DELTAS_PER_S, END
from bench.figures import Cost, goals, least, table
from bench.peers import NBAGENT, PEERS, PRINT, Peer
from browser.lab import Lab, Notebook, chromium, serving
from campaign import figure
from playwright.sync_api import Error, Page, Playwright, WebSocket, sync_playwright

import nbagent

WATCH_TASKS = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration);
}).observe({ entryTypes: ["longtask"] });
"""

# Resolves with the time (seconds since the epoch) of the first frame in which the last word is in
# the page.
LAST_WORD = """(word) => new Promise((resolve) => {
  const shown = () => {
    const roots = [document.querySelector(".jp-NotebookPanel")];
    for (const root of roots) {
      if (root.textContent.includes(word)) return true;
      for (const node of root.querySelectorAll("*")) if (node.shadowRoot) roots.push(node.shadowRoot);
    }
    return false;
  };
  const look = () => (shown() ? resolve(Date.now() / 1000) : requestAnimationFrame(look));
  look();
})"""  # noqa: E501

PROSE = "A notebook has words in it."
"""For Markdown, as for the first HTML, JupyterLab loads MathJax once per page: not a cost of any
contestant.
"""
TIMEOUT_FACTOR = 6
"""Limit of the time until the last word, as a multiple of the stream's own duration."""
SETTLE_MS = 1500
"""Milliseconds for late messages and late paints."""


PART = b'"t": "part"'
"""Marker of a message with a part of nbagent's front end, which a page keeps for all its views."""


class Wire:
    """Counts the traffic of the page's WebSockets, both ways."""

    def __init__(self, page: Page) -> None:
        self.bytes = self.once = self.received = self.sent = 0
        page.on("websocket", self._watch)

    def _watch(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._came)
        socket.on("framesent", self._went)

    def _came(self, payload: str | bytes) -> None:
        self.received += 1
        if PART in (payload if isinstance(payload, bytes) else payload.encode()):
            self.once += len(payload)
        else:
            self.bytes += len(payload)

    def _went(self, payload: str | bytes) -> None:
        self.sent += 1
        self.bytes += len(payload)


@contextmanager
def opened(
    playwright: Playwright, lab: Lab, cells: Sequence[str]
) -> Iterator[tuple[Notebook, Wire]]:
    """Yield a notebook of these cells in a fresh browser and kernel, its first cell executed, and
    its WebSockets' traffic.
    """
    name = "bench.ipynb"
    code = [nbformat.v4.new_code_cell(cell) for cell in cells]
    made = nbformat.v4.new_notebook(cells=[*code, nbformat.v4.new_markdown_cell(PROSE)])
    made.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    nbformat.write(made, lab.root / name)
    browser = chromium(playwright)
    try:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.add_init_script(WATCH_TASKS)
        wire = Wire(page)
        notebook = Notebook(lab, page, name).open()
        notebook.run(0)
        notebook.wait_idle()
        page.wait_for_timeout(SETTLE_MS)
        yield notebook, wire
    finally:
        notebook_gone(lab)
        browser.close()


def measure(playwright: Playwright, lab: Lab, peer: Peer, deltas: int) -> Cost:
    """Show one answer with one contestant, and return its cost."""
    log = lab.root / "last-delta.json"
    log.unlink(missing_ok=True)
    with opened(playwright, lab, cells(peer, deltas, log)) as (notebook, wire):
        page = notebook.page
        kernel, renderers = processes("ipykernel"), processes("--type=renderer")
        wire.bytes = wire.once = wire.received = wire.sent = 0
        page.evaluate("() => { window.longest = 0 }")
        kernel_before, renderer_before = cpu(kernel), cpu(renderers)
        notebook.run(1)
        deadline = time.monotonic() + TIMEOUT_FACTOR * deltas / DELTAS_PER_S + 60
        while not (log.exists() and log.read_text()):
            # Not in the page, where looking would cost what is measured.
            page.wait_for_timeout(20)
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"no last delta in time; the cells say {notebook.output(0)!r}, "
                    f"{notebook.output(1)!r}"
                )
        page.set_default_timeout((deadline - time.monotonic()) * 1000)
        seen = page.evaluate(LAST_WORD, END)
        notebook.wait_idle()
        page.wait_for_timeout(SETTLE_MS)
        return Cost(
            peer=peer.name,
            deltas=deltas,
            wire=wire.bytes,
            once=wire.once,
            received=wire.received,
            sent=wire.sent,
            kernel=cpu(kernel) - kernel_before,
            renderer=cpu(renderers) - renderer_before,
            lag=seen - json.loads(log.read_text()),
            task=page.evaluate("window.longest") / 1000,
        )


def cells(peer: Peer, deltas: int, log: Path) -> tuple[str, str]:
    """Return the cells of the notebook: the setup, then the measured cell."""
    return (
        f"from bench.answer import stream\ndeltas, log = {deltas}, {str(log)!r}\n{peer.setup}",
        peer.body,
    )


def processes(text: str) -> list[psutil.Process]:
    """Return our descendants (JupyterLab's kernels, Chromium's renderers) with that text on their
    command line.
    """
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if any(text in part for part in process.cmdline()):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def cpu(running: Iterable[psutil.Process]) -> float:
    """Return the seconds of processor time that they took so far."""
    times = [process.cpu_times() for process in running]
    return sum(time.user + time.system for time in times)


def notebook_gone(lab: Lab) -> None:
    """Shut the kernels down, so that the next contestant's is the only one."""
    for kernel in processes("ipykernel"):
        kernel.terminate()


def prepare() -> None:
    """Let the kernels import `bench`, and compile nbagent, as installing a wheel would."""
    tests = str(Path(__file__).parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (tests, os.environ.get("PYTHONPATH"))))
    compileall.compile_dir(str(Path(nbagent.__file__).parent), quiet=1)


def main() -> None:
    """Measure, then print the table and the goals."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--deltas",
        type=int,
        nargs="+",
        default=[1_000, 8_000, 32_000],
        help="lengths of the answer",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=[""],
        metavar="WORD",
        help="contestants whose name has one of these words",
    )
    parser.add_argument(
        "--rounds", type=int, default=1, help="how often to measure each; the least counts"
    )
    asked = parser.parse_args()
    prepare()
    chosen = [peer for peer in PEERS if any(word in peer.name for word in asked.only)]
    costs: list[Cost] = []
    with (
        tempfile.TemporaryDirectory() as home,
        serving(Path(home)) as lab,
        sync_playwright() as playwright,
    ):
        for _ in range(asked.rounds):
            for peer in chosen:
                for deltas in sorted({min(deltas, peer.longest) for deltas in asked.deltas}):
                    try:
                        costs.append(measure(playwright, lab, peer, deltas))
                    except (Error, TimeoutError) as error:
                        print(
                            f"{peer.name} did not get through {deltas:,} deltas: {error}",
                            file=sys.stderr,
                        )
                        break
                    print(table(costs[-1:])[1], file=sys.stderr, flush=True)
    costs = least(costs)
    print("\n".join(table(costs)), end="\n\n")
    for what, value, goal in goals(costs, NBAGENT.name, PRINT.name):
        print(f"{what:<80}{value:>8}   (at most {goal})")
        figure("beside others", what, f"{value} (at most {goal})")


if __name__ == "__main__":
    main()
