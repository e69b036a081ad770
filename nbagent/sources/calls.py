"""gRPC calls that a user made, sync or async: told by what they can do, so that gRPC itself need not be there.

The interface: https://grpc.github.io/grpc/python/grpc.html#grpc.Call and `grpc.RpcError`.
"""

from typing import Any

from nbagent.errors import StreamError


def is_call(stream: Any) -> bool:
    """Whether the stream is a call whose responses come one by one."""
    return all(callable(getattr(stream, name, None)) for name in ("cancel", "code", "details", "trailing_metadata"))


def told(error: BaseException | None) -> BaseException | None:
    """The error as its service put it, if it is one of a call; any other as it is."""
    code, details = getattr(error, "code", None), getattr(error, "details", None)
    if not callable(code) or not callable(details):
        return error
    name = getattr(code(), "name", None)
    return StreamError(str(details() or name or error), name)
