"""The notebook that this code runs in."""

import contextlib
import sys
from collections.abc import Mapping
from typing import Any

from nbagent.runtime.ipython import ipython_shell


def notebook_variables() -> Mapping[str, Any]:
    """Return the variables of the notebook whose cell runs on this thread, by name, as they are at
    any time.

    Of IPython, else of marimo; none outside of a notebook.
    """
    shell = ipython_shell()
    if shell is not None:
        return shell.user_ns  # type: ignore[no-any-return]
    with contextlib.suppress(Exception):  # private: marimo has no public interface for it
        return sys.modules["marimo._runtime.context"].get_context().globals  # type: ignore[no-any-return]
    return {}
