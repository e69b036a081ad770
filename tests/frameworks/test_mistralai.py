"""Mistral's client: recordings of its service through its streams, compared with the items on the
wire.
"""

from typing import Any

import pytest
from adapters.recorded import decode, payloads
from frameworks.replay import KEY, RECORDINGS, Serve, held, recorded, refused
from frameworks.watching import calls, stop, watch
from mistralai.client import Mistral

from nbagent.adapters.openai_chat.decoder import ChatDecoder
from nbagent.run import Run

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "?"}]}
FILES = sorted(path.name for path in RECORDINGS.glob("openai_chat/*mistral*.sse"))


def results(run: Run) -> Any:
    return run.text, run.thinking, calls(run), run.usage.total, run.status


@pytest.mark.parametrize("name", FILES)
async def test_the_clients_objects_mean_what_the_wire_means(serve: Serve, name: str) -> None:
    provider = serve(*[recorded(f"openai_chat/{name}")] * 2)
    wire = await watch(decode(ChatDecoder(), payloads(RECORDINGS / "openai_chat" / name)))
    with Mistral(api_key=KEY, server_url=provider.url) as client:
        assert results(await watch(client.chat.stream(**ASK))) == results(wire)
        assert results(await watch(client.chat.stream_async(**ASK))) == results(wire)
    assert wire.status == "completed"


async def test_a_provider_that_refuses_fails_the_run(serve: Serve) -> None:
    provider = serve(refused(400, "too much"))
    with Mistral(api_key=KEY, server_url=provider.url) as client:
        run = await watch(client.chat.stream_async(**ASK))
    assert (run.status, "too much" in str(run.error)) == ("failed", True)


async def test_stop_closes_the_connection_to_the_provider(serve: Serve) -> None:
    provider = serve(held("openai_chat/openllmetry-mistral-chat.0.sse", b"heart"))
    with Mistral(api_key=KEY, server_url=provider.url) as client:
        run = await stop(client.chat.stream_async(**ASK), provider)
    assert run.status == "cancelled"
