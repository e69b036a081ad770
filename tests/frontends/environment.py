"""The environments of the front ends besides JupyterLab that nbagent is tested in, each in its own
folder under `.venv`.

`PYTHONPATH=tests python -m frontends.environment` makes those that are missing. They import nbagent
from the working tree.
"""

import os
from pathlib import Path

import environment

FRONT_ENDS = "frontends"
PACKAGES = {
    # nbclassic has MathJax 2, which the pages of nbconvert load from a CDN.
    FRONT_ENDS: ("notebook==7.6.5", "voila==0.5.13", "marimo==0.25.2", "nbclassic==1.3.3"),
    # What changes JupyterLab for all notebooks stands alone.
    "panel": ("jupyterlab==4.6.6", "panel==1.9.4"),
    "collaboration": ("jupyterlab==4.6.6", "jupyter-collaboration==5.0.4"),
    "server-documents": ("jupyterlab==4.6.6", "jupyter-server-documents==0.3.3"),
    "server-nbmodel": (
        "jupyterlab==4.6.6",
        "jupyter-collaboration==5.0.4",
        "jupyter-server-nbmodel==0.2.9",
    ),
}
"""Packages by the environment's name."""


def folder(name: str = FRONT_ENDS) -> Path:
    """Return the folder of an environment; `NBAGENT_FRONTENDS` overrides that of the first, and the
    others stand beside it.
    """
    first = Path(os.environ.get("NBAGENT_FRONTENDS", environment.ROOT / ".venv" / FRONT_ENDS))
    return first.with_name(name) if name != FRONT_ENDS else first


def python(name: str = FRONT_ENDS) -> Path:
    """Return the interpreter of an environment."""
    return environment.python_of(folder(name))


def mathjax2() -> Path:
    """Return the folder of MathJax 2, the version that the pages of nbconvert load."""
    return next(folder().glob("**/nbclassic/static/components/MathJax"))


def is_there(name: str = FRONT_ENDS) -> bool:
    """Return True if an environment exists and is complete."""
    return environment.is_whole(folder(name))


if __name__ == "__main__":
    for name, packages in PACKAGES.items():
        environment.make(folder(name), *packages)
        print(python(name))
