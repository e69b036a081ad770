"""pandas, which is imported where a table is asked for."""

from typing import Any

from nbagent.errors import MissingExtra


def pandas_module() -> Any:
    """Return the package.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise MissingExtra("A table", "lab") from None
    return pandas
