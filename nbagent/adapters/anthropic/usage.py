"""Token counts of Anthropic Messages."""

from collections.abc import Mapping
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.fields import fields_or_empty, is_token_count, sum_or_none, token_count


def anthropic_usage(usage: Mapping[str, Any]) -> ev.Usage | None:
    """Return the token counts, or None.

    Cache reads and writes are added to the input: the service counts them apart.
    """
    if not usage:
        return None
    counts = {name: value for name, value in usage.items() if is_token_count(value)}
    parts = [
        counts.get(name)
        for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    ]
    prompt = None
    if parts[0] is not None:
        prompt = sum(filter(None, parts))
    output = counts.get("output_tokens")
    thinking = fields_or_empty(usage.get("output_tokens_details")).get("thinking_tokens")
    return ev.Usage(
        input=prompt,
        output=output,
        total=sum_or_none(prompt, output),
        reasoning=token_count(thinking),
        cache_read=parts[1],
        cache_write=parts[2],
    )
