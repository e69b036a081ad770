"""`CallerSpan`: makes the span that a request names the parent of the runs that it begins."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from nbagent.run.telemetry import caller


class CallerSpan:
    """Reads the W3C `traceparent` of requests, if telemetry is on.

    Args:
        app: takes the requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        with caller(Headers(scope=scope)):
            await self._app(scope, receive, send)
