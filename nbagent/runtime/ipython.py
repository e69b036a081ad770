"""IPython, where it runs.

It is looked up and never imported, since a plain script need not load it.
"""

import sys
from typing import Any


def ipython_shell() -> Any:
    """Return IPython's shell (`get_ipython()`); None if this process does not run IPython."""
    # It has no `get_ipython` yet while another thread imports it.
    get = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return None if get is None else get()


def ipython_kernel() -> Any:
    """Return the Jupyter kernel of IPython's shell; None outside of a kernel."""
    return getattr(ipython_shell(), "kernel", None)
