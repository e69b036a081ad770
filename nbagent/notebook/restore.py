"""Repeats the state of a widget to a page that has requested it after a reload and may have lost
the answer.

A page that misses one answer to `request_state` shows none of the notebook's widgets (ipywidgets'
manager waits for all of them, for ever), and Jupyter's server drops messages while a rate limit is
exceeded, as beside a cell that prints fast. So an answer is repeated until a view has sent a
message. The protocol is `messages.md` in https://github.com/jupyter-widgets/ipywidgets.
"""

import contextvars
from collections.abc import Callable
from typing import Any

from nbagent.runtime import work

WAITS_S = (2.0, 4.0, 8.0, 16.0, 32.0)
"""Seconds before each repetition. The server lifts its limit three seconds after a flood."""


def repeat_state(widget: Any, heard: Callable[[], int]) -> None:
    """Repeat the widget's state to a page that has requested it, while no view sends a message.

    Args:
        widget: one of ipywidgets, with a comm.
        heard: returns the number of messages that views have sent so far.
    """
    take: Callable[[Any], None] = widget._handle_msg

    def repeat(before: int, context: contextvars.Context, waits: tuple[float, ...]) -> None:
        if not waits:
            return

        def resend() -> None:
            if widget.comm is not None and heard() == before:
                context.run(widget.send_state)  # the page goes by the parent header
                repeat(before, context, waits[1:])

        work.later(waits[0], resend)

    def receive(message: dict[str, Any]) -> None:
        take(message)
        if message["content"]["data"].get("method") == "request_state":
            repeat(heard(), contextvars.copy_context(), WAITS_S)

    widget.comm.on_msg(receive)
