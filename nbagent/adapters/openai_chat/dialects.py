"""Fields where the servers of the Chat Completions endpoint differ: reasoning, content parts,
images.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from nbagent.adapters.base.fields import fields_or_empty, nonempty_str, str_field

_REASONING_FIELDS = ("reasoning_content", "reasoning", "reasoning_text", "thinking")
_REASONING_LISTS = ("reasoning_details", "thinking_blocks")
_DETAIL_FIELDS = ("text", "summary", "thinking", "content", "reasoning")
_SUMMARY_TYPES = ("reasoning.summary", "summary_text")


class Reasoning(NamedTuple):
    """Reasoning in a delta."""

    text: str = ""
    kind: Literal["summary", "raw"] = "raw"
    signature: str = ""
    encrypted: str = ""


NO_REASONING = Reasoning()


class ContentPart(NamedTuple):
    """Part of a `content` list.

    Exactly one field is set: text, reasoning, the URL of an image, or any other part.
    """

    text: str = ""
    reasoning: Reasoning | None = None
    url: str | None = None
    other: Any = None


def reasoning_in(delta: Mapping[str, Any]) -> Reasoning:
    """Return the reasoning in a delta, once if the server sends it in two fields.

    `reasoning_content` is DeepSeek's, Qwen's, Z.ai's, Moonshot's and xAI's; `reasoning` Groq's,
    OpenRouter's and vLLM's; `reasoning_details` OpenRouter's and Snowflake's; `reasoning_text` and
    `reasoning_opaque` GitHub Copilot's; `thinking_blocks` LiteLLM's.
    """
    # Servers that send both a plain field and a list repeat the text: the plain field wins.
    text = str_field(delta, *_REASONING_FIELDS, default="")
    listed = NO_REASONING
    for name in _REASONING_LISTS:
        entries = delta.get(name)
        if isinstance(entries, list) and entries:
            listed = _join(entries)
            break
    signature = listed.signature or str_field(delta, "reasoning_signature", default="")
    encrypted = listed.encrypted or str_field(delta, "reasoning_opaque", default="")
    return Reasoning(text or listed.text, listed.kind, signature, encrypted)


def _detail(entry: Mapping[str, Any]) -> Reasoning:
    """Read an entry of `reasoning_details` or `thinking_blocks`, or a content part that is
    reasoning.
    """
    data = str_field(entry, "data", default="")
    signature = str_field(entry, "signature", default="")
    for name in _DETAIL_FIELDS:
        value = entry.get(name)
        is_summary = name == "summary"
        if isinstance(value, list):
            inner = _join(value)
            if inner.text or inner.signature:
                kind = "summary" if is_summary else inner.kind
                return inner._replace(signature=inner.signature or signature, kind=kind)
        elif nonempty_str(value):
            is_summary = is_summary or entry.get("type") in _SUMMARY_TYPES
            return Reasoning(str(value), "summary" if is_summary else "raw", signature, data)
    return Reasoning("", "raw", signature, data)


def _join(entries: list[Any]) -> Reasoning:
    parts = [_detail(fields_or_empty(entry)) for entry in entries]
    return Reasoning(
        "".join(part.text for part in parts),
        "summary" if any(part.kind == "summary" for part in parts) else "raw",
        "".join(part.signature for part in parts),
        "".join(part.encrypted for part in parts),
    )


def content_parts(content: list[Any]) -> Iterator[ContentPart]:
    """Yield the parts of a `content` list (Databricks; Mistral:
    openai_chat/pydanticai-mistral-thinking-parts).
    """
    for entry in content:
        if isinstance(entry, str):
            yield ContentPart(text=entry)
            continue
        part = fields_or_empty(entry)
        match part.get("type"):
            case "text" | "output_text" if isinstance(part.get("text"), str):
                yield ContentPart(text=part["text"])
            case "thinking" | "reasoning":
                yield ContentPart(reasoning=_detail(part))
            case "image_url" if url := image_url(part):
                yield ContentPart(url=url)
            case _:
                yield ContentPart(other=entry)


def image_url(part: Mapping[str, Any]) -> str | None:
    """Return the URL of an image, given as a string or as `{"url": …}`; None if there is none."""
    value = part.get("image_url")
    return nonempty_str(value) or str_field(fields_or_empty(value), "url")
