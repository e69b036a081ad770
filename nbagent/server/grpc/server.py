"""`GrpcServer`: the gRPC services of a server, on its loop."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

import grpc
from grpc_reflection.v1alpha import reflection

STOP_TIMEOUT_S = 2
"""Seconds that open calls get to end when the server stops."""

MAX_CALLS = 1_000
"""Calls at a time; further ones are refused."""


class Service(Protocol):
    """A service of gRPC."""

    @property
    def name(self) -> str:
        """Full name of the service."""
        ...

    def add_to(self, server: Any) -> None:
        """Add the service to a server."""
        ...


class BearsToken(grpc.aio.ServerInterceptor):
    """Refuses calls that do not bear the token in the metadata `authorization: Bearer TOKEN`.

    Args:
        token: that each call must bear.
    """

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._refusal: Any = grpc.unary_unary_rpc_method_handler(_refuse)

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], details: Any
    ) -> Any:
        """Return the handler of a call."""
        given = next(
            (value for key, value in details.invocation_metadata or () if key == "authorization"),
            "",
        )
        text = given if isinstance(given, bytes) else str(given).encode()
        kind, _, token = text.partition(b" ")
        if kind.lower() == b"bearer" and hmac.compare_digest(token.strip(), self._token):
            return await continuation(details)
        return self._refusal


class ReadsMessages(grpc.aio.ServerInterceptor):
    """Refuses a call whose message cannot be read. gRPC itself would log each one as an error of
    the server.

    It is for calls with one message; others are passed on.
    """

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], details: Any
    ) -> Any:
        """Return the handler of a call, which takes the message as bytes and reads it itself."""
        handler = await continuation(details)
        read = None if handler is None else handler.request_deserializer
        if read is None or handler.request_streaming:
            return handler

        async def message_of(data: bytes, context: Any) -> Any:
            try:
                return read(data)
            except Exception:  # protobuf's `DecodeError`, or what another format has
                await context.abort(
                    grpc.StatusCode.INVALID_ARGUMENT, "the message of the call cannot be read"
                )

        if handler.response_streaming:

            async def stream(data: bytes, context: Any) -> AsyncIterator[Any]:
                async for each in handler.unary_stream(await message_of(data, context), context):
                    yield each

            make: Any = grpc.unary_stream_rpc_method_handler
            return make(stream, None, handler.response_serializer)

        async def answer(data: bytes, context: Any) -> Any:
            return await handler.unary_unary(await message_of(data, context), context)

        make = grpc.unary_unary_rpc_method_handler
        return make(answer, None, handler.response_serializer)


async def _refuse(request: Any, context: Any) -> None:
    await context.abort(
        grpc.StatusCode.UNAUTHENTICATED, "the call needs the metadata authorization: Bearer TOKEN"
    )


class GrpcServer:
    """A gRPC server. Its reflection describes the services.

    Args:
        services: that it has.
        host: address to listen at.
        port: to listen at; 0 for a free one.
        token: that each call must bear; None for any.
        max_body_bytes: bytes of a message of a client at most.

    Attributes:
        bound: the port, once the server listens; the `OSError` if it cannot.
    """

    def __init__(
        self,
        services: Sequence[Service],
        host: str,
        port: int,
        token: str | None,
        max_body_bytes: int,
    ) -> None:
        self._services = services
        self._address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._token = token
        self._max_body_bytes = max_body_bytes
        self._server: Any = None
        self.bound: Future[int] = Future()

    async def start(self) -> None:
        """Listen. `bound` is True if it was possible."""
        limits = [
            ("grpc.max_receive_message_length", self._max_body_bytes),
            ("grpc.so_reuseport", 0),  # else two servers would share a port
        ]
        interceptors = [
            *([] if self._token is None else [BearsToken(self._token)]),
            ReadsMessages(),
        ]
        self._server = grpc.aio.server(
            interceptors=interceptors, options=limits, maximum_concurrent_rpcs=MAX_CALLS
        )
        for service in self._services:
            service.add_to(self._server)
        names = [service.name for service in self._services]
        reflection.enable_server_reflection([*names, reflection.SERVICE_NAME], self._server)
        try:
            port = self._server.add_insecure_port(self._address)
        except RuntimeError as error:
            self.bound.set_exception(OSError(f"gRPC cannot listen at {self._address}: {error}"))
            return
        await self._server.start()
        self.bound.set_result(port)

    async def stop(self) -> None:
        """Stop listening, and end the calls."""
        if self._server is not None:
            await asyncio.shield(self._server.stop(STOP_TIMEOUT_S))
