"""Variables of the notebook in a prompt: `{name}`."""

import re
from collections.abc import Mapping
from types import NoneType
from typing import Any, NamedTuple

import msgspec

from nbagent.mime import display_of, json_of
from nbagent.protocol.shared import MIME_BYTES

MAX_VALUE_CHARS = 20_000
"""Characters of one variable's text in a prompt."""

MAX_PICTURE_BYTES = 6_000_000
"""Bytes of one variable's picture, in base64."""

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""MIME types of pictures that models take."""

_NAME = re.compile(r"\{([A-Za-z_]\w*)\}")


class Filled(NamedTuple):
    """A prompt with the values of variables.

    Attributes:
        text: of the prompt.
        pictures: that it names, as files: dicts with `name`, `media_type` and `data` (base64).
    """

    text: str
    pictures: list[dict[str, str]]


def filled(prompt: str, variables: Mapping[str, Any]) -> Filled:
    """Return a prompt with the values of the variables that it names.

    A figure or another picture is put beside the text.

    A name that is no variable stays as it is written: braces are common in code and in JSON.

    Args:
        prompt: with names in braces, `{name}`.
        variables: by name.
    """
    pictures: dict[str, dict[str, str]] = {}

    def value_of(found: re.Match[str]) -> str:
        name = found[1]
        if name not in variables:
            return found[0]
        if name not in pictures and (picture := _picture_of(name, variables[name])) is not None:
            pictures[name] = picture
        return f"(picture {name})" if name in pictures else text_of(variables[name])

    return Filled(_NAME.sub(value_of, prompt), list(pictures.values()))


def text_of(value: Any) -> str:
    """Return a value as a text that a model reads: a text as it is, plain values as JSON, others as
    they print.
    """
    if isinstance(value, str):
        text = value
    elif _is_plain(value):
        text = msgspec.json.encode(json_of(value)).decode()
    else:
        text = str(display_of(value).data.get("text/plain") or value)
    left_out = len(text) - MAX_VALUE_CHARS
    if left_out <= 0:
        return text
    return f"{text[:MAX_VALUE_CHARS]}… ({left_out:,} more characters)"


def _picture_of(name: str, value: Any) -> dict[str, str] | None:
    """Return the picture that a value is drawn as, as a file; None if it is not drawn as one."""
    if isinstance(value, str) or _is_plain(value):
        return None
    data = display_of(value, limits=dict.fromkeys(MIME_BYTES, MAX_PICTURE_BYTES)).data
    if "text/html" in data:  # a table
        return None
    for media_type in PICTURES:
        if isinstance(drawn := data.get(media_type), str):
            return {
                "name": f"{name}.{media_type.partition('/')[2]}",
                "media_type": media_type,
                "data": "".join(drawn.split()),
            }
    return None


def _is_plain(value: Any) -> bool:
    return isinstance(value, (dict, list, tuple, int, float, bool, NoneType))
