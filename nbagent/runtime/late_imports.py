"""Late imports: functions of higher floors that methods of objects on lower ones call, such as
`run.fork`.

The package names them when it is imported; a module is imported when its function is first used.
"""

import importlib
from collections.abc import Callable
from typing import Any

_paths: dict[str, str] = {}


def name_late_imports(**paths: str) -> None:
    """Name functions, each as `"package.module:function"`."""
    _paths.update(paths)


def late_import(name: str) -> Callable[..., Any]:
    """Return the function of that name."""
    module, _, function = _paths[name].partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found
