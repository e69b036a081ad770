"""The state of a widget, for a page that asks for it again after a reload, and may not hear the answer.

A page that has no answer to `request_state` from one widget shows none of the notebook's (ipywidgets' manager waits for all of
them, for ever), and Jupyter's server drops whatever comes while a rate is exceeded: next to a cell that prints fast, say. So an
answer is repeated until a view has spoken. The protocol is `messages.md` in https://github.com/jupyter-widgets/ipywidgets.
"""

import contextvars
import threading
from collections.abc import Callable
from typing import Any

WAITS = (2.0, 4.0, 8.0, 16.0, 32.0)
"""Seconds before each repetition; the server's own limit is lifted three seconds after a flood."""


def repeat_state(widget: Any, heard: Callable[[], int]) -> None:
    """Say the widget's state again to a page that has asked for it, while no view speaks.

    Args:
        widget: one of ipywidgets, with a comm.
        heard: how many messages of views have come so far.
    """
    take: Callable[[Any], None] = widget._handle_msg

    def repeat(before: int, context: contextvars.Context, waits: tuple[float, ...]) -> None:
        if not waits:
            return

        def say() -> None:
            if widget.comm is not None and heard() == before:
                context.run(widget.send_state)  # the page goes by what message is answered
                repeat(before, context, waits[1:])

        timer = threading.Timer(waits[0], say)
        timer.daemon = True
        timer.start()

    def receive(message: dict[str, Any]) -> None:
        take(message)
        if message["content"]["data"].get("method") == "request_state":
            repeat(heard(), contextvars.copy_context(), WAITS)

    widget.comm.on_msg(receive)
