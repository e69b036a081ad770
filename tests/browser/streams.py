"""Streams that put load on a notebook.

The source is run as a cell: `run` and `flood` are for the cells that follow.
"""

import random
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbagent
from nbagent import events as e
from nbagent.run import Run

WORDS = (
    "plain words",
    "né à Zürich",
    "ελληνικά",
    "日本語の文字",
    "שלום",
    "😀 and 👩‍👩‍👧 and 🇨🇭",
    "e\u0301 combined",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
)


def lines(chance: random.Random, apart: str) -> Iterator[str]:
    """Yield numbered lines without end."""
    number = 0
    while True:
        yield f"{number:06d} {' '.join(chance.choices(WORDS, k=chance.randint(1, 6)))}{apart}"
        number += 1


def deltas(chance: random.Random, apart: str, count: int) -> Iterator[str]:
    """Yield `count` pieces of one to eight characters, cut anywhere, and the rest of the last
    line.
    """
    waiting, source = "", lines(chance, apart)
    for _ in range(count):
        size = chance.randint(1, 8)
        while len(waiting) < size:
            waiting += next(source)
        yield waiting[:size]
        waiting = waiting[size:]
    yield waiting


def events(form: str, seed: int, count: int) -> Iterator[e.Event]:
    """Yield an answer of `count` deltas: `"code"` in one fence, `"paragraphs"`, or a `"thought"`
    and then code, half each.
    """
    chance = random.Random(seed)
    if form == "thought":
        count //= 2
        yield e.ReasoningDelta(id="thought", delta="```\n")
        yield from (
            e.ReasoningDelta(id="thought", delta=piece) for piece in deltas(chance, "\n", count)
        )
        yield e.ReasoningEnd(id="thought")
    fenced = form != "paragraphs"
    if fenced:
        yield e.TextDelta(id="answer", delta="```\n")
    yield from (
        e.TextDelta(id="answer", delta=piece)
        for piece in deltas(chance, "\n" if fenced else "\n\n", count)
    )


def paced(items: Iterable[e.Event], rate: float) -> Iterator[e.Event]:
    """Yield the items at `rate` a second; a late one makes the next ones come sooner."""
    began = time.monotonic()
    for number, item in enumerate(items):
        if (early := began + number / rate - time.monotonic()) > 0.01:
            time.sleep(early)
        yield item


def show(
    form: str,
    seed: int,
    rate: float,
    seconds: float,
    log: str,
    begin: threading.Event | None = None,
) -> Run:
    """Show one stream; at its end its results are in `LOG.text` and `LOG.thinking`, and its time in
    `LOG.seconds`.

    Args:
        begin: the stream waits for it; None if it starts at once.
    """
    began = time.monotonic()

    def stream() -> Iterator[e.Event]:
        nonlocal began
        if begin is not None:
            begin.wait()
        began = time.monotonic()
        yield from paced(events(form, seed, int(rate * seconds)), rate)

    run = nbagent.show(stream(), name=log)

    def write() -> None:
        Path(f"{log}.text").write_text(run.text)
        Path(f"{log}.thinking").write_text(run.thinking)
        took = Path(f"{log}.took")
        took.write_text(str(time.monotonic() - began))
        took.rename(f"{log}.seconds")

    run.on_end(write)
    return run


def flood(rate: float, seconds: float) -> None:
    """Print `rate` bytes a second."""
    began = time.monotonic()
    block = ("." * 99 + "\n") * int(rate / 100 / 100)
    for number in range(int(seconds * 100)):
        time.sleep(max(0.0, began + number / 100 - time.monotonic()))
        print(block, end="")


def flood_beside(rate: float, seconds: float) -> None:
    """Print `rate` bytes a second from a thread, after the cell is done."""
    threading.Thread(target=flood, args=(rate, seconds), daemon=True).start()
