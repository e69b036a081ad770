"""What was said so far, apart from any wire, and how each of OpenAI's two APIs wants to hear it.

The Responses API takes a flat list of items (https://platform.openai.com/docs/api-reference/responses/create#input), Chat
Completions a list of messages that hold their tool calls (https://platform.openai.com/docs/api-reference/chat/create#messages).
The history is flat, one item for each thing said, so that a conversation may go on with the other API.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from nbagent.errors import NbagentError

Json = dict[str, Any]
Role = Literal["system", "developer", "user", "assistant"]


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="message"):
    """Something said. `content` is a text, or a list of parts in the form of the API that will hear it.

    `item` is, here and below, the Responses item itself as the model sent it: its id, phase and annotations go back unchanged.
    """

    role: Role
    content: str | list[Json]
    item: Json | None = None


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="call"):
    """The model calls a tool: `arguments` is the JSON text it wrote, valid or not."""

    call_id: str
    name: str
    arguments: str
    item: Json | None = None


class Output(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="output"):
    """What the model is told that its call returned."""

    call_id: str
    text: str


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="kept"):
    """An item that only the Responses API understands and wants back: encrypted reasoning, a hosted tool's call."""

    item: Json


Item: TypeAlias = Message | Call | Output | Kept


def from_prompt(prompt: str | Iterable[Any]) -> list[Item]:
    """A prompt as history: a text, or messages and items in the form of either API, or items of a history.

    Raises:
        NbagentError: it is empty, or holds something else; the message names it.
    """
    if isinstance(prompt, str):
        items: list[Item] = [Message(role="user", content=prompt)]
    elif isinstance(prompt, Mapping):
        raise NbagentError("the prompt must be a text or a list of messages, got one message; put it in a list")
    else:
        items = [made for entry in prompt for made in _from_entry(entry)]
    if not items:
        raise NbagentError("the prompt is an empty list; give a text or at least one message")
    return items


def from_responses(item: Json) -> Item:
    """An output item of the Responses API as history."""
    match item.get("type"):
        case "message":
            texts = (part.get("text") or part.get("refusal") or "" for part in item.get("content") or ())
            return Message(role=item.get("role", "assistant"), content="".join(texts), item=item)
        case "function_call":
            return Call(call_id=item["call_id"], name=item["name"], arguments=item.get("arguments") or "", item=item)
    return Kept(item=item)


def to_responses(items: Iterable[Item], *, stored: bool) -> list[Json]:
    """The `input` of a Responses request.

    Args:
        items: the history.
        stored: whether the server keeps responses. If not, it cannot look up a thought by its id, so thoughts that came
            without their encrypted or plain content are left out.
    """
    made: list[Json] = []
    for item in items:
        match item:
            case Output():
                made.append({"type": "function_call_output", "call_id": item.call_id, "output": item.text})
            case Kept():
                thought = item.item.get("type") == "reasoning"
                if stored or not thought or item.item.get("encrypted_content") or item.item.get("content"):
                    made.append(item.item)
            case _ if item.item is not None:
                made.append(item.item)
            case Message():
                made.append({"role": item.role, "content": item.content})
            case Call():
                call = {"call_id": item.call_id, "name": item.name, "arguments": item.arguments}
                made.append({"type": "function_call", **call})
    return made


def to_chat(items: Iterable[Item], instructions: str) -> list[Json]:
    """The `messages` of a Chat Completions request: calls join the assistant's message before them; kept items stay out.

    A text that the assistant added after its calls joins them too: outputs must follow their calls at once.
    """
    made: list[Json] = [{"role": "system", "content": instructions}] if instructions else []
    for item in items:
        match item:
            case Message(role="assistant", content=str(text)) if made and made[-1].get("tool_calls"):
                made[-1]["content"] = (made[-1]["content"] or "") + text
            case Message():
                made.append({"role": item.role, "content": item.content})
            case Call():
                if not made or made[-1]["role"] != "assistant":
                    made.append({"role": "assistant", "content": None})
                function = {"name": item.name, "arguments": item.arguments}
                made[-1].setdefault("tool_calls", []).append({"id": item.call_id, "type": "function", "function": function})
            case Output():
                made.append({"role": "tool", "tool_call_id": item.call_id, "content": item.text})
            case Kept():
                pass
    return made


def _from_entry(entry: Any) -> list[Item]:
    if isinstance(entry, Message | Call | Output | Kept):
        return [entry]
    if hasattr(entry, "model_dump"):
        entry = entry.model_dump(exclude_unset=True)
    if not isinstance(entry, Mapping):
        raise NbagentError(f"a prompt's messages are dicts with 'role' and 'content', got {type(entry).__name__}")
    match entry:
        case {"type": "function_call_output", "call_id": str(call_id), "output": output}:
            return [Output(call_id=call_id, text=_text(output))]
        case {"role": "tool", "tool_call_id": str(call_id), "content": content}:
            return [Output(call_id=call_id, text=_text(content))]
        case {"role": "assistant", "tool_calls": [*calls], **rest}:
            said = [Message(role="assistant", content=rest["content"])] if rest.get("content") else []
            return [*said, *(_from_chat_call(call) for call in calls)]
        case {"type": str(kind)} if kind != "message" or "id" in entry:
            return [from_responses(dict(entry))]
        case {"role": "system" | "developer" | "user" | "assistant" as role, "content": str() | list() as content}:
            return [Message(role=role, content=content)]
    raise NbagentError(f"a prompt's message needs 'role' (system, user, assistant, tool) and 'content', got {sorted(entry)}")


def _from_chat_call(call: Any) -> Call:
    try:
        return Call(call_id=call["id"], name=call["function"]["name"], arguments=call["function"]["arguments"])
    except (KeyError, TypeError) as error:
        raise NbagentError(
            f"a message's tool call needs 'id' and 'function' with 'name' and 'arguments'; got {call!r}"
        ) from error


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if isinstance(part, Mapping))
    return msgspec.json.encode(content).decode()
