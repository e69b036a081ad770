"""Messages of exceptions that end a stream."""

from typing import Any
from urllib.parse import urlsplit

from nbagent.adapters.base.fields import nonempty_str
from nbagent.errors import StreamError, causes

_NOT_THERE = (404, 405)
"""HTTP statuses of an address at which there is no such service."""


def message_of(error: BaseException) -> str:
    """Return an exception's message, with the address of its request and the message of its cause
    where it names neither.

    SDKs raise "Connection error." from the exception that says why, and frameworks raise theirs
    from the SDK's. A `StreamError` says both itself.
    """
    message = _own_message(error)
    if isinstance(error, StreamError):
        return message
    chain = list(causes(error))
    details: list[str] = []
    for each in chain:
        address = _address_of(each)
        if address and address not in message:
            details.append(address)
            break
    for cause in chain[1:]:
        reason = _own_message(cause)
        if reason and reason not in message:
            details.append(reason)
            break
    if details:
        return f"{message} ({': '.join(details)})"
    return message


def _own_message(error: BaseException) -> str:
    return nonempty_str(getattr(error, "message", None)) or str(error)


def _address_of(error: BaseException) -> str | None:
    """Return host and port of a request that had no answer, or went where no such service is.

    Never a path or a query.
    """
    try:
        request: Any = getattr(error, "request", None)
        is_answered = (
            getattr(error, "response", None) is not None or getattr(error, "body", None) is not None
        )
        if request is None or (
            is_answered and getattr(error, "status_code", None) not in _NOT_THERE
        ):
            return None
        parts = urlsplit(str(request.url))
        if parts.port:
            return f"{parts.hostname}:{parts.port}"
        return parts.hostname
    except Exception:  # httpx raises where an exception has no request; a port may be no number
        return None
