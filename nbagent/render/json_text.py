"""JSON as text for readers."""

import json
from typing import Any

from nbagent.protocol.shared import LIMITS

_MAX_INDENTED_CHARS = 100_000


def clip(text: str, max_chars: int) -> str:
    """Return the text, cut to `max_chars` characters with an ellipsis."""
    if len(text) <= max_chars:
        return text
    return f"{text[: max_chars - 1]}…"


def compact(value: Any) -> str:
    """Return JSON on one line, as a browser writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pretty(value: Any) -> str:
    """Return JSON: on one line if the view shows it so, else indented."""
    line = json_line(value)
    # Indenting a large value would take several times its size.
    if len(line) <= LIMITS["json_line_chars"] or len(line) > _MAX_INDENTED_CHARS:
        return line
    return json.dumps(value, ensure_ascii=False, indent=2)


def json_line(value: Any) -> str:
    """Return JSON on one line, with the spaces that a reader expects: `{"a": 1, "b": [2, 3]}`."""
    return json.dumps(value, ensure_ascii=False)
