"""Cohere's SDK: every recording through its streams, compared with the items on the wire."""

from typing import Any

import cohere
import pytest
from adapters.recorded import decode, payloads
from frameworks.replay import KEY, RECORDINGS, Serve, held, recorded
from frameworks.watching import calls, stop, watch

from nbagent.adapters.cohere.decoder import CohereDecoder
from nbagent.run import Run

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "?"}]}
FILES = sorted(path.name for path in RECORDINGS.glob("cohere/*.sse"))


def results(run: Run) -> Any:
    return run.text, run.thinking, calls(run), run.usage, run.status


@pytest.mark.parametrize("name", FILES)
async def test_the_sdks_objects_mean_what_the_wire_means(serve: Serve, name: str) -> None:
    provider = serve(*[recorded(f"cohere/{name}")] * 2)
    wire = await watch(decode(CohereDecoder(), payloads(RECORDINGS / "cohere" / name)))
    with cohere.ClientV2(api_key=KEY, base_url=provider.url) as client:
        assert results(await watch(client.chat_stream(**ASK))) == results(wire)
    async with cohere.AsyncClientV2(api_key=KEY, base_url=provider.url) as asynchronous:
        assert results(await watch(asynchronous.chat_stream(**ASK))) == results(wire)
    assert wire.status == "completed"


async def test_stop_closes_the_connection_to_the_provider(serve: Serve) -> None:
    provider = serve(held("cohere/vercel-cohere-reasoning.sse", b"content-delta"))
    async with cohere.AsyncClientV2(api_key=KEY, base_url=provider.url) as client:
        run = await stop(client.chat_stream(**ASK), provider)
    assert run.status == "cancelled"
