"""Chats of AG2 Classic, the framework before AG2 1.0: what `agent.run(…)` and `agent.run_iter(…)`
return.

Format: https://classic.docs.ag2.ai (autogen 0.14). A chat works in a thread of its own. That of
`run` has begun already; that of `run_iter` begins with the reading, and so can have the reader's
context, by which tools know their run, and end when the reading ends.
"""

import contextvars
from collections.abc import Callable
from functools import partial
from typing import Any

from nbagent.sources.hints import type_name

_MODULE = "autogen.io.run_response."
_WITH_EVENTS = {f"{_MODULE}RunResponse", f"{_MODULE}AsyncRunResponse"}
_ITERATORS = {f"{_MODULE}RunIterResponse", f"{_MODULE}AsyncRunIterResponse"}


def stream_of_chat(source: Any) -> Any:
    """Return the stream of events of a chat; any other source as it is."""
    name = type_name(source)
    if name in _WITH_EVENTS:
        return source.events
    if name in _ITERATORS:
        source._start_thread_func = partial(_thread_of_chat, source._start_thread_func)
    return source


def _thread_of_chat(start: Callable[[Any], Any], iostream: Any) -> Any:
    """Return the thread of a chat, which has this context, and ends at the first event that nobody
    reads.
    """
    send = iostream.send

    def send_to_reader(event: Any) -> None:
        send(event)
        if iostream._step_controller._terminated:
            raise SystemExit  # a thread ends with it quietly, and no `except Exception` holds it

    iostream.send = send_to_reader
    thread = start(iostream)
    run_in_context = contextvars.copy_context().run
    thread.run = partial(run_in_context, thread.run)
    return thread
