"""The text that a view shows of a stream, to be compared with the kernel's, byte for byte."""

import time
from collections.abc import Iterable
from pathlib import Path

from browser.lab import Notebook

STREAMS = (Path(__file__).parent / "streams.py").read_text()
"""A cell: `show()` and `flood()` for the cells that follow it."""
REPAIRED = 60
"""Seconds after the end in which every view must agree with the kernel: the beats of an ended run
come for as long.
"""

CODE = "(view) => view.querySelector('.nb-answer code')?.textContent ?? ''"
# A long text is in the page only where the reader is: so this reads it from top to bottom.
PARAGRAPHS = """async (view) => {
  const log = view.querySelector('.nb-log');
  const found = new Map();
  for (let top = 0; ; top += 4000) {
    log.scrollTop = top;
    await new Promise((resolve) => setTimeout(resolve, 60));
    let last = -1;
    for (const { textContent: text } of view.querySelectorAll('.nb-answer p')) {
      const number = parseInt(text);
      if (number <= last) return `paragraph ${number} stands after ${last}`;
      found.set((last = number), text);
    }
    if (top >= log.scrollHeight - log.clientHeight) return [...found.values()].join('\\n\\n');
  }
}"""


def body(text: str, form: str) -> str:
    """Return the text that a reader should see of the Markdown."""
    return text.strip() if form == "paragraphs" else text.removeprefix("```\n")


def wait_until_shown(book: Notebook, cell: int, form: str, texts: Iterable[str]) -> list[str]:
    """Return the text of each view below a cell, as soon as it is the expected one, or when the
    time is up.
    """
    wanted = [body(text, form) for text in texts]
    deadline = time.monotonic() + REPAIRED
    while True:
        shown = [
            view.evaluate(PARAGRAPHS if form == "paragraphs" else CODE)
            for view in book.widget(cell).all()
        ]
        if shown == wanted or time.monotonic() > deadline:
            return shown
        time.sleep(0.5)


def wait_for_files(paths: Iterable[Path], patience: float = 120) -> None:
    missing = list(paths)
    deadline = time.monotonic() + patience
    while missing := [path for path in missing if not path.exists()]:
        assert time.monotonic() < deadline, f"the runs did not end: {missing}"
        time.sleep(0.2)
