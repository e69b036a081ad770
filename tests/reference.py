"""Writes the API reference, from the docstrings: `python tests/reference.py FOLDER`."""

import sys
import warnings
from pathlib import Path
from unittest import mock

import pdoc
import pdoc.render

import nbagent


def write(folder: Path) -> None:
    """Write the pages of the public names into a folder."""
    pdoc.render.configure(docformat="google")
    names = {name: getattr(nbagent, name) for name in nbagent.__all__}
    # pdoc looks for a name in its module's dictionary, where one that is imported on first use is
    # not.
    with mock.patch.dict(vars(nbagent), names), warnings.catch_warnings():
        # shown as text
        warnings.filterwarnings(
            "ignore", "Cannot determine where|Error parsing type annotation", module="pdoc"
        )
        pdoc.pdoc("nbagent", output_directory=folder)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
