"""IPython, where it runs.

It is looked up and never imported, since a plain script need not load it.
"""

import sys
from typing import Any


def ipython_shell() -> Any:
    """Return IPython's shell (`get_ipython()`); None if this process does not run IPython."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def ipython_kernel() -> Any:
    """Return the Jupyter kernel of IPython's shell; None outside of a kernel."""
    return getattr(ipython_shell(), "kernel", None)
