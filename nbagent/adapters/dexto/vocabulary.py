"""Names in Dexto's events that both the decoder and the encoder use.

Source: https://github.com/truffle-ai/dexto, packages/core/src/events (ea2b186).
"""

from typing import Final, Literal

TOKEN_FIELDS: Final = {
    "input": "inputTokens",
    "output": "outputTokens",
    "total": "totalTokens",
    "reasoning": "reasoningTokens",
    "cache_read": "cacheReadTokens",
    "cache_write": "cacheWriteTokens",
}
"""Fields of `tokenUsage`, by the attributes of `Usage`."""

DECISIONS: Final[dict[str, Literal["approve", "deny", "cancel"]]] = {
    "approved": "approve",
    "denied": "deny",
    "cancelled": "cancel",
}
"""Decisions of an approval response, by its `status`."""
