"""gRPC calls that a user made, sync or async.

They are recognised by their methods, so that gRPC need not be installed.

The interface: https://grpc.github.io/grpc/python/grpc.html#grpc.Call and `grpc.RpcError`.
"""

from typing import Any

from nbagent.sources.failure import failure


def is_call(stream: Any) -> bool:
    """Return True if the stream is a gRPC call whose responses come one by one."""
    return all(
        callable(getattr(stream, name, None))
        for name in ("cancel", "code", "details", "trailing_metadata")
    )


def service_error(error: BaseException | None) -> BaseException | None:
    """Return the error of a gRPC call as a `StreamError` with the service's own message; any other
    error as it is.
    """
    code, details = getattr(error, "code", None), getattr(error, "details", None)
    if not callable(code) or not callable(details):
        return error
    name = getattr(code(), "name", None)
    return failure(str(details() or name or error), name)
