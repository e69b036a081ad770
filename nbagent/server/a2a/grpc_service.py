"""A2A over gRPC: the services of versions 1.x and 0.3 of the protocol."""

from typing import Any

from a2a.compat.v0_3 import a2a_v0_3_pb2, a2a_v0_3_pb2_grpc
from a2a.compat.v0_3.grpc_handler import CompatGrpcHandler
from a2a.server.context import ServerCallContext
from a2a.server.request_handlers import DefaultGrpcServerCallContextBuilder, GrpcHandler
from a2a.types import a2a_pb2, a2a_pb2_grpc
from a2a.utils.constants import VERSION_HEADER
from a2a.utils.errors import VersionNotSupportedError

from nbagent.server.a2a.handler import Handler
from nbagent.server.a2a.tasks import AGENT

AGENT_METADATA = "agent-name"
"""Key of the metadata that names the agent, as Hector's clients send it; in A2A 1.x it is the
request's `tenant`.
"""


class AgentCalls(DefaultGrpcServerCallContextBuilder):
    """Puts the agent that the metadata name into the context of a call, and checks the version that
    they name.

    Args:
        version: major version of the service; the SDK checks it over HTTP only.
    """

    def __init__(self, version: str) -> None:
        self._version = version

    def build(self, context: Any) -> ServerCallContext:
        """Return the context of a call.

        Raises:
            VersionNotSupportedError: the call is one of another version.
        """
        call = super().build(context)
        for key, value in context.invocation_metadata() or ():
            if key == AGENT_METADATA:
                call.state[AGENT] = value
            elif key == VERSION_HEADER.lower() and str(value).partition(".")[0] != self._version:
                raise VersionNotSupportedError(
                    f"the service has version {self._version} of A2A, not {value}"
                )
        return call


class A2AService:
    """`lf.a2a.v1.A2AService`."""

    name = a2a_pb2.DESCRIPTOR.services_by_name["A2AService"].full_name

    def __init__(self, handler: Handler) -> None:
        self._servicer = GrpcHandler(handler, AgentCalls("1"))

    def add_to(self, server: Any) -> None:
        """Add the service to a server."""
        add: Any = a2a_pb2_grpc.add_A2AServiceServicer_to_server
        add(self._servicer, server)


class A2AService03:
    """`a2a.v1.A2AService` of version 0.3."""

    name = a2a_v0_3_pb2.DESCRIPTOR.services_by_name["A2AService"].full_name

    def __init__(self, handler: Handler) -> None:
        self._servicer = CompatGrpcHandler(handler, AgentCalls("0"))

    def add_to(self, server: Any) -> None:
        """Add the service to a server."""
        add: Any = a2a_v0_3_pb2_grpc.add_A2AServiceServicer_to_server
        add(self._servicer, server)
