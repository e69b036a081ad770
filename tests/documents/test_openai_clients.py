"""The page on OpenAI's clients: its table is true."""

import re
from pathlib import Path
from typing import Any

import msgspec

from nbagent.server.openai import chat_request, responses_request
from nbagent.server.openai.chat_request import ChatRequest
from nbagent.server.openai.responses_request import ResponsesRequest

PAGE = (Path(__file__).parents[2] / "docs/how-to/serve-openai-clients.md").read_text("utf-8")


def test_the_table_has_parameters_that_are_taken_and_those_that_are_refused() -> None:
    rows = re.findall(r"^\| (`.*?|all others.*?) \| (.*) \|$", PAGE, re.MULTILINE)
    taken = {field.name for type in (ChatRequest, ResponsesRequest) for field in _fields(type)}
    refused = {*chat_request.FIXED, *responses_request.FIXED}
    for names, effect in rows:
        listed = {name.partition(".")[0] for name in re.findall(r"`([\w.]+)`", names)}
        assert listed <= (refused if "refused" in effect else taken), effect


def _fields(type: Any) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(type)
