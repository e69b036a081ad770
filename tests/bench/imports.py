"""Benchmark of `import nbagent` beside `import anywidget`, which it builds on: whole processes, in
turn.

python tests/bench/imports.py [rounds]
"""

import compileall
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec

from campaign import figure

MODULES = ("pass", "import anywidget", "import nbagent")


def seconds(statement: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - began


def main(rounds: int = 15) -> None:
    found = find_spec("nbagent")
    assert found is not None
    for folder in found.submodule_search_locations or ():
        # as whoever installs a wheel has it, and anywidget here
        compileall.compile_dir(folder, quiet=1)
    for statement in MODULES:
        seconds(statement)  # once, so that the files are in memory
    taken = [[seconds(statement) for statement in MODULES] for _ in range(rounds)]
    bare, anywidget, nbagent = (statistics.median(column) for column in zip(*taken, strict=True))
    ratio = (nbagent - bare) / (anywidget - bare)
    result = (
        f"{ratio:.2f} x ({1000 * (nbagent - bare):.0f} ms beside {1000 * (anywidget - bare):.0f} "
        "ms)"
    )
    print(f"import nbagent, beside import anywidget: {result}")
    figure("import", "import nbagent, beside import anywidget (cap 1.5 x)", result)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
