"""Publishing from a kernel without a parent request."""

import contextvars
from collections.abc import Callable

from nbagent.runtime.ipython import ipython_kernel


def publish_without_parent(publish: Callable[[], None]) -> None:
    """Call `publish` so that its messages name no request as their parent.

    A comm's message reaches its view by the comm's id. The header of the request that happens to be the kernel's latest adds
    230 bytes, and ipykernel 7 would send the views' answers to the subshell of that request.

    Args:
        publish: publishes by means of the kernel. It runs in an empty context; in a kernel that does not keep its parent in a
            context variable, as ipykernel 7 does, simply here.
    """
    parent = getattr(ipython_kernel(), "_shell_parent", None)
    if not isinstance(parent, contextvars.ContextVar):
        publish()
        return
    context = contextvars.Context()
    context.run(parent.set, {})
    context.run(publish)
