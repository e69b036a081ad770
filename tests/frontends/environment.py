"""The environment of the front ends besides JupyterLab that nbagent is tested in, under `.venv/frontends`.

`PYTHONPATH=tests python -m frontends.environment` makes it, if it is missing. It imports nbagent from the working tree.
"""

import os
from pathlib import Path

import environment

PACKAGES = ("notebook==7.6.5", "voila==0.5.13", "marimo==0.25.2", "nbclassic==1.3.3")
"""nbclassic has MathJax 2, which the pages of nbconvert load from a CDN."""


def folder() -> Path:
    """Return the folder of the environment; `NBAGENT_FRONTENDS` overrides it."""
    return Path(os.environ.get("NBAGENT_FRONTENDS", environment.ROOT / ".venv" / "frontends"))


def python() -> Path:
    """Return its interpreter."""
    return environment.python_of(folder())


def mathjax2() -> Path:
    """Return the folder of MathJax 2, the version that the pages of nbconvert load."""
    return next(folder().glob("**/nbclassic/static/components/MathJax"))


def is_there() -> bool:
    """Return True if the environment exists and is complete."""
    return environment.is_whole(folder())


if __name__ == "__main__":
    environment.make(folder(), *PACKAGES)
    print(python())
