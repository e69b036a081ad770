"""The one line of bounded length that a refused request leaves in the log."""

import json
import logging

import pytest
from server.viewed import Served

from nbagent.gate import secrets
from nbagent.server.log import MAX_CHARS, shorten


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize("version", ["1.0", "0.3", "9" * 20_000])
@pytest.mark.parametrize("depth", [1, 110, 990, 100_000])
@pytest.mark.usefixtures("no_garbage")
def test_a_refused_a2a_request_leaves_short_lines(
    served: Served, caplog: pytest.LogCaptureFixture, version: str, depth: int
) -> None:
    method = "message/send" if version == "0.3" else "SendMessage"
    params = f'{{"message":{{"metadata":{nested(depth)}}}}}'
    body = f'{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}'
    headers = {"content-type": "application/json", "a2a-version": version}
    with served() as (http, _):
        assert "error" in http.post("/agents/assistant", content=body, headers=headers).json()
    for line in (logging.Formatter().format(record) for record in caplog.records):
        assert len(line) <= MAX_CHARS
        assert "\n" not in line


def test_a_shortened_record_says_what_went_wrong_and_where_without_secrets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    secrets.register("sk-of-the-log-1234567890")
    logger = logging.getLogger("test.shorten")
    logger.addFilter(shorten)
    try:
        json.loads('{"a"')
    except ValueError:
        logger.exception("Bad %s\nof sk-of-the-log-1234567890", "body" * 10)
    logger.error("x" * 1_000_000)
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith(f"Bad {'body' * 10} of ")
    assert "JSONDecodeError at " in first
    assert "decoder.py:" in first
    assert "sk-of-the-log" not in first
    assert len(second) == MAX_CHARS
