"""Memory of one large run in a process of its own; prints its growth as JSON.

    python tests/memory.py CASE SIZE

CASE is a key of `CASES`; SIZE counts deltas, or bytes of a tool's output.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from agent.server import Server, chat
from reader import SimulatedView

from nbagent import events as e
from nbagent.agent import Agent
from nbagent.protocol.messages import Command
from nbagent.run import Run

MB = 1024 * 1024
PAGE_BYTES = 60 * 1024


class SimulatedPage:
    """View of a run that keeps its blocks, and acknowledges them."""

    def __init__(self, run: Run) -> None:
        self.reader = SimulatedView()
        self.largest = 0
        self.channel = run.connect(self)
        self.page = run.page
        self.channel.receive({"t": "hello", "have": 0})

    def command(self, command: Command) -> None:
        raise AssertionError("nobody presses anything")

    def send(self, message: dict[str, Any]) -> None:
        self.largest = max(self.largest, len(json.dumps(message, ensure_ascii=False).encode()))
        ack = self.reader.receive(message)
        if ack is not None:
            self.channel.receive({"t": "ack", "seq": ack})

    def wait(self) -> dict[str, Any]:
        """Wait for the end of the run, and return the block of the tool call, or of the text."""
        while not self.reader.blocks.get("run", {}).get("closed"):
            time.sleep(0.01)
        return next(
            block for block in self.reader.blocks.values() if block["kind"] in ("tool", "text")
        )


def text_of(size: int, line: str = "") -> str:
    """Return a text of about that many bytes; made without taking more than its own memory."""
    line = line or "".join(map("{:07d} ".format, range(1000)))
    return line * (size // len(line))


def deltas(count: int) -> Iterator[e.Event]:
    for number in range(count):
        yield e.TextDelta(id="t", delta=f"{number % 1000:3d} ")


def live(size: int) -> Run:
    """Return a run of an agent whose tool returns a large text."""

    def dump() -> str:
        """Returns a large text."""
        return text_of(size)

    server = Server(chat(calls=[("call_1", "dump", "{}")]), chat("done")).__enter__()
    return Run(Agent("test", client=server.client(), api="chat", tools=[dump]).stream("dump"))


def decoded(size: int, unit: str = "") -> Run:
    """Return a text result in a stream from elsewhere."""

    def stream() -> Iterator[e.Event]:
        yield e.ToolStart(id="c", name="dump")
        yield e.ToolResult(id="c", content=text_of(size, unit))

    return Run(stream())


CASES: dict[str, Callable[[int], Run]] = {
    "deltas": lambda count: Run(deltas(count)),
    "an agent's tool": live,
    "a text in a stream": decoded,
    "JSON text in a stream": lambda size: decoded(
        size, '[{"name": "é", "value": [1, 2.5, null]},\n'
    ),
    "a text in a stream, not ASCII": lambda size: decoded(size, "naïve — 日本語 "),
}


def peak() -> int:
    """Return the most bytes that this process has had in memory."""
    status = Path("/proc/self/status")
    if status.exists():  # the other figure is inherited from whoever started this process
        return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def main(case: str, size: int) -> None:
    """Run the case, read everything, and print the figures."""
    before, began = peak(), time.monotonic()
    run = CASES[case](size)
    page = SimulatedPage(run)
    run.start()
    run.wait(600)
    shown = page.wait()
    output = sys.getsizeof(run.text if case == "deltas" else run.tools[0].result)
    same = run.text == shown["text"] if case == "deltas" else read(run, page, shown)
    print(
        json.dumps(
            {
                "growth": peak() - before,
                "output": output,
                "largest": page.largest,
                "same": same,
                "events": len(run.events),
                "seconds": round(time.monotonic() - began, 1),
            }
        )
    )


def read(run: Run, page: SimulatedPage, shown: dict[str, Any]) -> bool:
    """Read a tool's result page by page, and return whether it is the text that the tool
    returned.
    """
    marker, at, whole = shown["result"]["text/plain"], 0, run.tools[0].result
    while at < marker["size"]:
        text, size = run.page(marker["part"], at, PAGE_BYTES)
        if size != len(whole) or text != whole[at : at + len(text)] or not text:
            return False
        at += len(text)
    return at == len(whole)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
