"""The environment with the notebooks besides JupyterLab that nbagent is tried in, under `.venv/frontends`.

`PYTHONPATH=tests python -m frontends.environment` makes it, if it is missing. What runs in it is the working tree's nbagent.
"""

import os
from pathlib import Path

import environment

PACKAGES = ("notebook==7.6.5", "voila==0.5.13", "marimo==0.25.2")


def folder() -> Path:
    """Where the environment is; `NBAGENT_FRONTENDS` names another place."""
    return Path(os.environ.get("NBAGENT_FRONTENDS", environment.ROOT / ".venv" / "frontends"))


def python() -> Path:
    """Its interpreter."""
    return environment.python_of(folder())


def is_there() -> bool:
    """Return True if it is made, and whole."""
    return environment.is_whole(folder())


if __name__ == "__main__":
    environment.make(folder(), *PACKAGES)
    print(python())
