"""Requests to the kernel as the parents of what is published: none, the current one, or another
one.

A front end puts an output below the cell whose request is the parent of the message.
"""

import contextvars
import threading
from collections.abc import Callable, Mapping
from typing import Any

from nbagent.runtime.ipython import ipython_kernel


def publish_without_parent(publish: Callable[[], None]) -> None:
    """Call `publish` so that its messages name no request as their parent.

    A comm's message reaches its view by the comm's id. The header of the request that happens to be
    the kernel's latest adds 230 bytes, and ipykernel 7 would send the views' answers to the
    subshell of that request.

    Args:
        publish: publishes by means of the kernel. It runs in an empty context; in a kernel that
            does not keep its parent in a context variable, as ipykernel 7 does, simply here.
    """
    parent = _parent_variable()
    if parent is None:
        publish()
        return
    context = contextvars.Context()
    context.run(parent.set, {})
    context.run(publish)


def request_of(shell: Any) -> Mapping[str, Any]:
    """Return the request that a shell with a kernel works for. JupyterLite's kernel knows it."""
    holder = shell if hasattr(shell, "get_parent") else shell.kernel
    request: Mapping[str, Any] | None = holder.get_parent()
    return request or {}


def publish_for(request: Mapping[str, Any], publisher: Any, content: dict[str, Any]) -> None:
    """Publish display data as an output of that request, which may have been answered already.

    Args:
        request: the message.
        publisher: IPython's display publisher in a kernel.
        content: of the message `display_data`.
    """
    publisher.session.send(
        publisher.pub_socket, "display_data", content, parent=request, ident=publisher.topic
    )


def is_in_request() -> bool:
    """Return True if the caller works for a request to the kernel; False on a thread that user code
    has started.

    For such a thread the kernel reports its latest request as the current one, and that may be a
    view's message.
    """
    parent = _parent_variable()
    if parent is None:
        return threading.current_thread() is threading.main_thread()
    return bool(parent.get(None))


def _parent_variable() -> contextvars.ContextVar[Any] | None:
    parent = getattr(ipython_kernel(), "_shell_parent", None)
    return parent if isinstance(parent, contextvars.ContextVar) else None
