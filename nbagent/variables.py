"""Variables of the notebook in a prompt: `{name}`."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from nbagent.mime import display_of, json_of

MAX_VALUE_CHARS = 20_000
"""Characters of one variable's text in a prompt."""

_NAME = re.compile(r"\{([A-Za-z_]\w*)\}")


def filled(prompt: str, variables: Mapping[str, Any]) -> str:
    """Return a prompt with the values of the variables that it names.

    A name that is no variable stays as it is written: braces are common in code and in JSON.

    Args:
        prompt: with names in braces, `{name}`.
        variables: by name.
    """
    return _NAME.sub(lambda found: text_of(variables[found[1]]) if found[1] in variables else found[0], prompt)


def text_of(value: Any) -> str:
    """Return a value as a text that a model reads: a text as it is, plain values as JSON, others as they print."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, dict | list | tuple | int | float | bool | None):
        text = msgspec.json.encode(json_of(value)).decode()
    else:
        text = str(display_of(value).data.get("text/plain") or value)
    left_out = len(text) - MAX_VALUE_CHARS
    return text if left_out <= 0 else f"{text[:MAX_VALUE_CHARS]}… ({left_out:,} more characters)"
