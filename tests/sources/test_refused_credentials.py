"""A service that repeats the credentials it was sent: they are in no error, traceback or log."""

import json
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from sources.loopback import Answer, serving
from sources.watching import watch

import nbagent
from nbagent.errors import StreamError
from nbagent.run import Run
from nbagent.sources.broken import connection_error

TOKEN = "tok-" + "4f6a8c0e2b1d"
COOKIE = "sid-" + "9a7b5c3d1e0f"
CODE = "functions-key-" + "0011aabb"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Cookie": f"sid={COOKIE}; theme=dark"}
REFUSAL = json.dumps(
    {"error": {"message": f"refused: {TOKEN}, {COOKIE}, {CODE}, {HEADERS}", "code": f"bad {TOKEN}"}}
).encode()
REFUSED = Answer(REFUSAL, "401 Unauthorized")


def chain(error: BaseException) -> Iterator[BaseException]:
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is not None:
            yield each
            waiting += [each.__cause__, each.__context__]


def texts(error: BaseException) -> str:
    links = [(str(each), repr(each), each.args) for each in chain(error)]
    return "".join([str(links), *traceback.format_exception(error)])


def holds_none(shown: str) -> bool:
    return "refused" in shown and not any(secret in shown for secret in (TOKEN, COOKIE, CODE))


async def test_the_error_of_a_run_shows_none(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "nbagent"), caplog.at_level(logging.DEBUG, "httpx2"):
        async with serving(REFUSED) as server:
            run = await watch(f"{server.url}?code={CODE}", json={}, headers=HEADERS)
    assert run.error is not None
    assert holds_none(texts(run.error) + repr(run) + str(run.snapshot()))
    assert not any(secret in caplog.text for secret in (TOKEN, COOKIE, CODE))


async def test_nor_does_one_that_a_loop_over_the_stream_raises() -> None:
    async with serving(REFUSED) as server:
        with pytest.raises(StreamError) as caught:
            async for _ in nbagent.connect(f"{server.url}?code={CODE}", json={}, headers=HEADERS):
                pass
    assert holds_none(texts(caught.value))
    assert TOKEN not in str(caught.value.code)


@pytest.mark.parametrize("whole", [True, False])
async def test_nor_does_one_of_a_connection_that_breaks(whole: bool) -> None:
    broken = Answer([b"HTTP/1.1 x"], whole=whole, end="reset")
    async with serving(broken) as server:
        run = await watch(server.url, json={}, headers=HEADERS)
    assert not any(secret in texts(run.error or ValueError()) for secret in (TOKEN, COOKIE))


def test_nor_does_the_error_of_anothers_client_that_ends_a_run() -> None:
    class Refused(Exception):
        pass

    def stream() -> Iterator[Any]:
        yield "a"
        try:
            raise KeyError(f"refused {HEADERS}")
        except KeyError as error:
            raise Refused(f"refused: Authorization: Bearer {TOKEN}", 401) from error

    run = Run(stream())
    run.start()
    run.wait(10)
    assert type(run.error) is Refused
    assert run.error.args[1] == 401
    shown = texts(run.error)
    assert TOKEN not in shown
    assert COOKIE not in shown


def test_a_cause_that_holds_one_is_left_out() -> None:
    explained = connection_error(ConnectionResetError(f"sent Authorization: Bearer {TOKEN}"))
    assert explained is not None
    assert TOKEN not in texts(explained)
