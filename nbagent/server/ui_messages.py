"""Messages of the AI SDK's `useChat`, as the prompt of an agent.

Source: `UIMessage` of `ai` 6 and 7
(https://ai-sdk.dev/docs/reference/ai-sdk-core/ui-message).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from nbagent.server.limits import Limits
from nbagent.server.problem import Problem
from nbagent.server.request import prompt_of

Json = dict[str, Any]

DENIED = "The user denied this call."


def conversation(messages: Sequence[Json], limits: Limits) -> list[Json]:
    """Return a conversation as messages of Chat Completions: its texts, pictures and files, and the
    calls that have a result.

    Raises:
        Problem: the last message is neither the user's nor one with results of calls (422).
    """
    made = [each for message in messages for each in _of_message(message)]
    last = made[-1] if made else {}
    if last.get("role") == "user":
        if isinstance(last["content"], str):
            prompt_of(last["content"], limits)
    elif last.get("role") != "tool":
        expected = "must be the user's, with a text, or have results of tools"
        raise Problem(422, f"the last of the messages {expected}")
    return made


def _of_message(message: Json) -> list[Json]:
    match message:
        case {"role": "user", "parts": [*parts]}:
            content = [made for part in parts if (made := _of_user(part)) is not None]
            texts = [each["text"] for each in content if each["type"] == "text"]
            plain = "\n\n".join(texts) if len(texts) == len(content) else content
            return [{"role": "user", "content": plain}] if content else []
        case {"role": "assistant", "parts": [*parts]}:
            return [made for step in _steps(parts) for made in _of_step(step)]
        case {"role": "user" | "assistant" as role, "content": str(text)} if text:
            return [{"role": role, "content": text}]
    return []


def _of_user(part: Any) -> Json | None:
    match part:
        case {"type": "text", "text": str(text)} if text:
            return {"type": "text", "text": text}
        case {"type": "file", "mediaType": str(kind), "url": str(url)} if kind.startswith("image/"):
            return {"type": "image_url", "image_url": {"url": url}}
        case {"type": "file", "url": str(url)}:
            named = {"filename": str(part.get("filename") or "file")}
            return {"type": "file", "file": {**named, "file_data": url}}
    return None


def _steps(parts: Sequence[Any]) -> list[list[Json]]:
    """Return the parts of an assistant's message, one list for each response of the model."""
    steps: list[list[Json]] = [[]]
    for part in parts:
        if not isinstance(part, dict):
            continue
        if part.get("type") == "step-start":
            steps.append([])
        else:
            steps[-1].append(part)
    return steps


def _of_step(parts: Sequence[Json]) -> list[Json]:
    texts = [part["text"] for part in parts if _is_text(part)]
    calls: list[Json] = []
    results: list[Json] = []
    for part in parts:
        name, result = _tool_of(part), _result_of(part)
        if name is None or result is None:
            continue
        call_id = str(part.get("toolCallId"))
        arguments = msgspec.json.encode(part.get("input") or {}).decode()
        function = {"name": name, "arguments": arguments}
        calls.append({"id": call_id, "type": "function", "function": function})
        results.append({"role": "tool", "tool_call_id": call_id, "content": result})
    if not texts and not calls:
        return []
    said: Json = {"role": "assistant", "content": "\n\n".join(texts)}
    return [{**said, "tool_calls": calls}, *results] if calls else [said]


def _is_text(part: Json) -> bool:
    return part.get("type") == "text" and isinstance(part.get("text"), str) and part["text"] != ""


def _tool_of(part: Mapping[str, Any]) -> str | None:
    """Return the name of the tool that a part is a call of; None if it is none, or the model's
    service has run it.
    """
    match part:
        case {"providerExecuted": True}:
            return None
        case {"type": "dynamic-tool", "toolName": str(name)}:
            return name
        case {"type": str(kind)} if kind.startswith("tool-"):
            return kind.removeprefix("tool-")
    return None


def _result_of(part: Mapping[str, Any]) -> str | None:
    """Return the result of a call, for the model; None if it has none."""
    match part:
        case {"state": "output-available", "preliminary": True}:
            return None
        case {"state": "output-available", "output": str(output)}:
            return output
        case {"state": "output-available"}:
            return msgspec.json.encode(part.get("output")).decode()
        case {"state": "output-error"}:
            return f"Error: {part.get('errorText') or 'the call failed'}"
        case {"state": "output-denied"}:
            return DENIED
    return None
