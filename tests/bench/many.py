"""Benchmark of one more cell with a short answer in a notebook that has several already, with
nbagent and without.

    PYTHONPATH=tests .venv/bench/bin/python -m bench.many [--cells 20] [--deltas 250]
        [--only nbagent] [--rounds 2]

Each contestant (`peers.py`) shows the same answer in one cell after the other of a notebook, in a
fresh browser and kernel. The first cell is not counted: it pays what a page or a kernel pays once.
As in `bench.lab` the ratios are what counts, and with several rounds each figure is the least of
them.
"""

import argparse
import sys
import tempfile
from dataclasses import astuple, dataclass
from pathlib import Path

from bench.lab import SETTLE_MS, cells, cpu, opened, prepare, processes
from bench.peers import MARKDOWN, NBAGENT, PLAIN_WIDGET, PRINT, Peer
from browser.lab import Lab, serving
from campaign import figure
from playwright.sync_api import Playwright, sync_playwright

GOAL_BYTES = 12_000
"""Bytes that one more short answer may take on the wire."""


@dataclass(frozen=True)
class CellCost:
    """Cost of one more cell.

    Attributes:
        wire: bytes on the WebSockets, both ways.
        kernel: processor milliseconds of the kernel.
        renderer: processor milliseconds of the page.
        heap: kilobytes of JavaScript heap that the page keeps.
    """

    wire: float
    kernel: float
    renderer: float
    heap: float


def measure(playwright: Playwright, lab: Lab, peer: Peer, count: int, deltas: int) -> CellCost:
    """Show `count` answers after the first with one contestant, each in its own cell, and return
    the cost.
    """
    setup, body = cells(peer, deltas, lab.root / "last-delta.json")
    with opened(playwright, lab, (setup, *([body] * (count + 1)))) as (notebook, wire):
        page = notebook.page
        devtools = page.context.new_cdp_session(page)

        def run(index: int) -> None:
            notebook.run(index)
            notebook.wait_idle()
            page.wait_for_timeout(200)

        def heap() -> float:
            devtools.send("HeapProfiler.collectGarbage")
            return float(devtools.send("Runtime.getHeapUsage")["usedSize"])

        run(1)
        page.wait_for_timeout(SETTLE_MS)
        kernel, renderers = processes("ipykernel"), processes("--type=renderer")
        heap_before = heap()
        wire.bytes = wire.once = 0
        kernel_before, renderer_before = cpu(kernel), cpu(renderers)
        for index in range(2, count + 2):
            run(index)
        page.wait_for_timeout(SETTLE_MS)
        kernel_used, renderer_used = cpu(kernel) - kernel_before, cpu(renderers) - renderer_before
        return CellCost(
            wire=wire.bytes / count,
            kernel=1000 * kernel_used / count,
            renderer=1000 * renderer_used / count,
            heap=(heap() - heap_before) / 1000 / count,
        )


def main() -> None:
    """Measure, then print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cells", type=int, default=20, help="cells that are measured")
    parser.add_argument("--deltas", type=int, default=250, help="length of each answer")
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
    chosen = [
        peer
        for peer in (NBAGENT, PRINT, MARKDOWN, PLAIN_WIDGET)
        if any(word in peer.name for word in asked.only)
    ]
    costs: dict[str, CellCost] = {}
    with (
        tempfile.TemporaryDirectory() as home,
        serving(Path(home)) as lab,
        sync_playwright() as playwright,
    ):
        for _ in range(asked.rounds):
            for peer in chosen:
                cost = measure(playwright, lab, peer, asked.cells, asked.deltas)
                print(peer.name, cost, file=sys.stderr, flush=True)
                best = costs.get(peer.name, cost)
                costs[peer.name] = CellCost(*map(min, astuple(best), astuple(cost)))
    print(f"{'one more cell':<26}{'bytes':>10}{'kernel ms':>11}{'renderer ms':>13}{'heap KB':>9}")
    for name, cost in costs.items():
        print(
            f"{name:<26}{cost.wire:>10,.0f}{cost.kernel:>11.1f}{cost.renderer:>13.1f}{cost.heap:>9.0f}"
        )
        figure(
            "one more cell",
            f"{name}: bytes, ms of kernel, ms of renderer, KB of heap",
            " / ".join(f"{value:,.0f}" for value in astuple(cost)),
        )
    if NBAGENT.name in costs:
        print(f"(at most {GOAL_BYTES:,} bytes, and no more processor time than {MARKDOWN.name})")


if __name__ == "__main__":
    main()
