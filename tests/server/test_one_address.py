"""One address with a thousand bad clients, or two thousand: another address is served meanwhile."""

import statistics
import sys
import time
from collections.abc import Callable

import httpx2
import pytest
from agent.server import Server as ModelServer
from agent.server import chat
from server.raw import Raw

from nbagent.agent import Agent
from nbagent.server import Server, serve

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(sys.platform != "linux", reason="another address of loopback"),
]

CLIENTS = 1_000
PROBES = 30
LONG = ["x" * 50_000] * 100


def send_a_body_slowly(raw: Raw, run: str) -> None:
    head = f"POST /runs HTTP/1.1\r\nHost: {raw.host}\r\nContent-Type: application/json\r\n"
    raw.send(f"{head}Content-Length: 100\r\n\r\n{{".encode())


def read_nothing(raw: Raw, run: str) -> None:
    raw.get(f"/runs/{run}/events")


def serves(client: httpx2.Client) -> bool:
    body = {"model": "assistant", "messages": [{"role": "user", "content": "x"}]}
    answer = client.post("/v1/chat/completions", json=body)
    return client.get("/health").status_code == 200 and "Hi." in answer.text


KINDS: list[list[Callable[[Raw, str], None]]] = [
    [send_a_body_slowly],
    [read_nothing],
    [send_a_body_slowly, read_nothing],
]


@pytest.mark.parametrize("kinds", KINDS)
def test_a_thousand_bad_clients_of_one_address_hold_up_no_other(
    kinds: list[Callable[[Raw, str], None]],
) -> None:
    with ModelServer(chat(*LONG), *[chat("Hi.")] * PROBES) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with serve(agent, port=0) as server:
            run = long_run(server)
            bad: list[Raw] = []
            for misbehave in kinds * CLIENTS:
                bad.append(Raw(server.url, source="127.0.0.2"))
                misbehave(bad[-1], run)
            took: list[float] = []
            for _ in range(PROBES):
                begun = time.monotonic()
                with httpx2.Client(base_url=server.url, timeout=30) as client:
                    assert serves(client)
                took.append(time.monotonic() - begun)
            for each in bad:
                each.socket.close()
    print(f"{statistics.median(took):.2f} s a probe, {max(took):.2f} s at most")


def long_run(server: Server) -> str:
    """Return the id of a run whose events are more than a socket takes."""
    run = str(httpx2.post(f"{server.url}/runs", json={"message": "x"}).json()["id"])
    assert "run.end" in httpx2.get(f"{server.url}/runs/{run}/events", timeout=30).text
    return run
