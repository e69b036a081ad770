"""Any bytes and any frames, sent to a server: it answers or closes, logs no error, and serves
others.
"""

import logging
import socket
from collections.abc import Iterator
from typing import Any

import grpc
import httpx2
import pytest
from agent.server import Server as ModelServer
from agent.server import chat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from server.raw import Raw, RawWebSocket

from nbagent.agent import Agent
from nbagent.server import Limits, Server, serve

METHODS = (
    "A2AService/StreamMessage",
    "lf.a2a.v1.A2AService/SendMessage",
    "a2a.v1.A2AService/SendMessage",
)
BEGINNINGS = [b"", b"GET ", b"POST /runs HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that has logged no error at the end, and still serves."""
    errors: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: errors.append(record.getMessage())  # type: ignore[method-assign]
    loggers = [logging.getLogger(), logging.getLogger("uvicorn.error")]
    for logger in loggers:
        logger.addHandler(handler)
    limits = Limits(requests_at_once=10**6, max_runs=10**4)
    with ModelServer(*[chat("Hi.")] * 5_000) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with serve(agent, port=0, grpc_port=0, limits=limits) as server:
            yield server
            answer = httpx2.post(
                f"{server.url}/agents/assistant/messages/stream", json={"message": "x"}, timeout=30
            )
    for logger in loggers:
        logger.removeHandler(handler)
    assert '{"chunk":"Hi."}' in answer.text
    assert errors == []


@given(
    data=st.binary(min_size=1, max_size=500),
    begins=st.sampled_from(BEGINNINGS),
)
def test_bytes_on_a_connection_are_refused(server: Server, data: bytes, begins: bytes) -> None:
    with Raw(server.url) as raw:
        raw.send(begins + data + b"\r\n\r\n")
        answer = raw.read_to_end()
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505 ")), answer[:200]


FRAMES = st.tuples(
    st.integers(0, 15),
    st.binary(max_size=200) | st.just(b'{"message": "x"}'),
    st.booleans(),
    st.booleans(),
)


@given(frames=st.lists(FRAMES, min_size=1, max_size=8))
def test_frames_on_a_web_socket_are_answered_or_end_it(
    server: Server, frames: list[tuple[int, bytes, bool, bool]]
) -> None:
    with RawWebSocket(server.url) as ws:
        for opcode, data, fin, masked in frames:
            ws.frame(opcode, data, fin=fin, masked=masked)
        ws.read_to_end()


@given(data=st.binary(max_size=500))
def test_bytes_after_the_opening_of_a_web_socket_end_it(server: Server, data: bytes) -> None:
    with RawWebSocket(server.url) as ws:
        ws.send(data)
        ws.read_to_end()


@pytest.mark.parametrize("method", METHODS)
@settings(suppress_health_check=[HealthCheck.differing_executors])
@given(data=st.binary(min_size=1, max_size=200))
def test_bytes_as_a_message_over_grpc_are_refused(server: Server, method: str, data: bytes) -> None:
    with (
        grpc.insecure_channel(str(server.grpc_address)) as channel,
        pytest.raises(grpc.RpcError) as raised,
    ):
        call: Any = channel.unary_unary(f"/{method}")
        call(data, timeout=20)
    error: Any = raised.value
    assert error.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND), error


@given(data=st.binary(min_size=1, max_size=500), is_http2=st.booleans())
def test_bytes_on_a_connection_of_grpc_harm_nobody(
    server: Server, data: bytes, is_http2: bool
) -> None:
    host, _, port = str(server.grpc_address).rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as plain:
        plain.sendall((b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" if is_http2 else b"") + data)
