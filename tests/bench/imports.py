"""Benchmark of `import nbagent` beside `import anywidget`, which it builds on, and of a first run
beside the imports that it needs: whole processes, in turn.

python tests/bench/imports.py [rounds]
"""

import compileall
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec

from campaign import figure

FIRST_RUN = "import nbagent; nbagent.show(iter(['Hello'])).wait()"
STATEMENTS = (
    "pass",
    "import anywidget",
    "import nbagent",
    "import ipywidgets, openai",
    FIRST_RUN,
)


def seconds(statement: str) -> float:
    began = time.perf_counter()
    command = [sys.executable, "-c", statement]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main(rounds: int = 15) -> None:
    found = find_spec("nbagent")
    assert found is not None
    for folder in found.submodule_search_locations or ():
        # as whoever installs a wheel has it, and anywidget here
        compileall.compile_dir(folder, quiet=1)
    for statement in STATEMENTS:
        seconds(statement)  # once, so that the files are in memory
    taken = [[seconds(statement) for statement in STATEMENTS] for _ in range(rounds)]
    bare, *costs = (statistics.median(column) for column in zip(*taken, strict=True))
    anywidget, nbagent, libraries, first_run = (cost - bare for cost in costs)
    report("import nbagent, beside import anywidget (cap 1.5 x)", nbagent, anywidget)
    report("a first run, beside import ipywidgets, openai", first_run, libraries)


def report(label: str, ours: float, theirs: float) -> None:
    """Print the ratio of two times in seconds."""
    result = f"{ours / theirs:.2f} x ({1000 * ours:.0f} ms beside {1000 * theirs:.0f} ms)"
    print(f"{label}: {result}")
    figure("import", label, result)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
