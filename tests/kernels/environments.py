"""Environments with the ipykernels that nbagent is tried with, each in its own folder under `.venv/kernels`.

`PYTHONPATH=tests python -m kernels.environments` makes those that are missing. What runs in them is the working tree's nbagent.

A kernel may only interrupt, answer comms on subshells, or know which subshell a front end chose in some of its versions; so the
oldest that still gets fixes, the last one before the newest, and the newest are tried.
"""

import os
from pathlib import Path

import environment

VERSIONS = ("6.31.0", "7.3.0", "7.4.0")


def folder() -> Path:
    """Where the environments are; `NBAGENT_KERNELS` names another place."""
    return Path(os.environ.get("NBAGENT_KERNELS", environment.ROOT / ".venv" / "kernels"))


def python_of(version: str) -> Path:
    """Return the interpreter whose ipykernel is `version`."""
    return environment.python_of(folder() / version)


if __name__ == "__main__":
    for version in VERSIONS:
        environment.make(folder() / version, f"ipykernel=={version}", "psutil")
        print(python_of(version))
