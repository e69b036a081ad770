"""Messages of views to a kernel in a page (JupyterLite), while a cell awaits.

Such a kernel delivers a view's message when the cell has ended. A `BroadcastChannel` reaches the
kernel's worker whenever its event loop runs
(https://developer.mozilla.org/docs/Web/API/BroadcastChannel).
"""

import json
from collections.abc import Callable
from typing import Any


class BroadcastReader:
    """Reads the channel of one widget until it is closed.

    Args:
        name: of the channel.
        listener: called with each message.
    """

    def __init__(self, name: str, listener: Callable[[Any], None]) -> None:
        from pyodide.code import run_js  # type: ignore[import-not-found]
        from pyodide.ffi import create_proxy  # type: ignore[import-not-found]

        self._on_message = create_proxy(lambda event: listener(json.loads(event.data)))
        self._channel = run_js("BroadcastChannel").new(name)
        self._channel.onmessage = self._on_message

    def close(self) -> None:
        """Read no more."""
        self._channel.close()
        self._on_message.destroy()
