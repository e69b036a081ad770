"""Environments with the ipykernels that nbagent is tried with, each in its own folder under `.venv/kernels`.

`python tests/kernels/environments.py` makes those that are missing. What runs in them is the working tree's nbagent.

A kernel may only interrupt, answer comms on subshells, or know which subshell a front end chose in some of its versions; so the
oldest that still gets fixes, the last one before the newest, and the newest are tried.
"""

import os
import subprocess
import sys
import tomllib
import venv
from importlib.metadata import distribution
from pathlib import Path

VERSIONS = ("6.31.0", "7.3.0", "7.4.0")

ROOT = Path(__file__).parents[2]


def folder() -> Path:
    """Where the environments are; `NBAGENT_KERNELS` names another place."""
    return Path(os.environ.get("NBAGENT_KERNELS", ROOT / ".venv" / "kernels"))


def python_of(version: str) -> Path:
    """The interpreter whose ipykernel is `version`."""
    return folder() / version / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def make(version: str) -> None:
    """Make the environment of one version, if it is not there or is not whole."""
    whole = folder() / version / "whole"
    if whole.exists():
        return
    venv.create(folder() / version, with_pip=True, clear=True)
    needs: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    install = [str(python_of(version)), "-m", "pip", "install", "--quiet", f"ipykernel=={version}", "psutil", *needs]
    subprocess.run(install, check=True)
    purelib = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.run([python_of(version), "-c", purelib], check=True, capture_output=True, text=True).stdout.strip()
    # What an editable install leaves behind; a real one would build the view once more for each environment.
    ours = distribution("jupyter-nbagent")
    (Path(packages) / "jupyter-nbagent.pth").write_text(f"{ROOT}\n", "utf-8")
    info = Path(packages) / f"jupyter_nbagent-{ours.version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(ours.read_text("METADATA") or "", "utf-8")
    whole.touch()


if __name__ == "__main__":
    for version in VERSIONS:
        make(version)
        print(python_of(version))
