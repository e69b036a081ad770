"""The limits that an operator sets: each holds in a server and in a mounted application, and a
refusal has its name.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import httpx2
import pytest
from agent.server import Exchange
from agent.server import Server as ModelServer
from hypothesis import given
from hypothesis import strategies as st
from server.raw import TEXT, Raw, RawWebSocket
from starlette.applications import Starlette
from starlette.routing import Mount

import nbagent
from nbagent.agent import Agent
from nbagent.errors import NbagentError
from nbagent.server import Limits, Server, serve
from nbagent.server.limits import NAMES

ACCEPTED = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "a2a-version": "1.0",
}
LARGE = b'{"message": "%s"}' % (b"x" * 2_000)


def hold(exchange: Exchange) -> None:
    exchange.begin()
    exchange.hold()


@contextmanager
def serving(limits: Limits) -> Iterator[str]:
    """Yield the address of a server with one agent, `assistant`, which never answers."""
    with ModelServer(hold, hold) as model, serve(agent_of(model), port=0, limits=limits) as server:
        yield server.url


@contextmanager
def mounted(limits: Limits) -> Iterator[str]:
    """Yield the address of such an application inside another one, whose server has no such
    limits.
    """
    with ModelServer(hold, hold) as model:
        app = Starlette(routes=[Mount("/inner", nbagent.asgi(agent_of(model), limits=limits))])
        app.state.run_ids = {}
        with Server(app, socket.create_server(("127.0.0.1", 0))) as server:
            yield f"{server.url}/inner"


def agent_of(model: ModelServer) -> Agent:
    return Agent("test-1", client=model.client(), api="chat", name="assistant")


MESSAGES = [{"role": "user", "content": [{"type": "text", "text": "x" * 200}]}] * 6
ASKED = {"model": "assistant", "input": "x"}
LONG_TOOL = {"type": "function", "name": "clock", "description": "x" * 2_000, "parameters": {}}
both = pytest.mark.parametrize("place", [serving, mounted])


@both
@pytest.mark.parametrize(
    ("limits", "name", "request_", "status"),
    [
        ({"max_body_bytes": 1_000}, "max_body_bytes", {"content": LARGE, "headers": ACCEPTED}, 413),
        (
            {"max_prompt_chars": 1_000},
            "max_prompt_chars",
            {"content": LARGE, "headers": ACCEPTED},
            413,
        ),
        (
            {"max_prompt_chars": 1_000},
            "max_prompt_chars",
            {"url": "/v1/chat/completions", "json": {"model": "assistant", "messages": MESSAGES}},
            413,
        ),
        (
            {"max_prompt_chars": 1_000},
            "max_prompt_chars",
            {"url": "/v1/responses", "json": {**ASKED, "instructions": "x" * 2_000}},
            413,
        ),
        (
            {"max_prompt_chars": 1_000},
            "max_prompt_chars",
            {"url": "/v1/responses", "json": {**ASKED, "tools": [LONG_TOOL]}},
            413,
        ),
        ({"max_headers": 20}, "max_headers", {"headers": [("x", "y")] * 30}, 431),
        ({"max_headers_bytes": 500}, "max_headers_bytes", {"headers": {"x": "y" * 1_000}}, 431),
        ({"max_sessions": 1}, "max_sessions", {"url": "/agents/assistant/sessions"}, 503),
        ({"max_runs": 1}, "max_runs", {"json": {"message": "x"}}, 503),
        ({"requests_at_once": 2, "requests_per_s": 0.001}, "requests_at_once", {}, 429),
        ({"requests_at_once": 2, "requests_per_s": 0.001}, "requests_per_s", {}, 429),
    ],
)
def test_a_request_beyond_a_limit_is_told_its_name(
    place: Any, limits: Any, name: str, request_: Any, status: int
) -> None:
    with place(Limits(**limits)) as url, httpx2.Client(timeout=20) as client:
        client.post(f"{url}/runs", json={"message": "x"})
        client.post(f"{url}/agents/assistant/sessions")
        options = {"url": "/runs", **request_}
        response = client.post(url + options.pop("url"), **options)
    assert (response.status_code, name in response.json()["error"]["message"]) == (status, True), (
        response.text
    )


@both
@pytest.mark.parametrize(
    "path",
    ["/mcp", "/agents/assistant/message:send", "/ag-ui/assistant", "/v1/responses", "/login"],
)
@pytest.mark.parametrize("in_chunks", [False, True])
def test_every_endpoint_has_the_limit_of_bodies(place: Any, path: str, in_chunks: bool) -> None:
    with place(Limits(max_body_bytes=1_000)) as url, httpx2.Client(timeout=20) as client:
        response = client.post(
            f"{url}{path}", content=iter([LARGE]) if in_chunks else LARGE, headers=ACCEPTED
        )
    assert (response.status_code, "max_body_bytes" in response.text) == (413, True), response.text


@both
def test_a_web_socket_has_the_limit_of_bodies_for_each_message(place: Any) -> None:
    with place(Limits(max_body_bytes=1_000)) as url:
        path = (
            "/inner/agents/assistant/stream"
            if url.endswith("/inner")
            else "/agents/assistant/stream"
        )
        with RawWebSocket(url, path) as ws:
            for _ in range(3):
                ws.frame(TEXT, b'{"answer": "%s"}' % (b"x" * 900))
                assert b"no run goes on" in ws.message()
            ws.frame(TEXT, LARGE)
            assert int.from_bytes(ws.message()[:2]) == 1009


@both
def test_a_web_socket_has_the_rate_of_messages(place: Any) -> None:
    with place(Limits(messages_at_once=2, messages_per_s=0.001)) as url:
        path = (
            "/inner/agents/assistant/stream"
            if url.endswith("/inner")
            else "/agents/assistant/stream"
        )
        with RawWebSocket(url, path) as ws:
            for _ in range(3):
                ws.frame(TEXT, b"{}")
            assert [b"error" in ws.message() for _ in range(2)] == [True, True]
            closed = ws.message()
    assert (int.from_bytes(closed[:2]), b"messages_per_s" in closed) == (4429, True)


def test_grpc_has_the_limit_of_bodies() -> None:
    with (
        ModelServer() as model,
        serve(agent_of(model), port=0, grpc_port=0, limits=Limits(max_body_bytes=1_000)) as server,
    ):
        with (
            grpc.insecure_channel(str(server.grpc_address)) as channel,
            pytest.raises(grpc.RpcError) as raised,
        ):
            call: Any = channel.unary_unary("/A2AService/StreamMessage")
            call(LARGE, timeout=20)
    error: Any = raised.value
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_larger_limits_let_more_through() -> None:
    limits = Limits(max_body_bytes=6_000_000, max_prompt_chars=5_000_000, max_headers_bytes=200_000)
    with serving(limits) as url, httpx2.Client(timeout=120) as client:
        headers = {"x": "y" * 150_000}
        assert (
            client.post(
                f"{url}/runs", json={"message": "x" * 4_500_000}, headers=headers
            ).status_code
            == 201
        )
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"x": "x" * 4_500_000}}
        assert client.post(f"{url}/mcp", json=ping, headers=ACCEPTED).status_code != 413


def test_an_idle_connection_is_closed_after_its_time() -> None:
    with serving(Limits(idle_timeout_s=0.05)) as url, Raw(url) as raw:
        raw.get("/health")
        assert raw.read().endswith(b"}")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0, -1, True, "many", None, float("inf"), float("nan")])
def test_a_limit_is_a_number_above_zero(name: str, value: Any) -> None:
    with pytest.raises(NbagentError, match=f"the limit {name} is a (whole )?number above 0, got"):
        Limits(**{name: value})


def test_a_limit_that_counts_is_a_whole_number() -> None:
    with pytest.raises(
        NbagentError, match=r"the limit max_runs is a whole number above 0, got 1\.5"
    ):
        Limits(max_runs=1.5)  # type: ignore[arg-type]


def test_limits_are_read_from_texts_and_numbers() -> None:
    assert Limits.of({"max_runs": "20", "head_timeout_s": "0.5", "max_headers": 7}) == Limits(
        max_runs=20, head_timeout_s=0.5, max_headers=7
    )


@given(st.dictionaries(st.sampled_from(sorted(NAMES)), st.integers(1, 10**9)))
def test_a_text_means_the_same_as_its_number(values: dict[str, int]) -> None:
    assert Limits.of({name: str(value) for name, value in values.items()}) == Limits.of(values)


def test_a_limit_that_does_not_exist_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(
        NbagentError, match="there is no limit 'max_body_byte'; did you mean 'max_body_bytes'"
    ):
        Limits.of({"max_body_byte": 7})
    with pytest.raises(
        NbagentError, match="there is no limit 'zzz'; there are max_body_bytes, max_prompt_chars, "
    ):
        Limits.of({"zzz": 7})
