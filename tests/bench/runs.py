"""Benchmark of served agents beside other servers of agents: processor time of the server for each
delta, with one run and with fifty at a time.

    PYTHONPATH=tests .venv/bench/bin/python -m bench.runs [deltas] [rounds]

All contestants ask the same model, a server of this script's own, with the `openai` client, and
stream its answer to one reader for each run: nbagent over two of its protocols; pydantic-ai with
its AG-UI adapter; and two servers that hand on the bare deltas, without an agent, a run, masks or a
store.
"""

import asyncio
import contextlib
import itertools
import json
import secrets
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import openai
import uvicorn
from campaign import figure
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

PAUSE_S = 0.01
"""Seconds between two deltas of the model."""
RUNS = (1, 50)
WORD = "word "


async def model(count: int) -> None:
    """Serve a model of OpenAI's Chat Completions that answers in so many deltas; print its
    address.
    """
    envelope = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}

    def chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return f"data: {json.dumps({**envelope, 'choices': [choice]})}\n\n".encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            (length,) = (
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length")
            )
            await reader.readexactly(length)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
            writer.write(b"connection: close\r\n\r\n" + chunk({"role": "assistant"}))
            for _ in range(count):
                writer.write(chunk({"content": WORD}))
                await writer.drain()
                await asyncio.sleep(PAUSE_S)
            writer.write(chunk({}, "stop") + b"data: [DONE]\n\n")
            await writer.drain()
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=512)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await asyncio.to_thread(sys.stdin.read)


Client = openai.AsyncOpenAI
Make = Callable[[Client], tuple[Starlette, str, dict[str, Any]]]
"""Makes a contestant's application, the path of its endpoint and the body of a request."""

AG_UI: dict[str, Any] = {"threadId": "t", "runId": "r", "state": {}, "tools": [], "context": []}
AG_UI |= {"forwardedProps": {}, "messages": [{"id": "1", "role": "user", "content": "go"}]}


def nbagent_at(path: str, body: dict[str, Any], store: str = ":memory:") -> Make:
    """Return how nbagent is made."""

    def make(client: Client) -> tuple[Starlette, str, dict[str, Any]]:
        import nbagent

        agent = nbagent.Agent("m", client=client, api="chat", name="assistant")
        limits = nbagent.Limits(max_runs=100)
        return nbagent.asgi(agent, store=store, limits=limits), path, body

    return make


def pydantic_ai(client: Client) -> tuple[Starlette, str, dict[str, Any]]:
    """Return pydantic-ai with its AG-UI adapter."""
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.ui.ag_ui import AGUIAdapter

    agent = Agent(OpenAIChatModel("m", provider=OpenAIProvider(openai_client=client)))

    async def endpoint(request: Request) -> Response:
        response: Response = await AGUIAdapter.dispatch_request(request, agent=agent)
        return response

    return Starlette(routes=[Route("/run", endpoint, methods=["POST"])]), "/run", AG_UI


def bare(respond: Callable[[AsyncIterator[str]], Response]) -> Make:
    """Return how a server of bare deltas is made."""

    def make(client: Client) -> tuple[Starlette, str, dict[str, Any]]:
        async def deltas() -> AsyncIterator[str]:
            messages: Any = [{"role": "user", "content": "go"}]
            stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
            async for chunk in stream:
                if chunk.choices and (text := chunk.choices[0].delta.content):
                    yield json.dumps({"text": text})

        async def endpoint(request: Request) -> Response:
            return respond(deltas())

        return Starlette(routes=[Route("/run", endpoint, methods=["POST"])]), "/run", {}

    return make


def starlette(texts: AsyncIterator[str]) -> Response:
    """Return Starlette's own response."""

    async def stream() -> AsyncIterator[str]:
        async for text in texts:
            yield f"data: {text}\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream")


def sse_starlette(texts: AsyncIterator[str]) -> Response:
    """Return the response of sse-starlette's documentation."""
    from sse_starlette import EventSourceResponse

    return EventSourceResponse({"data": text} async for text in texts)


PEERS: dict[str, Make] = {
    "Starlette's StreamingResponse": bare(starlette),
    "sse-starlette": bare(sse_starlette),
    "pydantic-ai, AG-UI": pydantic_ai,
    "nbagent, AG-UI": nbagent_at("/ag-ui/assistant", AG_UI),
    "nbagent, /api/chat": nbagent_at(
        "/api/chat",
        {"id": "c", "messages": [{"role": "user", "parts": [{"type": "text", "text": "go"}]}]},
    ),
}
BASE = "Starlette's StreamingResponse"


def serve(peer: str, model_url: str) -> None:
    """Serve a contestant: print its address and the request, and at each line of input the
    processor seconds so far.
    """
    app, path, body = PEERS[peer](Client(base_url=model_url, api_key="unused"))
    config = uvicorn.Config(app, port=0, log_level="warning", access_log=False, http="h11")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    print(json.dumps([f"http://127.0.0.1:{port}{path}", body]), flush=True)
    for _ in sys.stdin:
        print(time.process_time(), flush=True)
    server.should_exit = True
    thread.join()


async def read(url: str, body: dict[str, Any], count: int) -> float:
    """Read one run to its end; return the seconds to its first delta."""
    # A thread of its own: the answers in one thread follow each other.
    own = {"threadId": secrets.token_hex(8)} if "threadId" in body else {}
    address, sent = urlsplit(url), json.dumps(body | own).encode()
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n"
    writer.write(head.encode() + sent)
    first = 0.0
    got = bytearray()
    while chunk := await reader.read(1 << 16):
        got += chunk
        if not first and WORD.encode() in got:
            first = time.perf_counter() - began
    writer.close()
    assert got.startswith(b"HTTP/1.1 200"), bytes(got[:300])
    found = got.count(WORD.encode())
    assert found >= count, f"{found} of {count} deltas"
    return first


async def cost(peer: str, model_url: str, count: int, runs: int) -> tuple[float, float]:
    """Return the processor seconds of a delta, and the median of the seconds to the first one."""
    command = [sys.executable, __file__, "--serve", peer, model_url]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        url, body = json.loads(process.stdout.readline())

        def cpu() -> float:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
            return float(process.stdout.readline())

        await read(url, body, count)  # what is imported and made once
        before = cpu()
        first = await asyncio.gather(*(read(url, body, count) for _ in range(runs)))
        spent = cpu() - before
        process.stdin.close()
    return spent / (runs * count), statistics.median(first)


async def main(count: int = 400, rounds: int = 3) -> None:
    """Print the costs."""
    command = [sys.executable, __file__, "--model", str(count)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        for runs in RUNS:
            best: dict[str, tuple[float, float]] = {}
            # In turn, and the least: other load on the machine can only add.
            for _, peer in itertools.product(range(rounds), PEERS):
                each = await cost(peer, url, count, runs)
                known = best.get(peer, each)
                best[peer] = (min(each[0], known[0]), min(each[1], known[1]))
            print(f"\n{count} deltas in each of {runs} runs        CPU us a delta   first delta ms")
            for peer, (spent, first) in best.items():
                ratio = spent / best[BASE][0]
                print(f"  {peer:<32}{1e6 * spent:>10.0f} ({ratio:.2f} x){1000 * first:>12.0f}")
                what = f"{peer}, {runs} runs, beside {BASE}"
                figure("runs", what, f"{ratio:.2f} x the CPU a delta")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2], sys.argv[3])
    elif sys.argv[1:2] == ["--model"]:
        asyncio.run(model(int(sys.argv[2])))
    else:
        asyncio.run(main(*map(int, sys.argv[1:])))
