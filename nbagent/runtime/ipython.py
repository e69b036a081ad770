"""IPython, where it runs. It is looked up and never imported, since a plain script need not load it."""

import sys
from collections.abc import Mapping
from typing import Any


def ipython_shell() -> Any:
    """Return IPython's shell (`get_ipython()`); None if this process does not run IPython."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def notebook_variables() -> Mapping[str, Any]:
    """Return the variables of the notebook, by name; none if this process does not run IPython."""
    shell = ipython_shell()
    variables: Mapping[str, Any] = {} if shell is None else shell.user_ns
    return variables


def ipython_kernel() -> Any:
    """Return the Jupyter kernel of IPython's shell; None outside of a kernel."""
    return getattr(ipython_shell(), "kernel", None)
