"""The official schemas of the systems that nbagent writes, each as a check of one item.

Those of the npm package `ai` stand in `vercel_ui.json`, which `PYTHONPATH=tests python -m
schemas.write` makes; the others are types of Python packages.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import acp.schema
import ag_ui.core
import jsonschema
import pydantic
from a2a.types import StreamResponse
from a2a.utils.errors import InvalidParamsError
from a2a.utils.proto_utils import validate_proto_required_fields
from adapters.encoders.normalized import encoded
from google.protobuf.json_format import ParseDict, ParseError
from openai.types.beta import AssistantStreamEvent
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseStreamEvent
from openai.types.shared import ErrorObject

from nbagent import events as ev
from nbagent.adapters.answers import answer_form
from nbagent.adapters.base.answers import Answered
from nbagent.adapters.base.encoder import Item
from nbagent.adapters.encoders import encoder_named
from nbagent.server.a2a.updates import TaskEncoder

Check: TypeAlias = Callable[[Any], list[str]]
"""Returns what is wrong with an item; nothing for one that is valid."""

BEYOND = {
    "openai.chat": {
        "ChoiceDelta.reasoning_content",  # OpenAI's API has no reasoning; DeepSeek's field
        "ChoiceDelta.annotations",  # OpenAI's search models stream them
    }
}
"""Fields that nbagent sends although the types do not name them, by system."""


@dataclass(frozen=True)
class Official:
    """Official schema of a system.

    Attributes:
        system: name of the system.
        title: name of the system for readers.
        source: what the schema is, and the package and version that it is from.
        write: returns what nbagent sends of a run, without the tokens that only frame a stream.
        check: the check of one item.
    """

    system: str
    title: str
    source: str
    write: Callable[[Sequence[ev.Event]], list[Any]]
    check: Check


# --- what is sent ---


def _by_encoder(system: str) -> Callable[[Sequence[ev.Event]], list[Any]]:
    def write(events: Sequence[ev.Event]) -> list[Any]:
        items = encoded(encoder_named(system), events)
        return [item for item in items if not _is_framing(item)]

    return write


def _is_framing(item: Item) -> bool:
    """Return True for `[DONE]`, alone or as the data of an event named "done"."""
    return isinstance(item, str) or item == {"event": "done", "data": "[DONE]"}


def _as_task(events: Sequence[ev.Event]) -> list[Any]:
    return list(encoded(TaskEncoder(), events))


def _as_acp_answers(events: Sequence[ev.Event]) -> list[Any]:
    """Return all answers to the questions of an ACP agent; none for another system's."""
    form = answer_form("acp")
    answers: list[Any] = []
    for event in events:
        if isinstance(event, ev.ApprovalRequest) and "options" in (event.meta or {}):
            for decision in ("approve", "deny", "cancel"):
                response = ev.ApprovalResponse(approval_id=event.approval_id, decision=decision)
                answers.append(form.message(Answered(form.offer(event), response)))
    return answers


# --- checks ---


def _by_types(system: str, types: Any) -> Check:
    """Return a check by pydantic: strict types, and no field that they do not name."""
    adapter = pydantic.TypeAdapter[Any](types)
    allowed = BEYOND.get(system, set())

    def check(item: Any) -> list[str]:
        try:
            value = adapter.validate_json(json.dumps(item), strict=True, extra="allow")
        except pydantic.ValidationError as error:
            return [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        return [f"{name}: not in the type" for name in _unnamed(value) if name not in allowed]

    return check


def _unnamed(value: Any) -> Iterator[str]:
    """Yield the fields in a model, and in those below it, that their types do not name."""
    if isinstance(value, pydantic.BaseModel):
        kind = type(value)
        yield from (f"{kind.__name__}.{name}" for name in value.model_extra or ())
        value = [getattr(value, name) for name in kind.model_fields]
    elif isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _unnamed(each)


def _chat_check() -> Check:
    chunk = _by_types("openai.chat", ChatCompletionChunk)
    error = _by_types("openai.chat", ErrorObject)

    def check(item: Any) -> list[str]:
        return error(item["error"]) if set(item) == {"error"} else chunk(item)

    return check


def _tagged(types: Any, tag: str, system: str) -> Check:
    """Return a check by the member of a union that the tag names: its errors are of one type."""
    adapters: dict[str, Check] = {}
    for member in types.__args__[0].__args__:
        for name in member.model_fields[tag].annotation.__args__:
            adapters[name] = _by_types(system, member)

    def check(item: Any) -> list[str]:
        name = item.get(tag)
        return adapters[name](item) if name in adapters else [f"{tag}: {name!r} is unknown"]

    return check


def _acp_check() -> Check:
    permission = _by_types("acp", acp.schema.RequestPermissionResponse)
    return lambda item: permission(item["result"])


def _task_problems(item: Any) -> list[str]:
    try:
        message = ParseDict(item, StreamResponse())  # raises for fields that it does not have
        validate_proto_required_fields(message)
    except (ParseError, InvalidParamsError) as error:
        return [f"{error} {getattr(error, 'data', '')}"]
    return []


@cache
def _ai_schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = json.loads(SCHEMAS_OF_AI.read_text("utf-8"))
    return schemas


SCHEMAS_OF_AI = Path(__file__).parent / "vercel_ui.json"
"""JSON Schema of the chunks that the npm package `ai` takes, by nbagent's names of the systems."""


def _ai_check(system: str) -> Check:
    """Return a check by the schema of a chunk's type, without the other fields that it allows."""
    schema = _ai_schemas()[system]["schema"]
    by_type: dict[str, jsonschema.Draft202012Validator] = {}
    for member in schema["anyOf"]:
        strict = {**member, "additionalProperties": False, "$defs": schema.get("$defs", {})}
        kind = member["properties"]["type"]
        by_type[kind.get("const", "data-")] = jsonschema.Draft202012Validator(strict)

    def check(item: Mapping[str, Any]) -> list[str]:
        name = str(item.get("type"))
        validator = by_type.get("data-" if name.startswith("data-") else name)
        if validator is None:
            return [f"type: {name!r} is unknown"]
        return [f"{each.json_path}: {each.message}" for each in validator.iter_errors(item)]

    return check


def _of_package(what: str, package: str) -> str:
    return f"{what} of `{package}` {version(package)}"


@cache
def schemas() -> dict[str, Official]:
    """Return the schemas by the systems' names."""
    chunks = "`uiMessageChunkSchema` of `{}` (npm)"
    v7, v5 = (
        chunks.format(_ai_schemas()[name]["source"]) for name in ("vercel.ui", "vercel.ui.v5")
    )
    of_responses = _tagged(ResponseStreamEvent, "type", "openai.responses")
    of_assistants = _tagged(AssistantStreamEvent, "event", "openai.assistants")
    return {
        each.system: each
        for each in (
            Official(
                "ag_ui",
                "AG-UI 1.0",
                _of_package("`ag_ui.core.Event`", "ag-ui-protocol"),
                _by_encoder("ag_ui"),
                _by_types("ag_ui", ag_ui.core.Event),
            ),
            Official("vercel.ui", "AI SDK", v7, _by_encoder("vercel.ui"), _ai_check("vercel.ui")),
            Official(
                "vercel.ui.v5",
                "AI SDK 5",
                v5,
                _by_encoder("vercel.ui.v5"),
                _ai_check("vercel.ui.v5"),
            ),
            Official(
                "openai.responses",
                "OpenAI Responses",
                _of_package("`ResponseStreamEvent`", "openai"),
                _by_encoder("openai.responses"),
                of_responses,
            ),
            Official(
                "openai.chat",
                "OpenAI Chat Completions",
                _of_package("`ChatCompletionChunk` and `ErrorObject`", "openai"),
                _by_encoder("openai.chat"),
                _chat_check(),
            ),
            Official(
                "openai.assistants",
                "OpenAI Assistants",
                _of_package("`AssistantStreamEvent`", "openai"),
                _by_encoder("openai.assistants"),
                of_assistants,
            ),
            Official(
                "a2a",
                "A2A 1.0",
                _of_package("`StreamResponse` (protobuf's JSON)", "a2a-sdk"),
                _as_task,
                _task_problems,
            ),
            Official(
                "acp",
                "ACP v1, answers",
                _of_package("`RequestPermissionResponse`", "agent-client-protocol"),
                _as_acp_answers,
                _acp_check(),
            ),
        )
    }
