"""The server behind nginx, with the configuration of the documentation, and with configurations
that buffer.
"""

import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from agent.server import Exchange, Reply, chat, chat_chunk
from agent.server import Server as ModelServer
from debian import program

import nbagent
from nbagent import events
from nbagent.agent import Agent
from nbagent.server import Limits, serve
from nbagent.sources import buffering

NGINX = program("nginx")
pytestmark = pytest.mark.skipif(NGINX is None, reason="there is no nginx on this machine")

PAGE = Path(__file__).parents[2] / "docs/how-to/nginx.md"
[LOCATION] = re.findall(r"```nginx\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
"""The piece of the documentation."""

BUFFERING_ON = LOCATION.replace("proxy_http_version 1.1", "proxy_buffering on")
"""Buffers what does not say that it must not be.

Chunked bodies are those of HTTP 1.1, which nginx passes on at once anyway.
"""

BUFFERING = BUFFERING_ON.replace(
    "proxy_buffering on", "proxy_buffering on;\n    proxy_ignore_headers X-Accel-Buffering"
)

CONFIGURATION = """
daemon off;
pid {folder}/pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        {location}
    }}
}}
"""


@contextmanager
def nginx(location: str, upstream: str, folder: Path) -> Iterator[str]:
    """Yield the address of an nginx with that location, in front of a server."""
    assert NGINX is not None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        location = location.replace("http://127.0.0.1:8080", upstream)
        (folder / "nginx.conf").write_text(
            CONFIGURATION.format(folder=folder, port=port, location=location)
        )
        # nginx takes over sockets that it finds in NGINX, as it does from the process that it is an
        # upgrade of.
        environment = {**os.environ, "NGINX": f"{listener.fileno()};"}
        command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
        process = subprocess.Popen(command, env=environment, pass_fds=[listener.fileno()])
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def behind(location: str, folder: Path, *replies: Reply) -> Iterator[httpx2.Client]:
    """Yield a client of an nginx in front of a server with one agent, `assistant`."""
    with ModelServer(*replies) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with (
            serve(agent, port=0, hosts=["agents.example.org"]) as server,
            nginx(location, server.url, folder) as url,
            httpx2.Client(base_url=url, timeout=20) as client,
        ):
            yield client


class Gated:
    """A reply of the model in two pieces, of which the second waits."""

    def __init__(self) -> None:
        self.gate = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(chat_chunk({"content": "One. "}))
        assert self.gate.wait(20)
        exchange.send(chat_chunk({"content": "Two."}), chat_chunk({}, "stop"))
        exchange.end()


@pytest.mark.parametrize(
    "location", [LOCATION, BUFFERING_ON], ids=["documented", "proxy_buffering on"]
)
def test_a_stream_comes_piece_by_piece_and_is_resumed(location: str, tmp_path: Path) -> None:
    reply = Gated()
    with behind(location, tmp_path, reply) as client:
        with client.stream(
            "POST", "/agents/assistant/messages/stream", json={"message": "x"}
        ) as response:
            lines = response.iter_lines()
            id = next(line for line in lines if line.startswith("id: ")).removeprefix("id: ")
            assert next(lines) == 'data: {"chunk":"One. "}'
            reply.gate.set()
            assert 'data: {"chunk":"Two."}' in list(lines)
        rest = client.get("/stream", headers={"Last-Event-ID": id})
    assert "One." not in rest.text
    assert '"content":"Two."' in rest.text


def test_a_websocket_and_another_host_and_origin_pass(tmp_path: Path) -> None:
    with behind(LOCATION, tmp_path, chat("One.")) as client:
        headers = {"Host": "agents.example.org", "Origin": "http://agents.example.org"}
        assert client.get("/health", headers=headers).status_code == 200
        assert client.get("/health", headers={"Host": "other.example.org"}).status_code == 403
        address = str(client.base_url.join("/agents/assistant/stream")).replace("http", "ws")
        with client.websocket(address) as ws:
            ws.send_json({"message": "x"})
            assert ws.receive_json() == {"chunk": "One."}


def test_clients_have_rates_of_their_own_and_cannot_choose_one(tmp_path: Path) -> None:
    with (
        serve(
            Agent("demo"), port=0, limits=Limits(requests_at_once=3, requests_per_s=0.001)
        ) as server,
        nginx(LOCATION, server.url, tmp_path) as url,
        httpx2.Client(base_url=url, timeout=20) as client,
    ):
        answers = [
            client.get("/health", headers={"X-Forwarded-For": f"192.0.2.{number}"}).status_code
            for number in range(4)
        ]
        direct = [
            httpx2.get(
                f"{server.url}/health", headers={"X-Forwarded-For": f"192.0.2.{number}"}
            ).status_code
            for number in range(4)
        ]
    assert answers == [200, 200, 200, 429]
    assert direct == [200] * 4


def slowly(exchange: Exchange) -> None:
    exchange.begin()
    for number in range(8):
        exchange.send(chat_chunk({"content": f"{number} "}))
        time.sleep(0.05)
    exchange.send(chat_chunk({}, "stop"))
    exchange.end()


USER = {"role": "user", "content": "x"}
WIRES: dict[str, tuple[str, Any]] = {
    "hector": ("/agents/assistant/messages/stream", {"message": "x"}),
    "agentor": ("/chat", {"message": "x"}),
    "dexto": ("/chat/stream", {"message": "x"}),
    "status": ("/stream?query=x", None),
    "ag-ui": ("/ag-ui/assistant", {"messages": [USER], "threadId": "t", "runId": "r"}),
    "useChat": ("/api/chat", {"messages": [{**USER, "parts": [{"type": "text", "text": "x"}]}]}),
    "openai": ("/v1/chat/completions", {"model": "assistant", "messages": [USER], "stream": True}),
    "responses": ("/v1/responses", {"model": "assistant", "input": "x", "stream": True}),
    "a2a": (
        "/agents/assistant/message:stream",
        {"message": {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "x"}]}},
    ),
}


async def shown(client: httpx2.Client, path: str, body: Any) -> list[str]:
    """Return the notices of a run that is watched at an address."""
    address, headers = str(client.base_url.join(path)), {"A2A-Version": "1.0"}
    run = await nbagent.show(address, json=body, headers=headers, face="console")
    assert run.answer == "0 1 2 3 4 5 6 7 "
    return [event.message for event in run.events if isinstance(event, events.Status)]


@pytest.mark.parametrize(
    "location", [LOCATION, BUFFERING], ids=["documented", "proxy_ignore_headers"]
)
async def test_a_run_that_something_buffers_says_so_at_its_end(
    location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffering, "HELD_BACK_S", 0.2)
    with behind(location, tmp_path, slowly) as client:
        made = client.post("/runs", json={"message": "x"}).json()
        told = await shown(client, made["events"], None)
    assert told == ([buffering.MESSAGE] if location == BUFFERING else [])


@pytest.mark.parametrize("wire", WIRES)
async def test_a_buffered_stream_says_so_over_every_wire(
    wire: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffering, "HELD_BACK_S", 0.2)
    with behind(BUFFERING, tmp_path, slowly) as client:
        assert buffering.MESSAGE in await shown(client, *WIRES[wire])


async def test_a_buffered_stream_of_a_thread_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffering, "HELD_BACK_S", 0.2)
    with behind(BUFFERING, tmp_path, slowly) as client:
        thread = client.post("/threads").json()["id"]
        run = client.post(f"/threads/{thread}/runs", json={"message": "x"}).json()["id"]
        assert buffering.MESSAGE in await shown(client, f"/threads/{thread}/stream/{run}", None)
