"""Names in AG-UI's events that both the decoder and the encoder use."""

from typing import Final

TOKEN_FIELDS: Final = {
    "input": "inputTokens",
    "output": "outputTokens",
    "total": "totalTokens",
    "reasoning": "reasoningTokens",
    "cache_read": "cachedInputTokens",
    "cache_write": "cacheWriteInputTokens",
}
"""Fields of a usage entry, by the attributes of `Usage`."""
