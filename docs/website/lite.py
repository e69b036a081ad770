"""JupyterLite on the site: notebooks whose kernel is Pyodide, in the reader's browser.

Nothing in it is loaded from elsewhere: Pyodide and the wheels are files of the site.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from website.wheels import PYODIDE, ROOT, lock

WHEELS = ROOT / "build" / "page"
"""Made by `python -m website.wheels`."""

JUPYTER = ROOT / "build" / "lite" / "bin" / "jupyter"
"""Of an environment of its own: its extensions are for no other JupyterLab."""

RUNTIME = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
PYTHON = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"


def build(folder: Path, notebooks: Path) -> None:
    """Build JupyterLite.

    Args:
        folder: that gets it.
        notebooks: folder of the notebooks in it.

    Raises:
        subprocess.CalledProcessError: JupyterLite or the wheel could not be built.
    """
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        wheel = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", name]
        subprocess.run([*wheel, str(ROOT)], check=True, stdout=subprocess.DEVNULL)
        wheels = [*work.glob("*.whl"), *WHEELS.glob("*.whl")]
        _write_settings(work / "lite")
        _write_notebooks(notebooks, work / "notebooks")
        command = [str(JUPYTER), "lite", "build", "--lite-dir", str(work / "lite")]
        command += ["--contents", str(work / "notebooks"), "--output-dir", str(folder.absolute())]
        for path in wheels:
            command += ["--piplite-wheels", str(path)]
        # In that folder: doit leaves a file where it runs.
        subprocess.run(command, cwd=work, check=True, stdout=subprocess.DEVNULL)


def _write_notebooks(notebooks: Path, folder: Path) -> None:
    """Write the notebooks of a folder into another one, for the kernel in the page."""
    folder.mkdir()
    for path in notebooks.glob("*.ipynb"):
        notebook = json.loads(path.read_text("utf-8"))
        notebook["metadata"]["kernelspec"] = PYTHON
        (folder / path.name).write_text(json.dumps(notebook), "utf-8")


def _write_settings(folder: Path) -> None:
    """Write Pyodide, which knows micropip alone, and the settings of the kernel."""
    runtime = folder / "static" / "pyodide"
    runtime.mkdir(parents=True)
    for name in RUNTIME:
        shutil.copy(PYODIDE / name, runtime / name)
    micropip = lock()["packages"]["micropip"]
    wheel = WHEELS / "installer" / micropip["file_name"]
    shutil.copy(wheel, runtime)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    known = lock() | {"packages": {"micropip": micropip | {"sha256": digest}}}
    (runtime / "pyodide-lock.json").write_text(json.dumps(known), "utf-8")
    kernel = {"pyodideUrl": "./static/pyodide/pyodide.mjs", "disablePyPIFallback": True}
    settings = {
        "jupyter-lite-schema-version": 0,
        "jupyter-config-data": {"litePluginSettings": {KERNEL: kernel}},
    }
    (folder / "jupyter-lite.json").write_text(json.dumps(settings), "utf-8")
