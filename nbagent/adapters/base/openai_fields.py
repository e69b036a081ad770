"""What OpenAI's two endpoints and their many copies say in the same way: token counts and citations."""

from collections.abc import Mapping
from typing import Any

from nbagent.adapters.base.fields import fields_or_empty, str_field, to_jsonable, token_count
from nbagent.events import Usage

_TICKS_PER_DOLLAR = 1e10


def openai_usage(usage: Any) -> Usage | None:
    """Token counts in our terms; None where none were sent.

    xAI leaves the thinking out of `completion_tokens`, which shows in its total; its cost comes in ticks of 1e-10 dollars.
    """
    payload = fields_or_empty(usage)
    if not payload:
        return None
    sent = fields_or_empty(payload.get("prompt_tokens_details") or payload.get("input_tokens_details"))
    made = fields_or_empty(payload.get("completion_tokens_details") or payload.get("output_tokens_details"))
    sent_tokens = _first_int(payload, "prompt_tokens", "input_tokens")
    output = _first_int(payload, "completion_tokens", "output_tokens")
    total = _first_int(payload, "total_tokens")
    reasoning = _first_int(made, "reasoning_tokens")
    if None not in (sent_tokens, output, total) and reasoning and total == sent_tokens + output + reasoning:  # type: ignore[operator]
        output += reasoning  # type: ignore[operator]
    cost = payload.get("cost")
    ticks = payload.get("cost_in_usd_ticks")
    return Usage(
        input=sent_tokens,
        output=output,
        total=total,
        reasoning=reasoning,
        cache_read=_either(
            _first_int(sent, "cached_tokens"),
            _first_int(payload, "cached_tokens", "cache_read_input_tokens", "prompt_cache_hit_tokens"),
        ),
        cache_write=_either(
            _first_int(sent, "cache_write_tokens", "cache_creation_tokens"), _first_int(payload, "cache_creation_input_tokens")
        ),
        cost=float(cost) if isinstance(cost, int | float) else ticks / _TICKS_PER_DOLLAR if isinstance(ticks, int) else None,
    )


def _first_int(payload: Mapping[str, Any], *names: str) -> int | None:
    return next((value for name in names if (value := token_count(payload.get(name))) is not None), None)


def _either(left: int | None, right: int | None) -> int | None:
    return right if left is None else left


def citation_fields(annotation: Any) -> tuple[str | None, str | None, dict[str, Any] | None]:
    """Address, title and the rest of an annotation or a citation."""
    if isinstance(annotation, str):
        return annotation, None, None
    payload = fields_or_empty(annotation)
    inner = fields_or_empty(payload.get(str(payload.get("type")))) or payload
    url = str_field(inner, "url")
    title = str_field(inner, "title") or str_field(inner, "filename")
    return url, title, to_jsonable(payload)
