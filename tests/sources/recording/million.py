"""A million events recorded while they are shown, and played again at once; prints figures as JSON.

python tests/sources/recording/million.py FILE COUNT
"""

import json
import resource
import sys
import time
from collections.abc import Iterator
from typing import Any

import nbagent
from nbagent import events as e
from nbagent.run import Run


def deltas(count: int) -> Iterator[e.Event]:
    for number in range(count):
        yield e.TextDelta(id="t", delta=f"{number % 1000:3d} ")


def peak() -> int:
    """Return the most bytes that this process has had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def played(source: Any) -> tuple[Run, float]:
    run = Run(source)
    began = time.perf_counter()
    run.start()
    return run.wait(), time.perf_counter() - began


def main(path: str, count: int) -> dict[str, Any]:
    before = peak()
    with nbagent.record(path):
        written, write_seconds = played(deltas(count))
    recorded = peak()
    read, read_seconds = played(nbagent.replay(path, speed=0))
    return {
        "same": written.text == read.text and len(written.text) == 4 * count,
        "status": read.status,
        "written": count / write_seconds,
        "read": count / read_seconds,
        "growth": max(recorded - before, peak() - recorded),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
