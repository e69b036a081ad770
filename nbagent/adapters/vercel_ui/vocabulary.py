"""Names in the UI message stream that both the decoder and the encoders use."""

from typing import Final

TOKEN_FIELDS: Final = {"input": "inputTokens", "output": "outputTokens", "total": "totalTokens"}
"""Fields of token counts, by the attributes of `Usage`."""

INPUT_DETAIL_FIELDS: Final = {"cache_read": "cacheReadTokens", "cache_write": "cacheWriteTokens"}
"""Fields of `inputTokenDetails` (`ai` 6 and 7), by the attributes of `Usage`."""

OUTPUT_DETAIL_FIELDS: Final = {"reasoning": "reasoningTokens"}
"""Fields of `outputTokenDetails` (`ai` 6 and 7), by the attributes of `Usage`."""

V5_TOKEN_FIELDS: Final = {
    **TOKEN_FIELDS,
    "reasoning": "reasoningTokens",
    "cache_read": "cachedInputTokens",
}
"""Fields of token counts in `ai` 5, which has no details, by the attributes of `Usage`."""
