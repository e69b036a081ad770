"""The page on OpenAI's clients: its blocks run one after the other, and its table is true."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from agent.server import Exchange, call, message, responses
from agent.server import Server as ModelServer

from nbagent.server.openai import chat_request, responses_request
from nbagent.server.openai.chat_request import ChatRequest
from nbagent.server.openai.responses_request import ResponsesRequest

PAGE = (Path(__file__).parents[2] / "docs/how-to/serve-openai-clients.md").read_text("utf-8")


def reply(exchange: Exchange) -> None:
    """Call the client's tool where there is one and no result yet; else answer."""
    asked = exchange.body
    given = [item.get("type") for item in asked["input"]]
    calls = "tools" in asked and "function_call_output" not in given
    item = call("c1", "calendar", '{"day": "today"}') if calls else message("From one on.")
    exchange.begin()
    exchange.send(*responses(item))
    exchange.end()


def test_each_block_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    with ModelServer(*[reply] * 9) as model:
        monkeypatch.setenv("OPENAI_BASE_URL", model.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
        for number, block in enumerate(blocks):
            if number == 0:  # Responses, by an address that is not OpenAI's
                block = block.replace('name="assistant"', 'name="assistant", api="responses"')
            exec(block, names)
    assert capsys.readouterr().out == "From one on.\nFrom one on.\nmodel_not_found model\n"
    names["client"].close()


def test_the_table_has_parameters_that_are_taken_and_those_that_are_refused() -> None:
    rows = re.findall(r"^\| (`.*?|all others.*?) \| (.*) \|$", PAGE, re.MULTILINE)
    taken = {field.name for type in (ChatRequest, ResponsesRequest) for field in _fields(type)}
    refused = {*chat_request.FIXED, *responses_request.FIXED}
    for names, effect in rows:
        listed = {name.partition(".")[0] for name in re.findall(r"`([\w.]+)`", names)}
        assert listed <= (refused if "refused" in effect else taken), effect


def _fields(type: Any) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(type)
