"""Ollama's client, run against recorded answers."""

from typing import Any

import ollama
from frameworks.replay import RECORDINGS, Serve, recorded
from frameworks.watching import stop, watch

CHAT, GENERATE = "ollama/openllmetry-chat.0.ndjson", "ollama/openllmetry-generate.0.ndjson"
ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "?"}], "stream": True}


async def test_a_chat_is_told_alike_in_sync_and_async(serve: Serve) -> None:
    provider = serve(*[recorded(CHAT)] * 3)
    client = ollama.Client(provider.url)
    chunks = list(client.chat(**ASK))
    text = "".join(chunk.message.content or "" for chunk in chunks)
    for stream in (client.chat(**ASK), ollama.AsyncClient(provider.url).chat(**ASK)):
        run = await watch(stream)
        assert (run.status, run.text) == ("completed", text)
        assert (run.usage.input, run.usage.output) == (
            chunks[-1].prompt_eval_count,
            chunks[-1].eval_count,
        )


async def test_a_generation_is_told(serve: Serve) -> None:
    run = await watch(
        ollama.AsyncClient(serve(recorded(GENERATE)).url).generate("m", "?", stream=True)
    )
    assert run.status == "completed"
    assert run.text


async def test_stop_closes_the_connection_to_the_provider(serve: Serve) -> None:
    lines = (RECORDINGS / CHAT).read_bytes().splitlines(keepends=True)
    provider = serve(recorded(CHAT)._replace(stop=len(b"".join(lines[:2]))))
    run = await stop(ollama.AsyncClient(provider.url).chat(**ASK), provider)
    assert run.status == "cancelled"
    assert run.text


async def test_a_server_that_refuses_fails_the_run(serve: Serve) -> None:
    run = await watch(ollama.AsyncClient(serve().url).chat(**ASK))
    assert run.status == "failed"
