"""JupyterLite on the site: notebooks whose kernel is Pyodide, in the reader's browser.

Nothing in it is loaded from elsewhere: Pyodide and the wheels are files of the site.
"""

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from packaging.utils import parse_wheel_filename

from website.bytecode import compiled
from website.wheels import PYODIDE, ROOT, lock

WHEELS = ROOT / "build" / "page"
"""Made by `python -m website.wheels`."""

ENVIRONMENT = ROOT / "build" / "lite"
"""An environment of its own: its extensions are for no other JupyterLab."""

JUPYTER = ENVIRONMENT / "bin" / "jupyter"
EXTENSION = "@jupyterlite/pyodide-kernel-extension"
OF_KERNEL = ("ipykernel", "piplite", "pyodide_kernel")
"""Names of the wheels of that extension that its kernel needs."""

BANNER = Path(__file__).with_name("banner.js")
CELLS = Path(__file__).with_name("cells")
"""Folder of notebooks. Their cells stand in a page for those of the same id in the tutorial of the
same name, since a page has no pandas and no Matplotlib.
"""

LIMIT_BYTES = 22_000_000
"""Bytes of Python that a page may load before a notebook can be run, gzipped.

JupyterLab's own scripts come besides: a tenth of them.
"""

RUNTIME = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
PYTHON = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}


def build(folder: Path, notebooks: Path) -> None:
    """Build JupyterLite.

    Args:
        folder: that gets it.
        notebooks: folder of the notebooks in it, and of the files that they read.

    Raises:
        subprocess.CalledProcessError: JupyterLite or the wheel could not be built.
        ValueError: a page would load more than `LIMIT_BYTES`; `CELLS` has a cell that its notebook
            has not.
    """
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        wheel = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", name]
        subprocess.run([*wheel, str(ROOT)], check=True, stdout=subprocess.DEVNULL)
        wheels = compiled([*work.glob("*.whl"), *_wheels()], work / "compiled")
        _write_python(work / "lite", wheels)
        _write_notebooks(notebooks, work / "notebooks")
        command = [str(JUPYTER), "lite", "build", "--lite-dir", str(work / "lite")]
        command += ["--contents", str(work / "notebooks"), "--output-dir", str(folder.absolute())]
        command += ["--no-sourcemaps"]
        # In that folder: doit leaves a file where it runs.
        subprocess.run(command, cwd=work, check=True, stdout=subprocess.DEVNULL)
    size = _size(folder)
    print(f"Python in a page: {size:,} bytes, gzipped; at most {LIMIT_BYTES:,}")
    if size > LIMIT_BYTES:
        raise ValueError(f"Python in a page has {size:,} bytes; at most {LIMIT_BYTES:,}")
    _add_banner(folder, round(size / 1e6))


def address(notebook: str) -> str:
    """Return the address of a notebook, from where JupyterLite is."""
    return f"lab/index.html?path={notebook}"


def _size(folder: Path) -> int:
    files = (folder / "static" / "pyodide").iterdir()
    return sum(len(gzip.compress(path.read_bytes(), 6)) for path in files)


def _add_banner(folder: Path, megabytes: int) -> None:
    shutil.copy(BANNER, folder / BANNER.name)
    page = folder / "lab" / "index.html"
    script = f'<script src="../{BANNER.name}" data-megabytes="{megabytes}"></script>'
    page.write_text(page.read_text("utf-8").replace("</body>", f"{script}</body>"), "utf-8")


def _wheels() -> list[Path]:
    """Return the wheels of nbagent's dependencies, and those of the kernel."""
    pypi = ENVIRONMENT / "share" / "jupyter" / "labextensions" / EXTENSION / "static" / "pypi"
    kernels = [path for name in OF_KERNEL for path in pypi.glob(f"{name}-*.whl")]
    return [*kernels, *WHEELS.glob("*.whl"), *WHEELS.glob("installer/*.whl")]


def _write_notebooks(notebooks: Path, folder: Path) -> None:
    """Write the notebooks of a folder into another one, for the kernel in the page."""
    shutil.copytree(notebooks, folder)
    for path in folder.glob("*.ipynb"):
        notebook = json.loads(path.read_text("utf-8"))
        notebook["metadata"]["kernelspec"] = PYTHON
        others = _cells_in_page(path.name)
        for cell in notebook["cells"]:
            cell["source"] = others.pop(cell["id"], cell["source"])
        if others:
            raise ValueError(f"{path.name} has no cells {', '.join(others)}, as {CELLS} has")
        path.write_text(json.dumps(notebook), "utf-8")


def _cells_in_page(notebook: str) -> dict[str, str | list[str]]:
    """Return the sources of the cells that a page has in place of a notebook's, by id."""
    path = CELLS / notebook
    if not path.exists():
        return {}
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return {cell["id"]: cell["source"] for cell in cells}


def _write_python(folder: Path, wheels: list[Path]) -> None:
    """Write Pyodide, the wheels that it loads at its start, and the settings of the kernel."""
    runtime = folder / "static" / "pyodide"
    runtime.mkdir(parents=True)
    for path in [*(PYODIDE / name for name in RUNTIME), *wheels]:
        shutil.copy(path, runtime)
    packages = dict(map(_package, wheels))
    (runtime / "pyodide-lock.json").write_text(json.dumps(lock() | {"packages": packages}), "utf-8")
    kernel = {
        "pyodideUrl": "./static/pyodide/pyodide.mjs",
        "loadPyodideOptions": {"packages": list(packages)},
        "disablePyPIFallback": True,
    }
    settings = {
        "jupyter-lite-schema-version": 0,
        "jupyter-config-data": {
            "exposeAppInBrowser": True,
            "litePluginSettings": {f"{EXTENSION}:kernel": kernel},
        },
    }
    (folder / "jupyter-lite.json").write_text(json.dumps(settings), "utf-8")


def _package(wheel: Path) -> tuple[str, dict[str, Any]]:
    """Return the name of a wheel, and its entry in Pyodide's lock.

    It depends on none, since all are loaded.
    """
    name, version, _, _ = parse_wheel_filename(wheel.name)
    entry = {
        "name": name,
        "version": str(version),
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "package_type": "package",
        "imports": [],
        "depends": [],
    }
    return name, entry
