"""Data that the kernel and the view both read, each from the same file: labels, allow-lists,
limits, MIME types.

The view's bundle imports the JSON files (js/src). `tests/shared/` holds tables of inputs and
expected results that both languages are tested against.
"""

from itertools import zip_longest
from pathlib import Path

import msgspec


def _read(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()


LABELS = msgspec.json.decode(_read("labels.json"), type=dict[str, dict[str, str]])
"""Words shown to a reader, by noun and case. `{}` stands for a value: see `fill`."""

MARKUP = msgspec.json.decode(_read("markup.json"), type=dict[str, dict[str, str]])
"""Allow-lists for untrusted markup: space-separated names, or regular expressions that `re` and
JavaScript read alike.

`characters` holds the bodies of character classes (`[…]`), and in `terminal` the escape sequences
of ECMA-48 §5.3, §5.4 and §8.3. `controls` is C0 without tab, line feed and carriage return, delete
and C1; `overrides` and `directions` change the direction of a text (Unicode UAX #9); `invisible` is
refused in URLs.
"""

MIME_BYTES = msgspec.json.decode(_read("mime.json"), type=dict[str, int])
"""The MIME types that can be shown, richest first, and the largest payload of each in bytes
(images: as base64).
"""

IMAGE_TYPES = tuple(mime for mime in MIME_BYTES if mime.startswith("image/"))
"""The MIME types of pictures, in the order of `MIME_BYTES`."""

LIMITS = msgspec.json.decode(_read("limits.json"), type=dict[str, int])
"""Limits that both languages keep, by name; a name ends with its unit."""


def fill(label: str, *values: str) -> str:
    """Return the label with each `{}` replaced by a value, in order."""
    return "".join(
        fixed + value for fixed, value in zip_longest(label.split("{}"), values, fillvalue="")
    )


def count(value: float) -> str:
    """Return a number as JavaScript's `toLocaleString("en-US")` writes it: `1,284`."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}".rstrip("0").rstrip(".")


def words(text: str) -> frozenset[str]:
    """Return the words of a space-separated list."""
    return frozenset(text.split())
