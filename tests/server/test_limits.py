"""Clients that send too much, too slowly or junk: they are cut or refused, and the server goes on
serving others.
"""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from socket import create_server

import httpx2
import psutil
import pytest
from agent.server import Server as ModelServer
from agent.server import chat
from hypothesis import given
from hypothesis import strategies as st
from preloaded import start
from server.raw import BINARY, CLOSE, PING, TEXT, Raw, RawWebSocket
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nbagent.agent import Agent
from nbagent.errors import NbagentError
from nbagent.gate import secrets
from nbagent.server import Limits, Server, serve
from nbagent.server.access import guard
from nbagent.server.access.rate import MAX_CLIENTS, Rate

TOKEN = "a-token-of-some-length"
READ_TOKEN = "another-token-to-read"
JSON = "Content-Type: application/json"
STREAM = "/agents/assistant/messages/stream"


@contextmanager
def serving(**limits: float) -> Iterator[Server]:
    with ModelServer(*[chat("Hi.")] * 1_000) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with serve(agent, port=0, limits=Limits.of(limits)) as server:
            yield server


@pytest.fixture(scope="module")
def one_server() -> Iterator[Server]:
    with serving() as server:
        yield server


class Errors(logging.Handler):
    """The errors that are logged, as texts."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))


@pytest.fixture
def errors() -> Iterator[list[str]]:
    """The errors in the log of a test."""
    handler = Errors()
    # uvicorn's records do not reach the root
    loggers = [
        logging.getLogger(),
        logging.getLogger("uvicorn.error"),
    ]
    for logger in loggers:
        logger.addHandler(handler)
    yield handler.texts
    for logger in loggers:
        logger.removeHandler(handler)


@pytest.fixture
def server(one_server: Server, errors: list[str]) -> Iterator[Server]:
    """A server that a test may not crash: it serves afterwards, and has logged no error."""
    yield one_server
    assert serves(one_server)
    assert errors == []


@pytest.fixture
def small_server() -> Iterator[Server]:
    """A server that takes ten connections."""
    with serving(max_connections=10) as server:
        yield server


@pytest.fixture(scope="module")
def impatient_server() -> Iterator[Server]:
    """A server that waits for half a second: a busy machine sends a request within it."""
    with serving(head_timeout_s=0.5, body_timeout_s=0.5) as server:
        yield server


def serves(server: Server) -> bool:
    response = httpx2.post(
        f"{server.url}/agents/assistant/messages/stream", json={"message": "x"}, timeout=30
    )
    return '{"chunk":"Hi."}' in response.text


# --- slow clients ---


@pytest.mark.parametrize(
    "begun", [b"", b"G", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: "]
)
def test_a_client_that_does_not_finish_the_head_of_its_request_is_cut(
    impatient_server: Server, begun: bytes
) -> None:
    with Raw(impatient_server.url) as raw:
        raw.send(begun)
        assert raw.read() == b""


def test_a_client_that_sends_byte_by_byte_gets_no_more_time_for_it(
    impatient_server: Server,
) -> None:
    with Raw(impatient_server.url) as raw:
        raw.send(b"GET /health HTTP/1.1\r\nX: ")
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while True:
                raw.socket.sendall(b"x")


def test_a_second_request_has_no_more_time_than_the_first(impatient_server: Server) -> None:
    with Raw(impatient_server.url) as raw:
        raw.get("/health")
        raw.read_until(b"}")
        raw.send(b"GET /health HTTP/1.1\r\nX: ")
        assert raw.read() == b""


def test_a_client_that_does_not_finish_its_body_is_cut(impatient_server: Server) -> None:
    with Raw(impatient_server.url) as raw:
        raw.send(
            (
                f"POST /runs HTTP/1.1\r\nHost: {raw.host}\r\n{JSON}\r\nContent-Length: 100\r\n\r\n"
                f"{{"
            ).encode()
        )
        assert raw.read() == b""


def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_error(server: Server) -> None:
    with Raw(server.url) as raw:
        raw.send(
            (
                f"POST /runs HTTP/1.1\r\nHost: {raw.host}\r\n{JSON}\r\nContent-Length: 100\r\n\r\n"
                f"{{"
            ).encode()
        )


# --- many connections ---


def test_a_new_connection_takes_the_place_of_one_that_idles(small_server: Server) -> None:
    idle = [Raw(small_server.url) for _ in range(10)]
    assert serves(small_server)
    assert idle[0].read() == b""
    idle[-1].get("/health", "Connection: close")
    assert b"200 OK" in idle[-1].read()
    for each in idle:
        each.socket.close()


def test_connections_that_stream_keep_their_place(small_server: Server) -> None:
    session = httpx2.post(f"{small_server.url}/agents/assistant/sessions").json()["session_id"]
    watchers = [Raw(small_server.url) for _ in range(10)]
    for each in watchers:
        each.get(f"/agents/assistant/sessions/{session}/messages/stream")
        each.read_until(b"\r\n\r\n")
    with Raw(small_server.url) as refused:
        refused.get("/health")
        assert refused.read() == b""
    watchers.pop().socket.close()
    while True:
        try:
            httpx2.post(
                f"{small_server.url}/agents/assistant/sessions/{session}/messages/stream",
                json={"message": "x"},
            )
            break
        except httpx2.HTTPError:
            pass  # its place is not free yet
    for each in watchers:
        assert b"Hi." in each.read_until(b"Hi.")
        each.socket.close()


def watching(server: Server, session: str, count: int, **headers: str) -> list[Raw]:
    """Return clients that follow a session."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    watchers = [Raw(server.url) for _ in range(count)]
    for each in watchers:
        each.get(f"/agents/assistant/sessions/{session}/messages/stream", *lines)
        each.read_until(b"\r\n\r\n")
    return watchers


def test_an_address_has_so_many_streams_and_its_other_requests_pass() -> None:
    with serving(streams_at_once=3) as server:
        session = httpx2.post(f"{server.url}/agents/assistant/sessions").json()["session_id"]
        path = f"/agents/assistant/sessions/{session}/messages/stream"
        watchers = watching(server, session, 3)
        refused = httpx2.get(f"{server.url}{path}")
        assert (refused.status_code, "streams_at_once" in refused.text) == (429, True)
        assert httpx2.get(f"{server.url}/health").status_code == 200
        other = httpx2.get(
            f"{server.url}{path}?message=x", headers={"X-Forwarded-For": "192.0.2.1"}
        )
        assert '{"chunk":"Hi."}' in other.text
        for each in watchers:
            each.socket.close()
        while httpx2.get(f"{server.url}{path}?message=x").status_code == 429:
            pass  # they have not left yet


def test_behind_a_proxy_the_address_with_most_connections_gives_way(small_server: Server) -> None:
    session = httpx2.post(f"{small_server.url}/agents/assistant/sessions").json()["session_id"]
    watchers = watching(small_server, session, 10, X_Forwarded_For="192.0.2.1")
    assert serves(small_server)
    assert watchers[0].read() == b""  # its oldest
    for each in watchers:
        each.socket.close()


def test_a_new_connection_takes_the_place_of_one_whose_client_sends_its_body_slowly(
    small_server: Server,
) -> None:
    slow = [Raw(small_server.url) for _ in range(10)]
    for each in slow:
        each.send(
            (
                f"POST /runs HTTP/1.1\r\nHost: {each.host}\r\n{JSON}\r\nContent-Length: 100\r\n\r\n"
                f"{{"
            ).encode()
        )
    assert serves(small_server)
    for each in slow:
        each.socket.close()


@pytest.mark.skipif(sys.platform != "linux", reason="another address of loopback")
def test_an_address_with_most_connections_gives_way_to_others(small_server: Server) -> None:
    session = httpx2.post(f"{small_server.url}/agents/assistant/sessions").json()["session_id"]
    watchers = [Raw(small_server.url, source="127.0.0.2") for _ in range(10)]
    for each in watchers:
        each.get(f"/agents/assistant/sessions/{session}/messages/stream")
        each.read_until(b"\r\n\r\n")
    assert serves(small_server)
    assert watchers[0].read() == b""  # its oldest
    for each in watchers:
        each.socket.close()


def test_a_client_that_leaves_a_long_answer_unread_is_cut() -> None:
    answer = ["x" * 50_000] * 400
    with ModelServer(chat(*answer)) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        limits = Limits(write_timeout_s=0.05)
        with serve(agent, port=0, limits=limits) as server, Raw(server.url) as raw:
            prompt = '{"message": "x"}'
            head = (
                f"POST /runs HTTP/1.1\r\nHost: {raw.host}\r\n{JSON}\r\nContent-Length: "
                f"{len(prompt)}"
            )
            raw.send(f"{head}\r\n\r\n{prompt}".replace("/runs", STREAM).encode())
            raw.read_until(b"\r\n\r\n")
            connections = server._server.server_state.connections
            unread = next(iter(connections))
            while unread in connections:
                assert httpx2.get(f"{server.url}/health").status_code == 200
            assert len(raw.read()) < sum(map(len, answer))


@pytest.mark.proof
def test_1000_idle_connections_hold_up_nobody(server: Server) -> None:
    process = psutil.Process()
    assert serves(server)
    before = process.memory_info().rss
    idle = [Raw(server.url) for _ in range(1_500)]
    for each in idle[::2]:
        each.send(b"GET /health HTTP/1.1\r\nX: ")
    for _ in range(20):
        assert serves(server)
    grown = process.memory_info().rss - before
    print(f"{grown / len(idle) / 1024:.0f} KiB a connection, the client's side with it")
    assert grown < 100 * 1024 * 1024
    for each in idle:
        each.socket.close()


# --- large requests ---


@pytest.mark.parametrize(
    "headers",
    [["X: y"] * 200, [f"X: {'y' * 40_000}"], [f"X: {'y' * 2_000_000}"], ["X: y"] * 100_000],
)
def test_a_flood_of_headers_is_refused(server: Server, headers: list[str]) -> None:
    with Raw(server.url) as raw:
        raw.get("/health", "Connection: close", *headers)
        answer = raw.read()
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 ")), answer[:200]


@pytest.mark.parametrize(
    "request_",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET /health HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"POST /runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        (
            b"POST /runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: "
            b"chunked\r\n\r\nzz\r\n"
        ),
        (
            b"POST /runs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"ffffffffffffffffff\r\n"
        ),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_a_request_that_is_not_http_is_refused(server: Server, request_: bytes) -> None:
    with Raw(server.url) as raw:
        raw.send(request_)
        raw.socket.shutdown(1)
        answer = raw.read()
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505 ")), answer[:200]


def test_a_body_in_chunks_is_limited_too(server: Server) -> None:
    with Raw(server.url) as raw:
        raw.send(
            (
                f"POST /runs HTTP/1.1\r\nHost: {raw.host}\r\n{JSON}\r\nTransfer-Encoding: "
                f"chunked\r\n"
                "\r\n"
            ).encode()
        )
        for _ in range(80):
            raw.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        raw.send(b"0\r\n\r\n")
        assert raw.read_until(b"\r\n").startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("header", ["Content-Length: 5000000", "Transfer-Encoding: chunked"])
def test_a_large_body_of_a_get_is_ignored(server: Server, header: str) -> None:
    with Raw(server.url) as raw:
        raw.get("/stream?query=x", header)
        raw.send(b"4C4B40\r\n" + b"x" * 5_000_000 + b"\r\n0\r\n\r\n")
        raw.read_until(b'"content":"Hi."')


# --- many requests ---


def test_more_requests_than_the_rate_are_refused_and_told_when_to_come_back() -> None:
    limits = Limits(requests_at_once=3, requests_per_s=0.001)
    with (
        serve(Agent("demo"), port=0, limits=limits) as server,
        httpx2.Client(base_url=server.url) as client,
    ):
        answers = [client.get("/health") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 990 < int(answers[-1].headers["retry-after"]) <= 1000


def test_a_token_cannot_be_guessed_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "LOGINS_BURST", 3)
    monkeypatch.setattr(guard, "LOGINS_PER_S", 0.001)
    with (
        serve(Agent("demo"), port=0, token=TOKEN) as server,
        httpx2.Client(base_url=server.url) as client,
    ):
        answers = [
            client.post("/login", json={"token": f"guess-{number}"}).status_code
            for number in range(3)
        ]
        assert [*answers, client.post("/login", json={"token": TOKEN}).status_code] == [
            401,
            401,
            401,
            429,
        ]


@given(
    gaps=st.lists(st.floats(0, 10), min_size=1, max_size=50),
    burst=st.integers(1, 10),
    per_s=st.floats(0.1, 10),
)
def test_a_rate_holds_in_every_stretch_of_time(gaps: list[float], burst: int, per_s: float) -> None:
    now = 0.0
    taken: list[float] = []
    rate = Rate(per_s, burst, lambda: now)
    for gap in gaps:
        now += gap
        wait = rate.wait_s("client")
        if wait == 0:
            taken.append(now)
        else:
            before = now
            now += wait + 1e-6
            assert rate.wait_s("client") == 0
            taken.append(now)
            assert now > before
        for first in range(len(taken)):
            assert len(taken) - first <= burst + per_s * (now - taken[first]) + 1e-3


def test_clients_have_a_rate_of_their_own_and_are_forgotten() -> None:
    rate = Rate(1, 1, lambda: 0.0)
    assert [rate.wait_s("one"), rate.wait_s("two"), rate.wait_s("one")] == [0, 0, 1]
    for number in range(MAX_CLIENTS):
        rate.wait_s(str(number))
    assert rate.wait_s("one") == 0


A2A_MESSAGE = {
    "message": {"messageId": "m", "contextId": "c", "role": "ROLE_USER", "parts": [{"text": "x"}]}
}


def test_sessions_are_limited_also_those_that_a_client_names() -> None:
    with (
        serving(max_sessions=len(Agent("demo").sessions()) + 1) as server,
        httpx2.Client(base_url=server.url) as client,
    ):
        client.post("/agents/assistant/sessions")
        refused = client.post("/agents/assistant/sessions")
        assert (refused.status_code, "the limit max_sessions" in refused.text) == (503, True)
        begun = client.post(
            "/agents/assistant/message:send", json=A2A_MESSAGE, headers={"a2a-version": "1.0"}
        )
        assert "the limit max_sessions" in begun.text
        thread = client.post(
            "/ag-ui/assistant",
            json={"threadId": "new", "messages": [{"role": "user", "content": "x"}]},
        )
        assert (thread.status_code, "the limit max_sessions" in thread.text) == (503, True)


# --- WebSockets ---


def test_a_message_in_fragments_or_as_bytes_is_a_message(server: Server) -> None:
    with RawWebSocket(server.url) as ws:
        ws.frame(TEXT, b'{"mess', fin=False)
        ws.frame(PING, b"still there?")
        ws.frame(0, b'age": "x"}')
        assert ws.message() == b"still there?"
        assert ws.message() == b'{"chunk":"Hi."}'
        assert b"chunk" not in ws.message()
        ws.frame(BINARY, b'{"message": "x"}')
        assert ws.message() == b'{"chunk":"Hi."}'


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{}",
        b'{"message": null}',
        b'{"message": {"a": 1}}',
        b'{"answer": "none"}',
        b'{"session": "none", "message": "x"}',
        b"[" * 200_000,
        b'{"message": ' + b"[" * 100_000,
        b'{"message": "\\ud800"}',
        b'{"message": "' + b"x" * 1_000_001 + b'"}',
        b"\xff\xfe",
    ],
)
@pytest.mark.usefixtures("no_garbage")
def test_junk_is_answered_and_the_connection_stays(server: Server, junk: bytes) -> None:
    with RawWebSocket(server.url) as ws:
        ws.frame(BINARY, junk)
        assert "message" in json.loads(ws.message())["error"]
        ws.frame(TEXT, b'{"message": "x"}')
        assert ws.message() == b'{"chunk":"Hi."}'


def closed_with(ws: RawWebSocket) -> int:
    return int.from_bytes(ws.message()[:2])


@pytest.mark.parametrize(
    ("opcode", "data", "options"),
    [
        (TEXT, b"\xff\xfe\xfd", {}),
        (0x3, b"x", {}),
        (TEXT, b"x", {"masked": False}),
        (PING, b"x" * 200, {}),
        (PING, b"x", {"fin": False}),
        (0, b"x", {}),
        (CLOSE, b"x", {}),
    ],
)
def test_a_frame_that_breaks_the_protocol_ends_the_connection(
    server: Server, opcode: int, data: bytes, options: dict[str, bool]
) -> None:
    with RawWebSocket(server.url) as ws:
        ws.frame(opcode, data, **options)
        ws.read()


def test_a_message_that_is_too_large_ends_the_connection(server: Server) -> None:
    for pieces in (1, 80):
        with RawWebSocket(server.url) as ws:
            data = b"x" * (5 * 1024 * 1024 // pieces)
            for number in range(pieces):
                ws.frame(TEXT if number == 0 else 0, data, fin=False)
            assert closed_with(ws) == 1009


def test_a_flood_of_messages_ends_the_connection() -> None:
    with (
        serving(messages_at_once=5, messages_per_s=0.001) as server,
        RawWebSocket(server.url) as ws,
    ):
        for _ in range(6):
            ws.frame(TEXT, b"{}")
        assert [b"error" in ws.message() for _ in range(5)] == [True] * 5
        assert closed_with(ws) == 4429


def test_messages_are_not_compressed(server: Server) -> None:
    with RawWebSocket(
        server.url, "/agents/assistant/stream", "Sec-WebSocket-Extensions: permessage-deflate"
    ) as ws:
        assert ws.answer.startswith(b"HTTP/1.1 101 ")
        assert b"permessage-deflate" not in ws.answer


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([f"Authorization: Bearer {TOKEN}"], 101),
        ([f"Authorization: Bearer {TOKEN}", "Origin: https://attacker.example"], 403),
        ([f"Authorization: Bearer {TOKEN}", "Origin: null"], 403),
        ([f"Authorization: Bearer {READ_TOKEN}"], 403),
        (["Authorization: Bearer wrong"], 403),
        (["Cookie: nbagent_session=guess"], 403),
        ([f"Sec-WebSocket-Protocol: {TOKEN}"], 403),
        ([], 403),
    ],
)
def test_a_web_socket_is_refused_where_a_request_is(headers: list[str], status: int) -> None:
    with serve(
        Agent("demo", name="assistant"), port=0, token=TOKEN, read_token=READ_TOKEN
    ) as server:
        with RawWebSocket(server.url, "/agents/assistant/stream", *headers) as ws:
            assert ws.answer.startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.parametrize(
    "host",
    ["attacker.example", "127.0.0.1.attacker.example", "", "[::1", "localhost@attacker.example"],
)
def test_another_host_is_refused_on_every_way(server: Server, host: str) -> None:
    for path in ("/health", "/stream?query=x", "/agents/assistant/stream", "/mcp", "/"):
        with Raw(server.url) as raw:
            raw.host = host
            raw.get(path, "Connection: close")
            assert raw.read().startswith((b"HTTP/1.1 403 ", b"HTTP/1.1 400 "))


def test_a_page_opens_a_web_socket_with_its_session() -> None:
    with serve(Agent("demo", name="assistant"), port=0, token=TOKEN) as secured:
        session = httpx2.post(f"{secured.url}/login", json={"token": TOKEN}).cookies[
            "nbagent_session"
        ]
        origin = f"Origin: {secured.url}"
        with RawWebSocket(
            secured.url, "/agents/assistant/stream", f"Cookie: nbagent_session={session}", origin
        ) as ws:
            assert ws.answer.startswith(b"HTTP/1.1 101 ")


def test_a_traceback_in_the_log_has_no_token(capsys: pytest.CaptureFixture[str]) -> None:
    async def fail(request: Request) -> Response:
        raise ValueError(request.headers["authorization"])

    secrets.register(TOKEN)
    app = Starlette(routes=[Route("/", fail)])
    app.state.run_ids = {}
    with Server(app, create_server(("127.0.0.1", 0))) as server:
        assert (
            httpx2.get(server.url, headers={"authorization": f"Bearer {TOKEN}"}).status_code == 500
        )
    logged = capsys.readouterr().err
    assert "ValueError: Bearer a-•" in logged
    assert TOKEN not in logged


def test_a_server_that_cannot_begin_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    @asynccontextmanager
    async def fail(app: Starlette) -> AsyncIterator[None]:
        if app.state.run_ids == {}:
            raise ValueError("no disk")
        yield

    app = Starlette(lifespan=fail)
    app.state.run_ids = {}
    with pytest.raises(NbagentError, match="the server could not begin; its log has the reason"):
        Server(app, create_server(("127.0.0.1", 0)))
    assert "no disk" in capsys.readouterr().err


# --- secrets ---


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGINT for one process")
def test_no_token_reaches_the_output_of_a_server(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("agents:\n  assistant:\n    model: demo\n")
    command = ("-m", "nbagent", "serve", "config.yaml", "--port", "0")
    environment = {**os.environ, "NBAGENT_TOKEN": TOKEN}
    with start(
        *command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = line.split("serving at ")[1].split(";")[0]
        with httpx2.Client(base_url=url, headers={"authorization": f"Bearer {TOKEN}"}) as client:
            for answer in (
                client.get(f"/health?token={TOKEN}"),
                client.get(f"/{TOKEN}"),
                client.get(f"/runs/{TOKEN}/events"),
                client.get("/runs/x/events", headers={"last-event-id": TOKEN}),
                client.post("/runs", json={"message": "x", "agent": TOKEN}),
                client.post("/runs", json={"message": "x", "session": TOKEN}),
                client.post("/login", json={"token": f"{TOKEN}x"}),
                client.post("/runs", content=TOKEN, headers={"content-type": TOKEN}),
                client.request(TOKEN.upper(), "/runs"),
            ):
                assert 400 <= answer.status_code < 500
                assert TOKEN not in answer.text + str(answer.headers)
        with Raw(url) as raw:
            raw.send(
                (
                    f"GET /?{TOKEN} HTTP/9.9\r\nConnection: close\r\nAuthorization: {TOKEN}\r\n\r\n"
                ).encode()
            )
            raw.read()
        with RawWebSocket(url, "/agents/assistant/stream", f"Authorization: Bearer {TOKEN}") as ws:
            ws.frame(TEXT, json.dumps({"message": "x", "session": TOKEN}).encode())
            assert TOKEN.encode() not in ws.message()
        process.send_signal(signal.SIGINT)
        assert TOKEN not in line + process.stdout.read()
        assert process.wait(30) == 0
