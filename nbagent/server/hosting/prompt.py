"""The size of a prompt: a text, or the messages of a conversation."""

from typing import Any

from nbagent.server.limits import Limits
from nbagent.server.problem import Problem

_DATA = frozenset({"data", "file_data", "image_url", "url"})
"""Keys of the parts of a message that hold a picture or a file."""


def check_prompt_size(prompt: Any, limits: Limits) -> None:
    """Check the size of a prompt: a text, or messages.

    Pictures and files count as a part of the body alone.

    Raises:
        Problem: it is too long (413).
    """
    if _text_chars(prompt) > limits.max_prompt_chars:
        what = "message has" if isinstance(prompt, str) else "messages have"
        limit = f"{limits.max_prompt_chars:,} characters, the limit max_prompt_chars"
        raise Problem(413, f"the {what} more than {limit}")


def _text_chars(prompt: Any) -> int:
    count, left = 0, [prompt]
    while left:  # not recursive: a body may be nested as deep as Python allows
        value = left.pop()
        if isinstance(value, str):
            count += len(value)
        elif isinstance(value, dict):
            left += [inner for key, inner in value.items() if key not in _DATA]
        elif isinstance(value, list):
            left += value
    return count
