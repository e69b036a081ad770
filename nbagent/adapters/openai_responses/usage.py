"""Token counts of OpenAI Responses."""

from typing import Any

from nbagent import events as ev


def responses_usage(usage: ev.Usage) -> dict[str, Any]:
    """Return token counts as Responses has them; all counts are always there."""
    input_tokens, output_tokens = usage.input or 0, usage.output or 0
    return {
        "input_tokens": input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read or 0,
            "cache_write_tokens": usage.cache_write or 0,
        },
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning or 0},
        "total_tokens": input_tokens + output_tokens if usage.total is None else usage.total,
    }
