"""The gRPC service of Hector's documentation: `A2AService.StreamMessage`.

    service A2AService {
      rpc StreamMessage(SendMessageRequest) returns (stream MessageChunk);
    }

Source: https://github.com/kadirpekel/hector, `docs/core-concepts/streaming.md` at 7bc71ac. That
page prints the service, the request's `Agent` and `Message`, and the chunk's `Content`, but no
package and no numbers: the service is answered in any package, and the fields are numbered in the
order of the page. No version of A2A has this method.
"""

from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import Default
from google.protobuf.message_factory import GetMessageClass

from nbagent.server.hosting.host import Host
from nbagent.server.problem import Problem
from nbagent.server.request import prompt_of
from nbagent.server.stream_response import RUN_ID_HEADER

_STATUS = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.INVALID_ARGUMENT,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    503: grpc.StatusCode.RESOURCE_EXHAUSTED,
}


def _described() -> tuple[Any, ...]:
    """Add the page's messages and service to protobuf's pool, from which reflection reads, and
    return the messages' classes.
    """
    file = FileDescriptorProto(name="nbagent/hector.proto", syntax="proto3")
    for message, fields in (
        ("SendMessageRequest", ("agent", "message", "session")),
        ("MessageChunk", ("content",)),
    ):
        made = file.message_type.add(name=message)
        for number, field in enumerate(fields, 1):
            made.field.add(
                name=field,
                number=number,
                type=FieldDescriptorProto.TYPE_STRING,
                label=FieldDescriptorProto.LABEL_OPTIONAL,
            )
    service = file.service.add(name=HectorService.name)
    service.method.add(
        name="StreamMessage",
        input_type=".SendMessageRequest",
        output_type=".MessageChunk",
        server_streaming=True,
    )
    pool = Default()
    pool.Add(file)
    return tuple(
        GetMessageClass(pool.FindMessageTypeByName(name))
        for name in ("SendMessageRequest", "MessageChunk")
    )


class HectorService(grpc.GenericRpcHandler):
    """The service, in front of the agents of a `Host`.

    Args:
        host: has the agents.
    """

    name = "A2AService"

    def __init__(self, host: Host) -> None:
        self._host = host
        self._method: Any = grpc.unary_stream_rpc_method_handler(
            self._stream, SendMessageRequest.FromString, lambda chunk: chunk.SerializeToString()
        )

    def add_to(self, server: Any) -> None:
        """Add the service to a server."""
        server.add_generic_rpc_handlers((self,))

    def service(self, details: Any) -> Any:
        """Return the handler of a call; None if it is for another service."""
        if not details.method.endswith("A2AService/StreamMessage"):
            return None
        return self._method

    async def _stream(self, request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            agent, _ = self._host.agent(request.agent or None)
            session = None
            if request.session:
                session = await self._host.sessions.find(agent, request.session)
            prompt = prompt_of(request.message, self._host.limits)
            # the chunk is a text, and no more
            run = await self._host.start(agent, prompt, session, answers="none")
        except Problem as problem:
            await context.abort(_STATUS.get(problem.status, grpc.StatusCode.INTERNAL), str(problem))
            return
        await context.send_initial_metadata(((RUN_ID_HEADER, run.id),))
        async for piece in run.feed("hector").items():
            item = None if piece is None else piece[1]
            if isinstance(item, dict) and "chunk" in item:
                yield MessageChunk(content=item["chunk"])
            elif isinstance(item, dict) and item["event"] == "error":
                await context.abort(grpc.StatusCode.ABORTED, item["data"]["error"]["message"])


SendMessageRequest, MessageChunk = _described()
