"""Helpers of the tests of streams by address: a stream of Chat, and a run that watches an
address.
"""

import json
from typing import Any

import nbagent
from nbagent.errors import StreamError
from nbagent.run import Run


def chat(text: str) -> bytes:
    return (
        b"data: "
        + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode()
        + b"\n\n"
    )


DONE = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
HELLO = [chat("Hel"), chat("lo")]


async def watch(url: str, **options: Any) -> Run:
    run = Run(nbagent.connect(url, **options))
    run.start()
    return await run


async def items_of(url: str, **options: Any) -> list[Any]:
    return [item async for item in nbagent.connect(url, **options)]


def code_of(run: Run) -> str | None:
    return run.error.code if isinstance(run.error, StreamError) else None
