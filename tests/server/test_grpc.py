"""The gRPC services: the one of Hector's page, A2A's with junk and a wrong token, and what
reflection says.
"""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from a2a.types import a2a_pb2, a2a_pb2_grpc
from agent.server import Server as ModelServer
from agent.server import chat
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from server.served import Asking, asking

import nbagent
from nbagent.agent import Agent
from nbagent.cli import main
from nbagent.errors import NbagentError
from nbagent.server import Server, serve

TOKEN = "a-token-of-some-length"


@contextlib.contextmanager
def serving(*replies: Any, **options: Any) -> Iterator[Server]:
    with ModelServer(*replies) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with serve(agent, port=0, grpc_port=0, **options) as server:
            yield server


def page_messages() -> tuple[Any, Any]:
    """Return the two messages that Hector's page uses, as its reader would write them down: in the
    page's order.
    """
    file = FileDescriptorProto(name="page.proto", syntax="proto3")
    for name, fields in (
        ("SendMessageRequest", ("agent", "message")),
        ("MessageChunk", ("content",)),
    ):
        message = file.message_type.add(name=name)
        for number, field in enumerate(fields, 1):
            message.field.add(name=field, number=number, type=FieldDescriptorProto.TYPE_STRING)
    pool = DescriptorPool()
    pool.Add(file)
    return tuple(
        GetMessageClass(pool.FindMessageTypeByName(each.name)) for each in file.message_type
    )  # type: ignore[return-value]


REQUEST, CHUNK = page_messages()


def stream_message(
    address: str, service: str = "A2AService", token: str | None = None, **fields: str
) -> str:
    """Return the text that a client of the page prints."""
    metadata = [] if token is None else [("authorization", f"Bearer {token}")]
    with grpc.insecure_channel(address) as channel:
        method: Any = channel.unary_stream(
            f"/{service}/StreamMessage",
            lambda message: message.SerializeToString(),
            CHUNK.FromString,
        )
        return "".join(
            chunk.content for chunk in method(REQUEST(**fields), timeout=20, metadata=metadata)
        )


def address_of(server: Server) -> str:
    assert server.grpc_address is not None
    return server.grpc_address


@pytest.mark.parametrize("service", ["A2AService", "hector.v1.A2AService"])
def test_the_client_of_hectors_page_gets_its_chunks(service: str) -> None:
    with serving(chat("Quantum", " computing")) as server:
        text = stream_message(
            address_of(server), service, agent="assistant", message="Explain quantum computing"
        )
    assert text == "Quantum computing"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"agent": "none", "message": "x"}, grpc.StatusCode.NOT_FOUND),
        ({"agent": "assistant", "message": " "}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"agent": "assistant", "message": "x"}, grpc.StatusCode.ABORTED),
    ],
)
def test_a_call_that_fails_says_why(fields: dict[str, str], code: grpc.StatusCode) -> None:
    with (
        serving(lambda exchange: exchange.refuse(400, {"message": "no"})) as server,
        pytest.raises(grpc.RpcError) as raised,
    ):
        stream_message(address_of(server), **fields)
    error: Any = raised.value
    assert (error.code(), bool(error.details())) == (code, True)


def test_a_call_that_asks_is_denied_in_words_and_the_run_goes_on(asks: Asking) -> None:
    with (
        asks.agent(asking(), chat("I may not.")) as agent,
        serve(agent, port=0, grpc_port=0) as server,
    ):
        text = stream_message(address_of(server), agent="assistant", message="Delete it")
    assert asks.deleted == []
    assert text.split("\n") == ['[Tool: delete("a")]', "Output: The call was denied", "I may not."]


def test_a_call_without_a_name_is_for_the_default_agent() -> None:
    with ModelServer(chat("Hi.")) as model:
        other = Agent("test-1", client=model.client(), api="chat")
        agents = {"sales": Agent("demo"), "support": other}
        with serve(agents, port=0, grpc_port=0, default_agent="support") as server:
            assert stream_message(address_of(server), message="x") == "Hi."


def code_of(call: Any) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as raised:
        call()
    error: Any = raised.value
    code: grpc.StatusCode = error.code()
    return code


@pytest.mark.parametrize("token", [None, "wrong", "", TOKEN[:-1]])
def test_a_call_needs_the_token(token: str | None) -> None:
    metadata = [] if token is None else [("authorization", f"Bearer {token}")]
    with serving(token=TOKEN) as server, grpc.insecure_channel(address_of(server)) as channel:
        make: Any = a2a_pb2_grpc.A2AServiceStub
        stub = make(channel)
        for call in (
            lambda: stub.GetTask(a2a_pb2.GetTaskRequest(id="x"), metadata=metadata),
            lambda: list(
                stub.SubscribeToTask(a2a_pb2.SubscribeToTaskRequest(id="x"), metadata=metadata)
            ),
            lambda: stream_message(address_of(server), token=token, agent="assistant", message="x"),
        ):
            assert code_of(call) is grpc.StatusCode.UNAUTHENTICATED


def test_a_call_of_another_version_is_refused() -> None:
    with serving() as server, grpc.insecure_channel(address_of(server)) as channel:
        make: Any = a2a_pb2_grpc.A2AServiceStub
        request = a2a_pb2.GetTaskRequest(id="x")
        metadata = {version: [("a2a-version", version)] for version in ("99.0", "1.0")}
        codes = [
            code_of(lambda given=given: make(channel).GetTask(request, metadata=given))
            for given in metadata.values()
        ]
    assert codes == [grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND]


def test_a_call_with_the_token_is_answered() -> None:
    with serving(chat("Hi."), token=TOKEN) as server:
        assert (
            stream_message(address_of(server), token=TOKEN, agent="assistant", message="x") == "Hi."
        )


def test_junk_and_what_is_too_large_are_refused_and_the_server_goes_on() -> None:
    with serving(chat("Hi.")) as server, grpc.insecure_channel(address_of(server)) as channel:
        for method in (
            "A2AService/StreamMessage",
            "lf.a2a.v1.A2AService/SendMessage",
            "a2a.v1.A2AService/SendMessage",
        ):
            call: Any = channel.unary_unary(f"/{method}")
            assert (
                code_of(lambda call=call: call(b"\xff" * 100, timeout=20))
                is grpc.StatusCode.INVALID_ARGUMENT
            )
            too_large = b"x" * (4 * 1024 * 1024 + 1)
            assert (
                code_of(lambda call=call, much=too_large: call(much, timeout=20))
                is grpc.StatusCode.RESOURCE_EXHAUSTED
            )
        none: Any = channel.unary_unary("/demo.Nothing/Here")
        assert code_of(lambda: none(b"", timeout=20)) is grpc.StatusCode.UNIMPLEMENTED
        host, _, port = address_of(server).rpartition(":")
        for junk in (
            b"GET / HTTP/1.1\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 500,
            bytes(500),
        ):
            with socket.create_connection((host, int(port)), timeout=20) as plain:
                plain.sendall(junk)
        assert stream_message(address_of(server), agent="assistant", message="x") == "Hi."


def test_reflection_describes_the_services() -> None:
    with serving() as server, grpc.insecure_channel(address_of(server)) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        services = set(database.get_services())
        method = (
            DescriptorPool(database)
            .FindServiceByName("A2AService")
            .FindMethodByName("StreamMessage")
        )
    assert {"A2AService", "lf.a2a.v1.A2AService", "a2a.v1.A2AService"} <= services
    assert [field.name for field in method.input_type.fields][:2] == ["agent", "message"]
    assert (method.server_streaming, method.output_type.name) == (True, "MessageChunk")


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("A2AService/StreamMessage", {"agent": "assistant", "message": "x"}),
        (
            "lf.a2a.v1.A2AService/SendStreamingMessage",
            {"message": {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "x"}]}},
        ),
    ],
)
async def test_nbagent_shows_the_address(method: str, body: Any) -> None:
    with serving(chat("Hi.", " You."), token=TOKEN) as server:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        run = nbagent.Run(
            nbagent.connect(f"grpc://{server.grpc_address}/{method}", json=body, headers=headers)
        )
        run.start()
        await run
    assert (run.status, run.text) == ("completed", "Hi. You.")


def test_a_port_that_is_taken_is_told_at_once() -> None:
    with serving() as server:
        port = int(address_of(server).rpartition(":")[2])
        with pytest.raises(OSError, match=f"gRPC cannot listen at 127.0.0.1:{port}"):
            serve(Agent("demo"), port=0, grpc_port=port)


def test_another_address_needs_a_token() -> None:
    with pytest.raises(NbagentError, match="other machines can reach"):
        serve(Agent("demo"), host="0.0.0.0", port=0, grpc_port=0)


def test_no_grpc_without_a_port() -> None:
    with serve(Agent("demo"), port=0) as server:
        assert server.grpc_address is None


def test_the_command_has_the_port(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    assert "--grpc-port PORT" in capsys.readouterr().out
