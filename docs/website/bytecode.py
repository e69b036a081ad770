"""Wheels with byte code in place of source: a page need not compile what it imports.

That halves the time of the imports, 1.2 s of openai's alone (issue 37).
"""

import os
import zipfile
from collections.abc import Iterable
from pathlib import Path

from website.in_pyodide import run_in_pyodide
from website.wheels import unpack

LEFT_OUT = ("jedi/third_party/typeshed/stubs/", "jedi/third_party/django-stubs/")
"""Folders of 4,800 files, about packages that no page has: to unpack them took 1 s."""

KEEPS_SOURCE = ("anyio",)
"""Packages that read their own source: anyio imports its modules lazily by it."""

_COMPILE = """
import os, py_compile, sys
import IPython.core.interactiveshell, anywidget, ipywidgets, nbagent
def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b
await nbagent.Run(nbagent.Agent("demo", tools=[add]).stream("Add 1 and 2"))
for module in list(sys.modules.values()):
    file = getattr(module, "__file__", None) or ""
    if file.startswith({folder!r}) and file.endswith(".py"):
        wheel, _, shown = os.path.relpath(file, {folder!r}).partition("/")
        py_compile.compile(file, file + "c", shown, doraise=True)
"""


def compiled(wheels: Iterable[Path], folder: Path) -> list[Path]:
    """Write wheels with the byte code of the page's Python, for the modules that an agent's run
    imports, and return their paths.

    Args:
        wheels: to read.
        folder: that gets the wheels; it need not exist.

    Raises:
        RuntimeError: Pyodide failed.
    """
    sources = folder / "sources"
    names = []
    for wheel in wheels:
        unpack([wheel], sources / wheel.name)
        names.append(wheel.name)
    path = os.pathsep.join(str(sources / name) for name in names)
    run_in_pyodide(_COMPILE.format(folder=str(sources)), sources, PYTHONPATH=path)
    return [_packed(sources / name, folder / name) for name in names]


def _packed(source: Path, wheel: Path) -> Path:
    """Pack a folder as a wheel, without the source of what is compiled."""
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(source.rglob("*")):
            name = path.relative_to(source).as_posix()
            if path.is_file() and not _is_left_out(path, name):
                file.write(path, name)
    return wheel


def _is_left_out(path: Path, name: str) -> bool:
    """Return True for a file that no page needs: the source of what is compiled."""
    if name.startswith(LEFT_OUT):
        return True
    is_compiled = path.suffix == ".py" and path.with_suffix(".pyc").exists()
    return is_compiled and not name.startswith(KEEPS_SOURCE)
