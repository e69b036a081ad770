"""Token counts and citations, which OpenAI's two endpoints and their many copies spell alike.

The fields: https://platform.openai.com/docs/api-reference/chat/object and .../responses/object.
"""

from collections.abc import Mapping
from typing import Any

from nbagent.adapters.base.fields import fields_or_empty, str_field, to_jsonable, token_count
from nbagent.events import Usage

_TICKS_PER_DOLLAR = 1e10
"""xAI's unit of `cost_in_usd_ticks`."""


def openai_usage(usage: Any) -> Usage | None:
    """Return the token counts of a `usage` object, or None if it is empty."""
    counts = fields_or_empty(usage)
    if not counts:
        return None
    input_details = fields_or_empty(
        counts.get("prompt_tokens_details") or counts.get("input_tokens_details")
    )
    output_details = fields_or_empty(
        counts.get("completion_tokens_details") or counts.get("output_tokens_details")
    )
    prompt = _first_int(counts, "prompt_tokens", "input_tokens")
    output = _first_int(counts, "completion_tokens", "output_tokens")
    total = _first_int(counts, "total_tokens")
    reasoning = _first_int(output_details, "reasoning_tokens")
    # xAI leaves reasoning out of `completion_tokens`; its total gives that away.
    if (
        prompt is not None
        and output is not None
        and reasoning
        and total == prompt + output + reasoning
    ):
        output += reasoning
    return Usage(
        input=prompt,
        output=output,
        total=total,
        reasoning=reasoning,
        cache_read=_either(
            _first_int(input_details, "cached_tokens"),
            _first_int(
                counts, "cached_tokens", "cache_read_input_tokens", "prompt_cache_hit_tokens"
            ),
        ),
        cache_write=_either(
            _first_int(input_details, "cache_write_tokens", "cache_creation_tokens"),
            _first_int(counts, "cache_creation_input_tokens"),
        ),
        cost=_cost(counts),
    )


def _first_int(counts: Mapping[str, Any], *names: str) -> int | None:
    return next(
        (value for name in names if (value := token_count(counts.get(name))) is not None), None
    )


def _cost(counts: Mapping[str, Any]) -> float | None:
    """Return the dollars that a response cost."""
    cost, ticks = counts.get("cost"), counts.get("cost_in_usd_ticks")
    if isinstance(cost, (int, float)):
        return float(cost)
    if isinstance(ticks, int):
        return ticks / _TICKS_PER_DOLLAR
    return None


def _either(left: int | None, right: int | None) -> int | None:
    if left is None:
        return right
    return left


def citation_fields(annotation: Any) -> tuple[str | None, str | None, dict[str, Any] | None]:
    """Return the URL, the title and all fields of an annotation or a citation.

    A plain string is a URL.
    """
    if isinstance(annotation, str):
        return annotation, None, None
    citation = fields_or_empty(annotation)
    inner = fields_or_empty(citation.get(str(citation.get("type")))) or citation
    url = str_field(inner, "url")
    title = str_field(inner, "title", "filename")
    return url, title, to_jsonable(citation)
