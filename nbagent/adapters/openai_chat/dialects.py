"""How the servers of the Chat Completions endpoint differ: where they put thoughts, parts of content, and token counts."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from nbagent.adapters.base.fields import fields_or_empty, nonempty_str, str_field

_THOUGHT_FIELDS = ("reasoning_content", "reasoning", "reasoning_text", "thinking")
_THOUGHT_LISTS = ("reasoning_details", "thinking_blocks")


class Thought(NamedTuple):
    """What a delta says about the model's thinking."""

    text: str = ""
    kind: Literal["summary", "raw"] = "raw"
    signature: str | None = None
    encrypted: str | None = None


NO_THOUGHT = Thought()


class ContentPart(NamedTuple):
    """One part of a content that is a list: a piece of text, a thought, a picture, or something else (`other`)."""

    text: str = ""
    thought: Thought | None = None
    url: str | None = None
    other: Any = None


def reasoning_in(delta: Mapping[str, Any]) -> Thought:
    """The thought in a delta, counted once where a server says it in two fields.

    `reasoning_content` is DeepSeek's, Qwen's, Z.ai's, Moonshot's and xAI's; `reasoning` Groq's, OpenRouter's and vLLM's;
    `reasoning_details` OpenRouter's and Snowflake's; `reasoning_text` and `reasoning_opaque` GitHub Copilot's;
    `thinking_blocks` LiteLLM's.
    """
    text = next((value for name in _THOUGHT_FIELDS if (value := nonempty_str(delta.get(name)))), "")
    detailed = NO_THOUGHT
    for name in _THOUGHT_LISTS:
        entries = delta.get(name)
        if isinstance(entries, list) and entries:
            detailed = _join(_detail(fields_or_empty(entry)) for entry in entries)
            break
    encrypted = detailed.encrypted or str_field(delta, "reasoning_opaque")
    signature = detailed.signature or str_field(delta, "reasoning_signature")
    if not (text or detailed.text or encrypted or signature):
        return NO_THOUGHT
    return Thought(text or detailed.text, detailed.kind, signature, encrypted)


def _detail(entry: Mapping[str, Any]) -> Thought:
    """One entry of `reasoning_details`, of `thinking_blocks`, or a part of content that is a thought."""
    kind = entry.get("type")
    data = str_field(entry, "data")
    signature = str_field(entry, "signature")
    for name in ("text", "summary", "thinking", "content", "reasoning"):
        value = entry.get(name)
        if isinstance(value, list):
            inner = _join(_detail(fields_or_empty(part)) for part in value)
            if inner.text or inner.signature:
                return inner._replace(
                    signature=inner.signature or signature, kind="summary" if name == "summary" else inner.kind
                )
        elif nonempty_str(value):
            summary = name == "summary" or kind in ("reasoning.summary", "summary_text")
            return Thought(str(value), "summary" if summary else "raw", signature, data)
    return Thought("", "raw", signature, data)


def _join(thoughts: Iterator[Thought]) -> Thought:
    joined = NO_THOUGHT
    for thought in thoughts:
        joined = Thought(
            joined.text + thought.text,
            "summary" if "summary" in (joined.kind, thought.kind) else "raw",
            (joined.signature or "") + (thought.signature or "") or None,
            (joined.encrypted or "") + (thought.encrypted or "") or None,
        )
    return joined


def content_parts(content: list[Any]) -> Iterator[ContentPart]:
    """The parts of a content that is a list (Mistral, Databricks)."""
    for entry in content:
        if isinstance(entry, str):
            yield ContentPart(text=entry)
            continue
        part = fields_or_empty(entry)
        match part.get("type"):
            case "text" | "output_text" if isinstance(part.get("text"), str):
                yield ContentPart(text=part["text"])
            case "thinking" | "reasoning":
                yield ContentPart(thought=_detail(part))
            case "image_url" if url := image_url(part):
                yield ContentPart(url=url)
            case _:
                yield ContentPart(other=entry)


def image_url(part: Mapping[str, Any]) -> str | None:
    """The address of a picture, which is a text or sits in an object."""
    value = part.get("image_url")
    return nonempty_str(value) or nonempty_str(fields_or_empty(value).get("url"))
