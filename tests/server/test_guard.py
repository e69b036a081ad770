"""Requests that are refused, each with the reason."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from agent.server import Server as ModelServer
from agent.server import chat
from starlette.testclient import TestClient

import nbagent
from nbagent.agent import Agent
from nbagent.errors import NbagentError
from nbagent.server import serve
from nbagent.server.access.access import Access
from nbagent.server.access.guard import LOOPBACK

TOKEN = "a-token-of-some-length"
READ_TOKEN = "another-token-to-read"
PATH = "/agents/assistant/messages/stream"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    with ModelServer(chat("Hi.")) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with serve(
            agent, port=0, token=TOKEN, read_token=READ_TOKEN, origins=["https://example.org"]
        ) as server:
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
        ({"headers": {"authorization": TOKEN}}, 401, "Authorization: Bearer TOKEN"),
        (
            {"headers": {"authorization": "Bearer wrong\xff".encode("latin-1")}},
            401,
            "Authorization: Bearer TOKEN",
        ),
        (
            {"headers": {"authorization": "", "cookie": f"nbagent_session={TOKEN}"}},
            401,
            "the cookie that POST /login gives",
        ),
        (
            {"headers": {"authorization": "", "cookie": 'nbagent_session="\\'}},
            401,
            "the cookie that POST /login gives",
        ),
        (
            {"headers": {"authorization": f"Bearer {READ_TOKEN}"}},
            403,
            "the read token gives no access",
        ),
        ({"params": {"token": TOKEN}}, 400, "the token is part of the URL"),
        ({"params": {"x": f"Bearer {READ_TOKEN}"}}, 400, "the token is part of the URL"),
        ({"headers": {"sec-fetch-site": "cross-site"}}, 403, "pages of another origin may not"),
        ({"headers": {"sec-fetch-site": "same-site"}}, 403, "pages of another origin may not"),
        ({"json": {"message": " "}}, 422, "the message must be a text"),
        ({"json": {"message": 7}}, 422, "Expected `str`, got `int`"),
        ({"json": {}}, 422, "missing required field `message`"),
        (
            {"content": b"{", "headers": {"content-type": "application/json"}},
            400,
            "the body is not JSON",
        ),
        (
            {
                "content": b'{"message": ' + b"[" * 100_000,
                "headers": {"content-type": "application/json"},
            },
            422,
            "Expected `str`",
        ),
        (
            {"content": b'{"message": "x"}', "headers": {"content-type": "text/plain"}},
            415,
            "must be application/json",
        ),
        (
            {
                "content": b"x" * (4 * 1024 * 1024 + 1),
                "headers": {"content-type": "application/json"},
            },
            413,
            "limit max_body_bytes",
        ),
    ],
)
@pytest.mark.usefixtures("no_garbage")
def test_a_request_that_no_client_would_send_is_refused(
    client: httpx2.Client, options: dict[str, Any], status: int, told: str
) -> None:
    response = client.post(
        PATH, **({"json": {"message": "x"}} | options if "content" not in options else options)
    )
    assert (response.status_code, told in response.json()["error"]["message"]) == (status, True), (
        response.text
    )
    assert response.headers["x-content-type-options"] == "nosniff"


def test_unknown_things_are_named(client: httpx2.Client) -> None:
    response = client.post("/agents/asistant/messages/stream", json={"message": "x"})
    assert response.status_code == 404
    assert "did you mean 'assistant'?" in response.json()["error"]["message"]
    assert (
        client.post(
            "/agents/assistant/sessions/none/messages/stream", json={"message": "x"}
        ).status_code
        == 404
    )
    assert client.get(PATH).status_code == 405


@pytest.mark.parametrize("path", ["/view", "/agents/assistant/stream"])
def test_a_plain_request_to_a_web_sockets_address_is_told_so(
    client: httpx2.Client, path: str
) -> None:
    got, put = client.get(path), client.put(path)
    assert (got.status_code, "ws://" in got.text) == (400, True)
    assert (put.status_code, put.headers["allow"], "ws://" in put.text) == (405, "GET", True)


def test_a_page_that_may_use_the_server_does(client: httpx2.Client) -> None:
    assert client.get("/health", headers={"origin": "https://example.org"}).status_code == 200
    assert (
        client.get("/health", headers={"origin": str(client.base_url).rstrip("/")}).status_code
        == 200
    )


PREFLIGHT = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization, content-type",
}


def test_only_a_page_that_may_use_the_server_reads_its_answers(client: httpx2.Client) -> None:
    asked = client.options(
        PATH, headers={"origin": "https://example.org", "authorization": "", **PREFLIGHT}
    )
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (
        200,
        "https://example.org",
    )
    answer = client.get("/health", headers={"origin": "https://example.org"})
    assert answer.headers["access-control-allow-origin"] == "https://example.org"
    assert "access-control-allow-credentials" not in answer.headers
    for response in (
        client.options(PATH, headers={"origin": "https://attacker.example", **PREFLIGHT}),
        client.get("/health", headers={"origin": "https://attacker.example"}),
    ):
        assert (response.is_success, "access-control-allow-origin" in response.headers) == (
            False,
            False,
        )


def test_without_origins_no_page_elsewhere_reads_anything() -> None:
    with TestClient(nbagent.asgi(Agent("demo")), base_url="http://localhost") as client:
        for response in (
            client.options("/runs", headers={"origin": "https://example.org", **PREFLIGHT}),
            client.get("/health", headers={"origin": "https://example.org"}),
        ):
            assert (response.status_code, "access-control-allow-origin" in response.headers) == (
                403,
                False,
            )


@pytest.fixture
def stranger(client: httpx2.Client) -> Iterator[httpx2.Client]:
    """A client without the token."""
    with httpx2.Client(base_url=client.base_url, timeout=10) as stranger:
        yield stranger


def test_a_browser_session_begins_with_the_token_and_ends(stranger: httpx2.Client) -> None:
    assert stranger.get("/runs").status_code == 401
    begun = stranger.post("/login", json={"token": TOKEN})
    assert (begun.json(), TOKEN in str(begun.headers)) == ({"access": "full"}, False)
    assert "; HttpOnly;" in begun.headers["set-cookie"]
    assert "; SameSite=strict" in begun.headers["set-cookie"]
    assert stranger.post(PATH, json={"message": "x"}).status_code == 200
    session = stranger.cookies["nbagent_session"]
    assert stranger.post("/logout").status_code == 204
    assert "nbagent_session" not in stranger.cookies
    assert (
        stranger.get("/runs", headers={"cookie": f"nbagent_session={session}"}).status_code == 401
    )


def test_a_session_cannot_be_begun_without_the_token_nor_from_another_page(
    stranger: httpx2.Client,
) -> None:
    for wrong in ({"token": "wrong"}, {}, {"token": ""}):
        assert stranger.post("/login", json=wrong).status_code == 401
    assert (
        stranger.post(
            "/login", json={"token": TOKEN}, headers={"origin": "https://attacker.example"}
        ).status_code
        == 403
    )
    assert (
        stranger.post(
            "/login", content=f'{{"token": "{TOKEN}"}}', headers={"content-type": "text/plain"}
        ).status_code
        == 415
    )
    assert not stranger.cookies


@pytest.mark.parametrize("way", ["header", "cookie"])
def test_a_reader_reads_but_starts_stops_and_answers_nothing(
    client: httpx2.Client, stranger: httpx2.Client, way: str
) -> None:
    if way == "header":
        stranger.headers["authorization"] = f"Bearer {READ_TOKEN}"
    else:
        assert stranger.post("/login", json={"token": READ_TOKEN}).json() == {"access": "read"}
    made = client.post("/runs", json={"message": "x"}).json()
    assert stranger.get("/runs").status_code == 200
    assert stranger.get("/api/chat/none/stream").status_code == 204
    assert '"type":"run.end"' in stranger.get(made["events"]).text
    for method, path in (
        ("POST", "/runs"),
        ("POST", f"/runs/{made['id']}/cancel"),
        ("POST", f"/runs/{made['id']}/answers"),
        ("GET", "/stream?query=x"),
        ("GET", "/agents/assistant/sessions/none/messages/stream?message=x"),
        ("POST", "/no/such/path"),
    ):
        refused = stranger.request(method, path, json={} if method == "POST" else None)
        assert (refused.status_code, "the read token" in refused.text) == (403, True), path


def test_readiness_needs_no_token_and_says_nothing_else(stranger: httpx2.Client) -> None:
    assert stranger.get("/ready").json() == {"status": "ready"}
    for path in ("/health", "/api/chat/none/stream"):
        assert stranger.get(path).status_code == 401


def test_the_page_and_its_files_need_no_token(stranger: httpx2.Client) -> None:
    for path in ("/", "/static/view.js"):
        assert stranger.get(path, headers={"sec-fetch-site": "cross-site"}).status_code in (
            200,
            404,
        )
        assert stranger.post(path).status_code == 401


# What a browser sends for an image, a link or a fetch without CORS of another site's page has
# neither `Origin` nor `Sec-Fetch-Site` over plain http under a name (seen in Chromium).
@pytest.mark.parametrize(
    ("host", "headers", "is_taken"),
    [
        ("agents.test", {}, False),
        ("agents.test", {"referer": "http://evil.test/"}, False),
        ("agents.test", {"referer": "http://agents.test:81/"}, False),
        ("agents.test", {"cookie": "nbagent_session=x"}, False),
        ("192.168.1.5", {}, False),
        ("agents.test", {"referer": "http://agents.test/page"}, True),
        ("agents.test", {"authorization": "Bearer x"}, True),
        ("agents.test", {"sec-fetch-site": "same-origin"}, True),
        ("localhost", {}, True),
        ("127.0.0.1", {}, True),
    ],
)
def test_a_get_that_starts_a_run_is_not_another_sites(
    host: str, headers: dict[str, str], is_taken: bool
) -> None:
    app = nbagent.asgi(Agent("demo"), hosts=["agents.test", "192.168.1.5", *LOOPBACK])
    with TestClient(app, base_url=f"http://{host}") as client:
        for method in ("GET", "HEAD"):
            response = client.request(
                method, "/agents/nobody/sessions/s/messages/stream?message=x", headers=headers
            )
            assert response.status_code == (404 if is_taken else 403)
        assert client.get("/runs", headers=headers).status_code == 200  # it changes nothing


@pytest.mark.parametrize("port", ["36719.evil.example", "0", "65536", "x", "8o"])
def test_a_host_with_a_port_that_is_none_is_refused(client: httpx2.Client, port: str) -> None:
    response = client.get("/health", headers={"host": f"127.0.0.1:{port}"})
    assert (response.status_code, "not addressed by that name" in response.text) == (403, True)


@pytest.mark.parametrize(
    "tokens",
    [
        (None, READ_TOKEN),
        (TOKEN, TOKEN),
        ("", None),
        ("short", None),
        ("with a space", None),
        ("with-accént", None),
    ],
)
def test_a_token_that_would_protect_nothing_is_refused(
    tokens: tuple[str | None, str | None],
) -> None:
    with pytest.raises(NbagentError):
        Access(*tokens)


def test_another_address_needs_a_token() -> None:
    with pytest.raises(
        NbagentError, match=r"other machines can reach 0\.0\.0\.0: give serve\(…, token=…\)"
    ):
        serve(Agent("demo"), host="0.0.0.0", port=0)
