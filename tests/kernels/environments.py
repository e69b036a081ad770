"""Environments of the ipykernels that nbagent is tested with, each in its own folder under
`.venv/kernels`.

`PYTHONPATH=tests python -m kernels.environments` makes those that are missing. They import nbagent
from the working tree.

Versions differ in interrupts, comms on subshells, and knowledge of the subshell that a front end
chose; so the oldest version that still gets fixes, the last one before the newest, and the newest
are tested.
"""

import os
from pathlib import Path

import environment

VERSIONS = ("6.31.0", "7.3.0", "7.4.0")


def folder() -> Path:
    """Return the folder of the environments; `NBAGENT_KERNELS` overrides it."""
    return Path(os.environ.get("NBAGENT_KERNELS", environment.ROOT / ".venv" / "kernels"))


def python_of(version: str) -> Path:
    """Return the interpreter of the environment with ipykernel `version`."""
    return environment.python_of(folder() / version)


if __name__ == "__main__":
    for version in VERSIONS:
        environment.make(folder() / version, f"ipykernel=={version}", "psutil")
        print(python_of(version))
