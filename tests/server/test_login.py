"""Browser sessions: begun with a token, taken by every server process, and ended."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from starlette.datastructures import Headers

from nbagent.agent import Agent
from nbagent.server import serve
from nbagent.server.access.access import COOKIE, Access

TOKEN, READ_TOKEN = "a-token-of-some-length", "another-token-to-read"


def sent(cookie: str) -> Headers:
    return Headers({"cookie": f"{COOKIE}={cookie}"})


def begun(access: Access, token: str = TOKEN) -> str:
    session = access.log_in(token)
    assert session is not None
    return session[0]


async def test_a_session_has_the_role_of_its_token_in_each_process_with_the_tokens() -> None:
    first, second = Access(TOKEN, READ_TOKEN), Access(TOKEN, READ_TOKEN)
    assert await second.role_of(sent(begun(first))) == "full"
    assert await second.role_of(sent(begun(first, READ_TOKEN))) == "read"
    assert begun(first) != begun(first)


async def test_a_session_of_a_token_that_was_changed_is_over() -> None:
    before, after = Access(TOKEN, READ_TOKEN), Access("a-newer-token", READ_TOKEN)
    assert await after.role_of(sent(begun(before))) is None
    assert await after.role_of(sent(begun(before, READ_TOKEN))) == "read"
    assert await Access(TOKEN).role_of(sent(begun(before, READ_TOKEN))) is None, (
        "nobody reads only any more"
    )


async def test_a_cookie_that_was_changed_is_none() -> None:
    access = Access(TOKEN, READ_TOKEN)
    id, role, end, signature = begun(access, READ_TOKEN).split(".")
    assert await access.role_of(sent(f"{id}.{role}.{end}.{signature}")) == "read"
    for cookie in (
        f"{id}.full.{end}.{signature}",
        f"{id}.{role}.{int(end) + 1}.{signature}",
        f"x{id}.{role}.{end}.{signature}",
        f"{id}.{role}.{end}.",
        f"{id}.{role}.{end}.{signature[:-1]}",
        f"{id}.{role}.{end}.\xff",
        f"{id}.admin.{end}.{signature}",
        f"{role}.{end}.{signature}",
        "",
    ):
        assert await access.role_of(sent(cookie)) is None, cookie


async def test_a_session_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    access = Access(TOKEN)
    monkeypatch.setattr("nbagent.server.access.access.SESSION_S", 0)
    assert await access.role_of(sent(begun(access))) is None


async def test_without_a_token_every_local_client_has_full_access() -> None:
    access = Access()
    assert await access.role_of(Headers()) == "full"
    cookie = begun(access, "any")
    assert await Access(TOKEN).role_of(sent(cookie)) is None


@pytest.fixture(params=["file", "redis"])
def pair(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[httpx2.Client, httpx2.Client]]:
    """Two servers with one store."""
    store = (
        request.getfixturevalue("redis").url
        if request.param == "redis"
        else str(tmp_path / "runs.db")
    )
    with contextlib.ExitStack() as ends:
        servers = [
            ends.enter_context(serve(Agent("demo"), port=0, token=TOKEN, store=store))
            for _ in range(2)
        ]
        first, second = (
            ends.enter_context(httpx2.Client(base_url=server.url, timeout=10)) for server in servers
        )
        yield first, second


def test_a_session_that_is_ended_is_over_in_each_process(
    pair: tuple[httpx2.Client, httpx2.Client],
) -> None:
    first, second = pair
    assert second.get("/runs").status_code == 401
    assert first.post("/login", json={"token": TOKEN}).status_code == 200
    cookie = {"cookie": f"{COOKIE}={first.cookies[COOKIE]}"}
    assert second.get("/runs", headers=cookie).status_code == 200
    assert second.post("/logout", headers=cookie).status_code == 204
    assert [each.get("/runs", headers=cookie).status_code for each in (second, first)] == [401, 401]
    assert first.post("/login", json={"token": TOKEN}).status_code == 200
    assert first.get("/runs").status_code == 200, "another session goes on"
