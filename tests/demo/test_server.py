"""The demo server over HTTP: authentication, refusals, speed, and clients that hang up."""

import http.client
import json
import threading
from typing import Any

import httpx2
import openai
import pytest

from nbagent.demo import DemoServer, demo_server
from nbagent.demo.server import MAX_BODY_BYTES

WAIT_S = 20.0  # only a failing test waits so long
STANDSTILL_TOKENS_PER_S = (
    0.001  # tokens per second: the pause between two tokens outlasts every test
)


def ask(
    server: DemoServer, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(
        "127.0.0.1", int(server.base_url.split(":")[2].split("/")[0]), timeout=WAIT_S
    )
    try:
        connection.request(
            method, path, body, {"Authorization": f"Bearer {server.api_key}", **headers}
        )
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["demo"]
    assert client.models.retrieve("demo").id == "demo"


def test_a_wrong_key_is_an_authentication_error(server: DemoServer) -> None:
    with (
        openai.OpenAI(base_url=server.base_url, api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError, match="Incorrect API key") as caught,
    ):
        client.responses.create(model="demo", input="Hello")
    assert caught.value.code == "invalid_api_key"
    assert server.api_key not in str(caught.value)
    assert server.requests == 0


def test_a_foreign_host_name_is_refused(server: DemoServer) -> None:
    status, body = ask(server, "GET", "/v1/models", Host="evil.example:80")
    assert (status, body["error"]["type"]) == (403, "invalid_request_error")
    assert ask(server, "GET", "/v1/models", Host="localhost")[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "param"),
    [
        ("POST", "/v1/responses", b"{", 400, None),
        ("POST", "/v1/responses", b"[]", 400, None),
        ("POST", "/v1/responses", b'{"model":"demo","input":"x","temperature":NaN}', 400, None),
        ("POST", "/v1/responses", b'{"model":"demo","input":"\\ud800"}', 400, None),
        ("POST", "/v1/responses", b'{"input":"x"}', 400, "model"),
        ("POST", "/v1/responses", b'{"model":"demo"}', 400, "input"),
        ("POST", "/v1/responses", b'{"model":"demo","input":7}', 400, "input"),
        ("POST", "/v1/responses", b'{"model":"demo","input":[7]}', 400, "input"),
        ("POST", "/v1/responses", b'{"model":"demo","input":"x","tools":{}}', 400, "tools"),
        (
            "POST",
            "/v1/responses",
            b'{"model":"demo","input":"x","tools":[{"function":3}]}',
            500,
            None,
        ),
        ("POST", "/v1/responses", b'{"model":"other","input":"x"}', 404, "model"),
        (
            "POST",
            "/v1/responses",
            b'{"model":"demo","input":"x","previous_response_id":"resp_1"}',
            400,
            "previous_response_id",
        ),
        ("POST", "/v1/chat/completions", b'{"model":"demo"}', 400, "messages"),
        ("POST", "/v1/chat/completions", b'{"model":"demo","messages":[],"n":2}', 400, "n"),
        ("POST", "/v1/chat/completions", b'{"model":"demo","messages":[7]}', 400, "messages"),
        ("GET", "/v1/responses", b"", 405, None),
        ("POST", "/v1/nowhere", b"{}", 404, None),
        ("GET", "/", b"", 404, None),
    ],
)
def test_errors_have_the_shape_of_the_api(
    server: DemoServer, method: str, path: str, body: bytes, status: int, param: str | None
) -> None:
    got, answer = ask(server, method, path, body)
    assert got == status
    assert set(answer) == {"error"}
    assert set(answer["error"]) == {"message", "type", "param", "code"}
    assert answer["error"]["param"] == param
    assert answer["error"]["message"]


def test_a_body_that_is_too_long_is_answered_and_not_kept(server: DemoServer) -> None:
    status, answer = ask(server, "POST", "/v1/responses", b" " * (MAX_BODY_BYTES + 1))
    assert status == 413
    assert str(MAX_BODY_BYTES) in answer["error"]["message"]
    assert ask(server, "GET", "/v1/models")[0] == 200


def test_an_unanswered_tool_call_is_refused_on_both_wires(client: openai.OpenAI) -> None:
    call: Any = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    output: Any = {"type": "function_call_output", "call_id": "c2", "output": "1"}
    with pytest.raises(openai.BadRequestError, match="No tool output found for function call c1"):
        client.responses.create(model="demo", input=[call])
    with pytest.raises(
        openai.BadRequestError, match="No tool call found for function call output with call_id c2"
    ):
        client.responses.create(model="demo", input=[output])
    chat_call: Any = {
        "role": "assistant",
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f"}}],
    }
    with pytest.raises(
        openai.BadRequestError, match=r"tool_call_ids did not have response messages: c1"
    ):
        client.chat.completions.create(model="demo", messages=[chat_call])
    with pytest.raises(openai.BadRequestError, match="must be a response to a preceding message"):
        client.chat.completions.create(
            model="demo", messages=[{"role": "tool", "tool_call_id": "c2", "content": "1"}]
        )


def test_a_client_that_leaves_is_noticed_in_the_middle_of_a_pause(
    server: DemoServer, client: openai.OpenAI
) -> None:
    server.tokens_per_second = STANDSTILL_TOKENS_PER_S
    stream = client.responses.create(model="demo", input="A long answer, please", stream=True)
    assert next(iter(stream)).type == "response.created"
    assert server.wait_for(lambda server: server.open_streams == 1, WAIT_S)
    stream.close()
    assert server.wait_for(
        lambda server: server.disconnects == 1 and server.open_streams == 0, WAIT_S
    )


async def test_an_async_client_that_leaves_is_noticed(
    server: DemoServer, async_client: openai.AsyncOpenAI
) -> None:
    server.tokens_per_second = STANDSTILL_TOKENS_PER_S
    stream = await async_client.chat.completions.create(
        model="demo", messages=[{"role": "user", "content": "A long answer, please"}], stream=True
    )
    await anext(aiter(stream))
    await stream.close()
    assert server.wait_for(lambda server: server.disconnects == 1, WAIT_S)


def test_a_stream_read_to_its_end_is_no_disconnect(
    server: DemoServer, client: openai.OpenAI
) -> None:
    list(client.responses.create(model="demo", input="Hello", stream=True))
    list(client.responses.create(model="demo", input="Hello", stream=True))
    assert server.wait_for(lambda server: server.open_streams == 0, WAIT_S)
    assert (server.requests, server.disconnects) == (2, 0)


def test_a_new_speed_shows_in_a_stream_under_way(server: DemoServer, client: openai.OpenAI) -> None:
    server.tokens_per_second = STANDSTILL_TOKENS_PER_S
    stream = iter(client.responses.create(model="demo", input="Hello", stream=True))
    next(stream)
    assert server.wait_for(lambda server: server.open_streams == 1, WAIT_S)
    server.tokens_per_second = float("inf")
    assert [event.type for event in stream][-1] == "response.completed"


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_speed_that_makes_no_sense_is_refused(server: DemoServer, rate: float) -> None:
    with pytest.raises(ValueError, match="tokens_per_second"):
        server.tokens_per_second = rate


def test_a_server_that_closes_breaks_its_streams_off_and_never_ends_them_as_if_whole() -> None:
    server = DemoServer(tokens_per_second=STANDSTILL_TOKENS_PER_S)
    with openai.OpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0) as client:
        stream = iter(client.responses.create(model="demo", input="Hello", stream=True))
        next(stream)
        assert server.wait_for(lambda server: server.open_streams == 1, WAIT_S)
        server.close()
        server.close()
        with pytest.raises((httpx2.TransportError, openai.APIError)):
            list(stream)
        assert server.wait_for(lambda server: server.open_streams == 0, WAIT_S)
        assert server.disconnects == 0
        with pytest.raises(openai.APIConnectionError):
            client.models.list()


def test_the_shared_server_is_one_for_all_threads() -> None:
    found: list[DemoServer] = []
    threads = [threading.Thread(target=lambda: found.append(demo_server())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(server) for server in found}) == 1
    found[0].close()
    again = demo_server()
    assert again is not found[0]
    again.close()
