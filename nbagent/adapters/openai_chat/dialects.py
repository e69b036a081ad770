"""Fields where the servers of the Chat Completions endpoint differ: reasoning, content parts,
images.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from nbagent.adapters.base.fields import fields_or_empty, nonempty_str, str_field

_REASONING_FIELDS = ("reasoning_content", "reasoning", "reasoning_text", "thinking")
_REASONING_LISTS = ("reasoning_details", "thinking_blocks")


class Reasoning(NamedTuple):
    """Reasoning in a delta."""

    text: str = ""
    kind: Literal["summary", "raw"] = "raw"
    signature: str | None = None
    encrypted: str | None = None


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
    text = next((value for name in _REASONING_FIELDS if (value := str_field(delta, name))), "")
    detailed = NO_REASONING
    for name in _REASONING_LISTS:
        entries = delta.get(name)
        if isinstance(entries, list) and entries:
            detailed = _join(_detail(fields_or_empty(entry)) for entry in entries)
            break
    encrypted = detailed.encrypted or str_field(delta, "reasoning_opaque")
    signature = detailed.signature or str_field(delta, "reasoning_signature")
    if not (text or detailed.text or encrypted or signature):
        return NO_REASONING
    return Reasoning(text or detailed.text, detailed.kind, signature, encrypted)


def _detail(entry: Mapping[str, Any]) -> Reasoning:
    """Read an entry of `reasoning_details` or `thinking_blocks`, or a content part that is
    reasoning.
    """
    kind = entry.get("type")
    data = str_field(entry, "data")
    signature = str_field(entry, "signature")
    for name in ("text", "summary", "thinking", "content", "reasoning"):
        value = entry.get(name)
        if isinstance(value, list):
            inner = _join(_detail(fields_or_empty(part)) for part in value)
            if inner.text or inner.signature:
                return inner._replace(
                    signature=inner.signature or signature,
                    kind="summary" if name == "summary" else inner.kind,
                )
        elif nonempty_str(value):
            summary = name == "summary" or kind in ("reasoning.summary", "summary_text")
            return Reasoning(str(value), "summary" if summary else "raw", signature, data)
    return Reasoning("", "raw", signature, data)


def _join(parts: Iterator[Reasoning]) -> Reasoning:
    joined = NO_REASONING
    for part in parts:
        joined = Reasoning(
            joined.text + part.text,
            "summary" if "summary" in (joined.kind, part.kind) else "raw",
            (joined.signature or "") + (part.signature or "") or None,
            (joined.encrypted or "") + (part.encrypted or "") or None,
        )
    return joined


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
