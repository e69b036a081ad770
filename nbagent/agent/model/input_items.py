"""The conversation so far, and its form in each of OpenAI's two APIs.

The Responses API takes a flat list of items
(https://platform.openai.com/docs/api-reference/responses/create#input), Chat Completions a list of
messages that hold their tool calls
(https://platform.openai.com/docs/api-reference/chat/create#messages). The history is flat, one item
for each message or call, so that a conversation can be continued with the other API.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from nbagent.agent.model.content_parts import for_chat, for_responses
from nbagent.errors import NbagentError

Json = dict[str, Any]
Role = Literal["system", "developer", "user", "assistant"]


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="message"):
    """A message. `content` is a text, or a list of content parts in the form of either API.

    `item`, here and below, is the Responses API's item as the model sent it: its id, phase and
    annotations go back unchanged.
    """

    role: Role
    content: str | list[Json]
    item: Json | None = None


class FunctionCall(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="call"):
    """A tool call of the model: `arguments` is the JSON text that it wrote, valid or not."""

    call_id: str
    name: str
    arguments: str
    item: Json | None = None


class FunctionCallOutput(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="output"
):
    """The result of a tool call, as the model reads it.

    Attributes:
        call_id: of the call.
        text: of the result.
        preliminary: it counts only where no other output of the call follows, because the run
            ended.
    """

    call_id: str
    text: str
    preliminary: bool = False


class OpaqueItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="kept"):
    """An item that only the Responses API understands, and expects back: encrypted reasoning, a
    hosted tool's call.
    """

    item: Json


Item: TypeAlias = Message | FunctionCall | FunctionCallOutput | OpaqueItem


def from_prompt(prompt: str | Iterable[Any]) -> list[Item]:
    """Convert a prompt: a text, messages and items in the form of either API, or items of a
    history.

    Raises:
        NbagentError: it is empty, or has an entry of another form; the message names it.
    """
    if isinstance(prompt, str):
        items: list[Item] = [Message(role="user", content=prompt)]
    elif isinstance(prompt, Mapping):
        raise NbagentError(
            "the prompt must be a text or a list of messages, got one message; put it in a list"
        )
    elif not isinstance(prompt, Iterable):
        raise NbagentError(f"the prompt must be a text or a list of messages, got {prompt!r}")
    else:
        items = [made for entry in prompt for made in _from_entry(entry)]
    if not items:
        raise NbagentError("the prompt is an empty list; give a text or at least one message")
    return items


def from_responses(item: Json) -> Item:
    """Convert an output item of the Responses API."""
    match item.get("type"):
        case "message":
            texts = (
                part.get("text") or part.get("refusal") or "" for part in item.get("content") or ()
            )
            return Message(role=item.get("role", "assistant"), content="".join(texts), item=item)
        case "function_call":
            return FunctionCall(
                call_id=item["call_id"],
                name=item["name"],
                arguments=item.get("arguments") or "",
                item=item,
            )
    return OpaqueItem(item=item)


def to_responses(items: Iterable[Item], *, stored: bool) -> list[Json]:
    """Return the `input` of a Responses request.

    Args:
        items: the history.
        stored: whether the server keeps responses. If not, it cannot look up reasoning by its id,
            so reasoning items without encrypted or plain content are left out.
    """
    made: list[Json] = []
    for item in items:
        match item:
            case FunctionCallOutput():
                made.append(
                    {"type": "function_call_output", "call_id": item.call_id, "output": item.text}
                )
            case OpaqueItem():
                reasoning = item.item.get("type") == "reasoning"
                if (
                    stored
                    or not reasoning
                    or item.item.get("encrypted_content")
                    or item.item.get("content")
                ):
                    made.append(item.item)
            case _ if item.item is not None:
                made.append(item.item)
            case Message():
                content = for_responses(item.content, item.role)
                made.append({"type": "message", "role": item.role, "content": content})
            case FunctionCall():
                call = {"call_id": item.call_id, "name": item.name, "arguments": item.arguments}
                made.append({"type": "function_call", **call})
    return made


def to_chat(items: Iterable[Item], instructions: str) -> list[Json]:
    """Return the `messages` of a Chat Completions request. Opaque items are left out.

    Calls join the assistant's message before them. So does a text that the assistant added after
    its calls: their outputs must follow them immediately.
    """
    made: list[Json] = [{"role": "system", "content": instructions}] if instructions else []
    for item in items:
        match item:
            case Message(role="assistant", content=str(text)) if made and made[-1].get(
                "tool_calls"
            ):
                made[-1]["content"] = (made[-1]["content"] or "") + text
            case Message():
                made.append({"role": item.role, "content": for_chat(item.content)})
            case FunctionCall():
                _add_call(made, item)
            case FunctionCallOutput():
                made.append({"role": "tool", "tool_call_id": item.call_id, "content": item.text})
            case OpaqueItem():
                pass
    return made


def _add_call(messages: list[Json], call: FunctionCall) -> None:
    """Add a call to the assistant's message at the end, or to a new one."""
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": None})
    function = {"name": call.name, "arguments": call.arguments}
    messages[-1].setdefault("tool_calls", []).append(
        {"id": call.call_id, "type": "function", "function": function}
    )


def is_of_model(item: Item) -> bool:
    """Return True if the model wrote the item: an answer, a call, or what only the Responses API
    understands.
    """
    if isinstance(item, Message):
        return item.role == "assistant"
    return not isinstance(item, FunctionCallOutput)


def text_of(item: Item) -> str:
    """Return the text of a message, or of an output; "" if it has none."""
    match item:
        case Message():
            return _text(item.content)
        case FunctionCallOutput():
            return item.text
    return ""


def _from_entry(entry: Any) -> list[Item]:
    if isinstance(entry, (Message, FunctionCall, FunctionCallOutput, OpaqueItem)):
        return [entry]
    fields = _fields_of(entry)
    match fields:
        case {"type": "function_call_output", "call_id": str(call_id), "output": output}:
            return [FunctionCallOutput(call_id=call_id, text=_text(output))]
        case {"role": "tool", "tool_call_id": str(call_id), "content": content}:
            return [FunctionCallOutput(call_id=call_id, text=_text(content))]
        case {"role": "assistant", "tool_calls": [*calls], **rest}:
            made: list[Item] = [_from_chat_call(call) for call in calls]
            if rest.get("content"):
                made.insert(0, Message(role="assistant", content=rest["content"]))
            return made
        case {"type": str(kind)} if kind != "message" or "id" in fields:
            return [from_responses(dict(fields))]
        case {
            "role": "system" | "developer" | "user" | "assistant" as role,
            "content": str() | list() as content,
        }:
            return [Message(role=role, content=content)]
    raise NbagentError(
        "a prompt's message needs 'role' (system, user, assistant, tool) and 'content', got "
        f"{sorted(fields)}"
    )


def _fields_of(message: Any) -> Mapping[Any, Any]:
    if hasattr(message, "model_dump"):
        message = message.model_dump(exclude_unset=True)
    if not isinstance(message, Mapping):
        raise NbagentError(
            f"a prompt's messages are dicts with 'role' and 'content', got {type(message).__name__}"
        )
    return message


def _from_chat_call(call: Any) -> FunctionCall:
    try:
        return FunctionCall(
            call_id=call["id"],
            name=call["function"]["name"],
            arguments=call["function"]["arguments"],
        )
    except (KeyError, TypeError) as error:
        raise NbagentError(
            "a message's tool call needs 'id' and 'function' with 'name' and 'arguments'; got "
            f"{call!r}"
        ) from error


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if isinstance(part, Mapping))
    return msgspec.json.encode(content).decode()
