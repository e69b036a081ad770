"""Errors of streams, without the credentials that a service repeats."""

from nbagent.errors import StreamError
from nbagent.gate import secrets


def failure(message: str, code: str | None = None) -> StreamError:
    """Return a `StreamError` with the credentials in its message masked: a service may repeat what
    it was sent.

    Args:
        message: a sentence, which may hold a service's words.
        code: of the service or the connection.
    """
    if code is not None:
        code = secrets.mask(code)
    return StreamError(secrets.mask(message), code)
