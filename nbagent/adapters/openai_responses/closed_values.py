"""Values of OpenAI Responses that its clients check against a list."""

from nbagent.adapters.base.closed_codes import SERVER_ERROR

CUT_REASONS = frozenset({"max_output_tokens", "max_messages", "content_filter", "steered"})
"""All reasons that an incomplete response can have: `IncompleteDetails.reason` of openai 3.57."""

ERROR_CODES = frozenset(
    {
        SERVER_ERROR,
        "rate_limit_exceeded",
        "invalid_prompt",
        "data_residency_mismatch",
        "bio_policy",
        "misalignment_policy_violation",
        "vector_store_timeout",
        "invalid_image",
        "invalid_image_format",
        "invalid_base64_image",
        "invalid_image_url",
        "image_too_large",
        "image_too_small",
        "image_parse_error",
        "image_content_policy_violation",
        "invalid_image_mode",
        "image_file_too_large",
        "unsupported_image_media_type",
        "empty_image_file",
        "failed_to_download_image",
        "image_file_not_found",
    }
)
"""All codes that a response's error can have: `ResponseError.code` of openai 3.57."""
