"""Stop of LangChain's models and tools that work in threads of their own.

LangGraph's sync `graph.stream` runs its nodes in threads, and closing it waits for them. LangChain
calls its callback handlers there, so a handler that raises once the run is stopped ends the model
at its next word, and lets no other model or tool begin.
https://reference.langchain.com/python/langchain_core/tracers/#langchain_core.tracers.context.register_configure_hook
"""

import functools
import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

_handler: ContextVar[Any] = ContextVar("nbagent-langchain-stop", default=None)


class _Stopped(BaseException):
    """The run was stopped.

    LangChain logs an `Exception` of a handler, and LangGraph may try its node again.
    """


def stop_models_when(is_stopped: Callable[[], bool]) -> None:
    """Have the LangChain models and tools that are called in this context end once `is_stopped`
    returns True.

    Does nothing if LangChain is not loaded.
    """
    if "langchain_core.callbacks.base" in sys.modules:
        _handler.set(_handler_type()(is_stopped))


@functools.cache
def _handler_type() -> Any:
    """Return the class of the handlers, after making LangChain look for one in each context."""
    from langchain_core.callbacks.base import BaseCallbackHandler
    from langchain_core.tracers.context import register_configure_hook

    class StopHandler(BaseCallbackHandler):  # type: ignore[misc]
        """Handler that raises once `is_stopped` returns True."""

        def __init__(self, is_stopped: Callable[[], bool]) -> None:
            self._is_stopped = is_stopped

        def on_llm_new_token(self, *args: Any, **kwargs: Any) -> None:
            if self._is_stopped():
                raise _Stopped

        on_chat_model_start = on_llm_start = on_tool_start = on_llm_new_token

    register_configure_hook(_handler, inheritable=True)
    return StopHandler
