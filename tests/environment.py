"""Virtual environments with the working tree's nbagent and the packages of a test."""

import re
import subprocess
import sys
import tomllib
import venv
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).parents[1]


def python_of(folder: Path) -> Path:
    """Return the interpreter of the environment in that folder."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def is_whole(folder: Path) -> bool:
    """Return True if everything is installed there."""
    return (folder / "whole").exists()


def make(folder: Path, *packages: str, without: str | None = None) -> None:
    """Make the environment, if it is missing, incomplete, or was made of other packages.

    Args:
        folder: the environment's folder.
        packages: what pip installs besides nbagent's own dependencies.
        without: a dependency of nbagent that one of `packages` requires in a version of its own.
    """
    needs: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "dependencies"
    ]
    needed = [need for need in needs if re.split(r"\W", need)[0] != without]
    wanted = "\n".join([*packages, *needed])
    if is_whole(folder) and (folder / "whole").read_text("utf-8") == wanted:
        return
    venv.create(folder, with_pip=False, clear=True)
    python = python_of(folder)
    # With our own pip: the one that Python brings may be so old that it never finds versions that
    # go together.
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    subprocess.run([*pip, "install", "--quiet", *packages, *needed], check=True)
    purelib = "import sysconfig; print(sysconfig.get_path('purelib'))"
    installed = subprocess.run(
        [python, "-c", purelib], check=True, capture_output=True, text=True
    ).stdout.strip()
    link(Path(installed))
    (folder / "whole").write_text(wanted, "utf-8")


def link(packages: Path) -> None:
    """Write what an editable install leaves in a folder of packages.

    A real one would build the view once more for each environment.
    """
    ours = distribution("jupyter-nbagent")
    (packages / "jupyter-nbagent.pth").write_text(f"{ROOT}\n", "utf-8")
    info = packages / f"jupyter_nbagent-{ours.version}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(ours.read_text("METADATA") or "", "utf-8")
