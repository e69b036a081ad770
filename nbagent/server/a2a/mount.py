"""`A2A`: what a server has for A2A and gRPC, where the packages of the extra `a2a` are
installed.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute

from nbagent.server.hosting.host import Host

if TYPE_CHECKING:
    from nbagent.server.grpc.server import GrpcServer


def is_installed() -> bool:
    """Return True if the packages of the extra `a2a` are installed."""
    return all(
        find_spec(name) for name in ("a2a", "sse_starlette", "jsonrpc", "grpc", "grpc_reflection")
    )


class A2A:
    """A2A's side of a server: its routes, and the gRPC services.

    Args:
        host: has the agents and the runs.
        token: that each request must bear; None for any.

    Attributes:
        grpc: the gRPC server; None if there is none.
    """

    def __init__(self, host: Host, token: str | None) -> None:
        from nbagent.server.a2a.handler import Handler

        self._host = host
        self._token = token
        self._handler = Handler(host)
        self.grpc: GrpcServer | None = None

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        from nbagent.server.a2a.routes import routes

        return routes(
            self._host,
            self._handler,
            needs_token=self._token is not None,
            grpc_port=self._grpc_port,
        )

    def _grpc_port(self) -> int | None:
        return None if self.grpc is None else self.grpc.bound.result(0)

    def listen(self, host: str, port: int) -> None:
        """Have the gRPC services at an address, from `start` on."""
        from nbagent.server.a2a.grpc_service import A2AService, A2AService03
        from nbagent.server.grpc.hector import HectorService
        from nbagent.server.grpc.server import GrpcServer, Service

        services: list[Service] = [
            A2AService(self._handler),
            A2AService03(self._handler),
            HectorService(self._host),
        ]
        self.grpc = GrpcServer(services, host, port, self._token, self._host.limits.max_body_bytes)

    async def start(self) -> None:
        """Start the gRPC server, if there is one."""
        if self.grpc is not None:
            await self.grpc.start()

    async def close(self) -> None:
        """Stop the gRPC server, and the sending of tasks."""
        if self.grpc is not None:
            await self.grpc.stop()
        await self._handler.aclose()
