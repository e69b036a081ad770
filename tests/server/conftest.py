"""Fixtures of the server's tests."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from server.served import Asking
from server.viewed import Served
from starlette.testclient import TestClient

import nbagent
from nbagent.server.access import access


@pytest.fixture(scope="session", autouse=True)
def keys_of_tokens() -> Iterator[None]:
    """Derive the key of each token once: it takes 50 ms, on purpose, and most tests have the same
    one.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access, "_key_of", functools.cache(access._key_of))
        yield


@pytest.fixture
def asks() -> Asking:
    """Return agents that ask before they delete, and what they have deleted."""
    return Asking()


@pytest.fixture
def served(asks: Asking) -> Served:
    """Return a function that serves an agent with a tool that asks; it yields a client, and the
    name of a session.
    """

    @contextmanager
    def serving(*replies: Any, tools: Any = (), **options: Any) -> Iterator[tuple[TestClient, str]]:
        with (
            asks.agent(*replies, tools=tools) as agent,
            TestClient(nbagent.asgi(agent, **options), base_url="http://localhost") as http,
        ):
            yield http, http.post("/agents/assistant/sessions").json()["session_id"]

    return serving
