"""gRPC streams, from a real server: a call that a user made, sync or async, and a method by its
address alone.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha import reflection
from sources.watching import code_of

import nbagent
from nbagent import events as ev
from nbagent.run import Run

_TYPES = {"string": FieldDescriptorProto.TYPE_STRING, "bool": FieldDescriptorProto.TYPE_BOOL}


def described() -> DescriptorPool:
    """Return descriptors of Hector's documented service and of A2A's streaming part: two files, one
    importing the other.
    """
    messages: dict[str, dict[str, Any]] = {
        "Part": {"text": "string"},
        "Artifact": {"artifact_id": "string", "parts": ["Part"]},
        "ArtifactUpdate": {
            "task_id": "string",
            "artifact": "Artifact",
            "append": "bool",
            "last_chunk": "bool",
        },
        "Status": {"state": "string"},
        "StatusUpdate": {"task_id": "string", "status": "Status", "final": "bool"},
        "Response": {"artifact_update": "ArtifactUpdate", "status_update": "StatusUpdate"},
        "Request": {"message": "string"},
        "Chunk": {"content": "string"},
    }
    types = FileDescriptorProto(name="types.proto", package="demo", syntax="proto3")
    types.message_type.extend(_message(name, fields) for name, fields in messages.items())
    service = FileDescriptorProto(
        name="service.proto", package="demo", syntax="proto3", dependency=["types.proto"]
    )
    agent = service.service.add(name="Agent")
    for method, response in (("StreamMessage", "Chunk"), ("SendStreamingMessage", "Response")):
        agent.method.add(
            name=method,
            input_type=".demo.Request",
            output_type=f".demo.{response}",
            server_streaming=True,
        )
    agent.method.add(name="Ask", input_type=".demo.Request", output_type=".demo.Chunk")
    pool = DescriptorPool()
    pool.Add(types)
    pool.Add(service)
    return pool


def _message(name: str, fields: dict[str, Any]) -> DescriptorProto:
    message = DescriptorProto(name=name)
    for number, (field, kind) in enumerate(fields.items(), 1):
        inner = kind[0] if isinstance(kind, list) else kind
        made = message.field.add(name=field, number=number)
        made.label = (
            FieldDescriptorProto.LABEL_REPEATED
            if isinstance(kind, list)
            else FieldDescriptorProto.LABEL_OPTIONAL
        )
        if inner in _TYPES:
            made.type = _TYPES[inner]
        else:
            made.type, made.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".demo.{inner}"
    return message


POOL = described()
REQUEST, CHUNK, RESPONSE = (
    GetMessageClass(POOL.FindMessageTypeByName(f"demo.{name}"))
    for name in ("Request", "Chunk", "Response")
)


class Service:
    """Server of that service.

    It sends the responses that the request names, and records requests.
    """

    def __init__(self, *, reflects: bool = True) -> None:
        self.metadata: dict[str, Any] = {}
        self.cancelled = threading.Event()
        self.server = grpc.server(ThreadPoolExecutor(4))
        methods = {
            "StreamMessage": self.stream_message,
            "SendStreamingMessage": self.send_streaming_message,
        }
        handlers: dict[str, Any] = {
            name: grpc.unary_stream_rpc_method_handler(
                method, REQUEST.FromString, lambda message: message.SerializeToString()
            )
            for name, method in methods.items()
        }
        self.server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("demo.Agent", handlers),)
        )
        if reflects:
            reflection.enable_server_reflection(["demo.Agent"], self.server, pool=POOL)
        self.host = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"

    def stream_message(self, request: Any, context: Any) -> Iterator[Any]:
        self.metadata = dict(context.invocation_metadata())
        context.add_callback(self.cancelled.set)
        yield CHUNK(content="Hel")
        yield CHUNK()
        yield CHUNK(content="lo")
        if request.message == "fail":
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "out of tokens")
        if request.message == "wait":
            self.cancelled.wait()

    def send_streaming_message(self, request: Any, context: Any) -> Iterator[Any]:
        def update(text: str, **fields: Any) -> dict[str, Any]:
            return {
                "artifactUpdate": {
                    "taskId": "t",
                    "artifact": {"artifactId": "a", "parts": [{"text": text}]},
                    **fields,
                }
            }

        status = {
            "statusUpdate": {
                "taskId": "t",
                "status": {"state": "TASK_STATE_COMPLETED"},
                "final": True,
            }
        }
        for update_fields in (update("Hel"), update("lo", append=True), status):
            yield json_format.ParseDict(update_fields, RESPONSE())


@contextlib.contextmanager
def served(**options: Any) -> Iterator[Service]:
    service = Service(**options)
    service.server.start()
    try:
        yield service
    finally:
        service.server.stop(None).wait()


def method(channel: Any, name: str, response: Any) -> Any:
    return channel.unary_stream(
        f"/demo.Agent/{name}", lambda message: message.SerializeToString(), response.FromString
    )


async def watch(stream: Any) -> Run:
    run = Run(stream)
    run.start()
    return await run


async def hold(run: Run, service: Service) -> None:
    """Stop a run after its first text. Asserts that its server notices."""
    run.start()
    async for event in run.stream("text.delta"):
        if isinstance(event, ev.TextDelta) and run.text == "Hello":
            break
    run.cancel()
    await run
    assert (run.text, run.status) == ("Hello", "cancelled")
    assert service.cancelled.wait(10)


@pytest.mark.parametrize(
    ("name", "response"), [("StreamMessage", CHUNK), ("SendStreamingMessage", RESPONSE)]
)
async def test_a_call_is_a_stream(name: str, response: Any) -> None:
    with served() as service:
        with grpc.insecure_channel(service.host) as channel:
            sync = await watch(method(channel, name, response)(REQUEST(message="hi")))
        async with grpc.aio.insecure_channel(service.host) as channel:
            run = await watch(method(channel, name, response)(REQUEST(message="hi")))
    assert [(each.text, each.status) for each in (sync, run)] == [("Hello", "completed")] * 2


async def test_a_call_that_fails_says_so_in_its_services_words() -> None:
    with served() as service:
        with grpc.insecure_channel(service.host) as channel:
            sync = await watch(method(channel, "StreamMessage", CHUNK)(REQUEST(message="fail")))
        async with grpc.aio.insecure_channel(service.host) as channel:
            run = await watch(method(channel, "StreamMessage", CHUNK)(REQUEST(message="fail")))
    for each in (sync, run):
        assert (each.text, each.status, str(each.error)) == ("Hello", "failed", "out of tokens")
        assert code_of(each) == "RESOURCE_EXHAUSTED"


async def test_stop_cancels_the_call() -> None:
    with served() as service, grpc.insecure_channel(service.host) as channel:
        await hold(Run(method(channel, "StreamMessage", CHUNK)(REQUEST(message="wait"))), service)
    with served() as service:
        async with grpc.aio.insecure_channel(service.host) as channel:
            await hold(
                Run(method(channel, "StreamMessage", CHUNK)(REQUEST(message="wait"))), service
            )


@pytest.mark.parametrize("name", ["StreamMessage", "SendStreamingMessage"])
async def test_a_method_is_called_by_its_address(name: str) -> None:
    with served() as service:
        stream = nbagent.connect(
            f"grpc://{service.host}/demo.Agent/{name}",
            json={"message": "hi"},
            headers={"Agent-Name": "a"},
        )
        run = await watch(stream)
    assert (run.text, run.status, run.name) == (
        "Hello",
        "completed",
        f"{service.host}/demo.Agent/{name}",
    )
    assert service.metadata.get("agent-name") == ("a" if name == "StreamMessage" else None)


async def test_stop_cancels_a_method_that_was_called_by_its_address() -> None:
    with served() as service:
        stream = nbagent.connect(
            f"grpc://{service.host}/demo.Agent/StreamMessage", json={"message": "wait"}
        )
        await hold(Run(stream), service)


def address(path: str, **request: Any) -> Callable[[Service], Any]:
    return lambda service: nbagent.connect(f"grpc://{service.host}/{path}", **request)


@pytest.mark.parametrize(
    ("stream", "code", "message"),
    [
        (
            address("demo.Agent/StreamMessage", json={"message": "fail"}),
            "RESOURCE_EXHAUSTED",
            "out of tokens",
        ),
        (
            address("demo.Agent/StreamMessage", json={"massage": "hi"}),
            "INVALID_ARGUMENT",
            "massage",
        ),
        (address("demo.Agent/Nothing"), "UNIMPLEMENTED", "demo.Agent/Nothing"),
        (address("demo.Agent/Ask"), "UNIMPLEMENTED", "demo.Agent/Ask"),
        (address("demo.Nobody/Ask"), "NOT_FOUND", "demo.Nobody"),
        (
            address("demo.Agent/StreamMessage", json={"message": "wait"}, idle_timeout=0.2),
            "idle_timeout",
            "idle_timeout=",
        ),
        (
            address("demo.Agent/StreamMessage", json={"message": "wait"}, timeout=0.5),
            "timeout",
            "timeout=",
        ),
    ],
)
async def test_what_goes_wrong_is_named(
    stream: Callable[[Service], Any], code: str, message: str
) -> None:
    with served() as service:
        run = await watch(stream(service))
    assert (run.status, code_of(run)) == ("failed", code)
    assert message in str(run.error)


async def test_a_server_that_does_not_reflect_or_is_not_there_is_named() -> None:
    with served(reflects=False) as service:
        run = await watch(address("demo.Agent/StreamMessage")(service))
    # the latter where the server hangs up before it has heard all
    assert code_of(run) in (
        "UNIMPLEMENTED",
        "INTERNAL",
    )
    run = await watch(address("demo.Agent/StreamMessage")(service))
    assert code_of(run) == "connect_error"


async def test_without_grpc_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "grpc_reflection.v1alpha.reflection_pb2", None)
    monkeypatch.delitem(sys.modules, "nbagent.sources.grpc", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'jupyter-nbagent\[grpc\]'"):
        nbagent.connect("grpc://127.0.0.1:1/a.B/C")
