"""Attributes and events of spans, by OpenTelemetry's semantic conventions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from nbagent.events import Usage
from nbagent.events.jsonable import json_safe

if TYPE_CHECKING:
    from opentelemetry.trace import Span


def set_known(span: "Span", attributes: Mapping[str, Any]) -> None:
    """Set the attributes of a span that are not None."""
    span.set_attributes({name: value for name, value in attributes.items() if value is not None})


def name_agent(span: "Span", name: str | None) -> None:
    """Give a span of an agent the agent's name, if it has one."""
    if name is not None:
        span.update_name(f"invoke_agent {name}")
        span.set_attribute("gen_ai.agent.name", name)


def end_span(span: "Span", ts: float, error: str | None, message: str | None = None) -> None:
    """End a span.

    Args:
        span: to end.
        ts: its end, in seconds since the epoch.
        error: type of the error that ended it; None if none did.
        message: of the error.
    """
    from opentelemetry.trace import StatusCode

    if error is not None:
        span.set_attribute("error.type", error)
        span.set_status(StatusCode.ERROR, message)
    span.end(nanoseconds(ts))


def counts(usage: Usage | None) -> dict[str, int | None]:
    """Return the attributes of a number of tokens."""
    if usage is None:
        return {}
    return {
        "gen_ai.usage.input_tokens": usage.input,
        "gen_ai.usage.output_tokens": usage.output,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning,
    }


def message(role: str, text: str) -> dict[str, Any]:
    """Return a message in the form of the conventions."""
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def json_text(value: Any) -> str:
    """Return any value as JSON."""
    return msgspec.json.encode(json_safe(value)).decode()


def nanoseconds(ts: float) -> int:
    """Return a time in seconds as spans have it."""
    return int(ts * 1_000_000_000)
