"""The answer that every contestant streams: Markdown of all usual kinds, in deltas of four
characters, 500 of them a second.
"""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

DELTA_CHARS = 4
"""Characters in one delta."""
DELTAS_PER_S = 500
"""Deltas a second."""
PACKET_DELTAS = 5
"""Deltas that arrive together, as over a network: a hundred packets a second."""
END = "quod-erat-demonstrandum"
"""The last word; it occurs nowhere else."""

SECTIONS = (
    """\
## Step {}: read the data

The file has **twelve columns**, of which *three* are empty; `load_table()` drops them and keeps the rest, as the
[manual](https://docs.example.com/load) asks. What is left fits into memory, so nothing needs to be read in pieces.

- rows with a `NaN` price go first
- then the duplicates, by **order number**
  - the newest of each stays
- what remains is sorted by date

""",  # noqa: E501
    """\
## Step {}: fit a line

A straight line is enough here: the residuals show no trend, and a second-order term changes the error by less than one
percent. This is the whole of it:

```python
def slope(xs: list[float], ys: list[float]) -> float:
    mean_x, mean_y = fmean(xs), fmean(ys)
    top = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys))
    return top / sum((x - mean_x) ** 2 for x in xs)
```

""",  # noqa: E501
    """\
## Step {}: compare

Both models were given the same split. The *larger* one wins by little, and costs **four times** as much to run:

| model | error | seconds |
| :--- | ---: | ---: |
| line | 0.184 | 0.02 |
| forest | 0.171 | 1.30 |

> A tenth of the error is within the noise of one split.

1. repeat with ten splits
2. then decide

""",  # noqa: E501
)
FILLER = "The rest goes on in the same way, step by step, and is left to the reader. "


def answer(deltas: int) -> str:
    """Return the Markdown text of that many deltas; it ends with `END`."""
    size = deltas * DELTA_CHARS - len(END) - 2
    text = ""
    for number in itertools.count(1):
        if len(text) >= size:
            break
        text += SECTIONS[number % len(SECTIONS)].format(number)
    # Cut between two sections, and filled with a plain paragraph, so that the last word is a
    # paragraph of its own.
    end = text.rfind("\n\n## ", 0, size)
    text = text[: end + 2] if end != -1 else ""
    missing = size - len(text)
    return text + (FILLER * (missing // len(FILLER) + 1))[:missing] + "\n\n" + END


async def stream(deltas: int, log: str) -> AsyncIterator[str]:
    """Yield the answer in deltas, at their pace.

    Args:
        deltas: number of deltas.
        log: a file to write the time of the last delta to (JSON, seconds since the epoch), just
            before it is yielded.
    """
    text = answer(deltas)
    began = time.perf_counter()
    for index in range(deltas):
        if index and index % PACKET_DELTAS == 0:
            await asyncio.sleep(max(0.0, began + index / DELTAS_PER_S - time.perf_counter()))
        if index == deltas - 1:
            Path(log).write_text(json.dumps(time.time()))
        yield text[index * DELTA_CHARS : (index + 1) * DELTA_CHARS]
