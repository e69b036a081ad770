"""Requests that are refused, each with the reason."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from agent.server import Server as ModelServer
from agent.server import chat

from nbagent.agent import Agent
from nbagent.errors import NbagentError
from nbagent.server import serve

TOKEN = "a-token-of-some-length"
PATH = "/agents/assistant/messages/stream"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    with ModelServer(chat("Hi.")) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with serve(agent, port=0, token=TOKEN, origins=["https://example.org"]) as server:
            headers = {"authorization": f"Bearer {TOKEN}"}
            with httpx2.Client(base_url=server.url, headers=headers, timeout=10) as client:
                yield client


@pytest.mark.parametrize(
    ("options", "status", "told"),
    [
        ({"headers": {"host": "attacker.example"}}, 403, "not addressed by that name"),
        ({"headers": {"host": "127.0.0.1.attacker.example"}}, 403, "not addressed by that name"),
        ({"headers": {"origin": "https://attacker.example"}}, 403, "pages of that origin may not"),
        ({"headers": {"origin": "null"}}, 403, "pages of that origin may not"),
        ({"headers": {"authorization": "Bearer wrong"}}, 401, "Authorization: Bearer TOKEN"),
        ({"headers": {"authorization": ""}}, 401, "Authorization: Bearer TOKEN"),
        ({"json": {"message": " "}}, 422, "the message must be a text"),
        ({"json": {"message": 7}}, 422, "Expected `str`, got `int`"),
        ({"json": {}}, 422, "missing required field `message`"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400, "the body is not JSON"),
        ({"content": b'{"message": ' + b"[" * 100_000, "headers": {"content-type": "application/json"}}, 422, "Expected `str`"),
        ({"content": b'{"message": "x"}', "headers": {"content-type": "text/plain"}}, 415, "must be application/json"),
        ({"content": b"x" * (4 * 1024 * 1024 + 1), "headers": {"content-type": "application/json"}}, 413, "larger than"),
    ],
)
def test_a_request_that_no_client_would_send_is_refused(
    client: httpx2.Client, options: dict[str, Any], status: int, told: str
) -> None:
    response = client.post(PATH, **({"json": {"message": "x"}} | options if "content" not in options else options))
    assert (response.status_code, told in response.json()["error"]["message"]) == (status, True), response.text


def test_unknown_things_are_named(client: httpx2.Client) -> None:
    response = client.post("/agents/asistant/messages/stream", json={"message": "x"})
    assert response.status_code == 404
    assert "did you mean 'assistant'?" in response.json()["error"]["message"]
    assert client.post("/agents/assistant/sessions/none/messages/stream", json={"message": "x"}).status_code == 404
    assert client.get(PATH).status_code == 405


def test_a_page_that_may_use_the_server_does(client: httpx2.Client) -> None:
    assert client.get("/health", headers={"origin": "https://example.org"}).status_code == 200
    assert client.get("/health", headers={"origin": str(client.base_url).rstrip("/")}).status_code == 200


def test_another_address_needs_a_token() -> None:
    with pytest.raises(NbagentError, match=r"other machines can reach 0\.0\.0\.0: give serve\(…, token=…\)"):
        serve(Agent("demo"), host="0.0.0.0", port=0)
