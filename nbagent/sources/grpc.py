"""Streams over gRPC by address alone: the server's reflection describes the method's messages.

The protocol: https://github.com/grpc/grpc/blob/master/doc/server-reflection.md. grpcio is used here
only.
"""

import contextlib
from collections.abc import AsyncGenerator
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from nbagent.errors import MissingExtra
from nbagent.sources.calls import service_error
from nbagent.sources.deadline import Deadline
from nbagent.sources.failure import failure
from nbagent.sources.request import Request
from nbagent.sources.stream import ServiceStream

try:
    import grpc
    from google.protobuf import json_format
    from google.protobuf.descriptor_pb2 import FileDescriptorProto
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message_factory import GetMessageClass
    from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
    from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub
except ImportError:
    raise MissingExtra("A stream over gRPC", "grpc") from None

Metadata: TypeAlias = tuple[tuple[str, str], ...]

MAX_MESSAGE_BYTES = 64 * 1024 * 1024


class GRPCStream(ServiceStream):
    """The responses of a gRPC method as protobuf messages. `nbagent.connect` makes it."""

    def __init__(self, request: Request) -> None:
        parts = urlsplit(request.url)
        service, _, method = parts.path.strip("/").rpartition("/")
        if not service or not method:
            raise ValueError(
                "a gRPC address names its method, as grpc://host:port/package.Service/Method; "
                f"got {request.name!r}"
            )
        super().__init__(request)
        self._host = parts.netloc.rpartition("@")[2]
        self._is_secure = parts.scheme.lower() == "grpcs"
        self._service, self._method = service, method

    async def _read(self) -> AsyncGenerator[Any, None]:
        deadline = Deadline(self._request)
        async with self._channel() as channel:
            fault: BaseException | None = None
            try:
                await _open(channel, self._request, deadline)
                async with deadline.within(listening=True):
                    pool = await _descriptors(channel, self._service, self._metadata())
                call = self._call(channel, pool)
                while True:
                    async with deadline.within(listening=True):
                        message = await call.read()
                    if message is grpc.aio.EOF:
                        return
                    yield message
            except grpc.RpcError as error:
                fault = service_error(error) or error
            if fault is not None:
                # Raised here, so that it has no context: gRPC's error quotes what the service
                # wrote.
                raise fault

    def _channel(self) -> Any:
        # A connection of its own: gRPC would share another channel's, even one that is about to
        # break.
        options = [
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        if self._is_secure:
            return grpc.aio.secure_channel(
                self._host, grpc.ssl_channel_credentials(), options=options
            )
        return grpc.aio.insecure_channel(self._host, options=options)

    def _call(self, channel: Any, pool: DescriptorPool) -> Any:
        try:
            method = pool.FindServiceByName(self._service).FindMethodByName(self._method)
        except KeyError:
            method = None
        if method is None or method.client_streaming or not method.server_streaming:
            raise failure(
                f"{self._host} has no method {self._service}/{self._method} that streams its "
                "responses",
                "UNIMPLEMENTED",
            )
        try:
            message = json_format.ParseDict(
                self._request.json or {}, GetMessageClass(method.input_type)()
            )
        except json_format.ParseError as error:
            raise failure(
                f"json= does not fit {method.input_type.full_name}: {error}", "INVALID_ARGUMENT"
            ) from None
        start = channel.unary_stream(
            f"/{self._service}/{self._method}",
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        return start(message, metadata=self._metadata())

    def _metadata(self) -> Metadata:
        return tuple((name.lower(), value) for name, value in (self._request.headers or {}).items())


async def _open(channel: Any, request: Request, deadline: Deadline) -> None:
    """Wait for the connection. gRPC itself would try until the call times out."""
    async with deadline.within(connecting=True):
        state = channel.get_state(try_to_connect=True)
        while state is not grpc.ChannelConnectivity.READY:
            if state is grpc.ChannelConnectivity.TRANSIENT_FAILURE:
                text = f"No connection to {request.name}. Is the address right, and the service up?"
                raise failure(text, "connect_error")
            await channel.wait_for_state_change(state)
            state = channel.get_state(try_to_connect=True)


async def _descriptors(channel: Any, service: str, metadata: Metadata) -> DescriptorPool:
    """Return the server's description of a service: the file that declares it, and all files that
    this imports.
    """
    files: dict[str, FileDescriptorProto] = {}
    questions = [ServerReflectionRequest(file_containing_symbol=service)]
    stub: Any = ServerReflectionStub(channel)
    while questions:
        async for answer in stub.ServerReflectionInfo(iter(questions), metadata=metadata):
            if answer.HasField("error_response"):
                raise failure(
                    f"The server does not describe {service}: "
                    f"{answer.error_response.error_message}",
                    "NOT_FOUND",
                )
            for described in answer.file_descriptor_response.file_descriptor_proto:
                file = FileDescriptorProto.FromString(described)
                files[file.name] = file
        missing = {name for file in files.values() for name in file.dependency} - files.keys()
        questions = [ServerReflectionRequest(file_by_filename=name) for name in sorted(missing)]
    pool = DescriptorPool()
    for name in list(files):
        _add(name, files, pool)
    return pool


def _add(name: str, files: dict[str, FileDescriptorProto], pool: DescriptorPool) -> None:
    """Add a file to the pool, after the files that it imports."""
    file = files.pop(name, None)
    if file is not None:
        for needed in file.dependency:
            _add(needed, files, pool)
        with contextlib.suppress(TypeError):  # one of protobuf's own files, which the pool has
            pool.Add(file)
