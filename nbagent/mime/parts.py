"""Values in several parts in one MIME bundle: a list of figures, a text with the figures that were
drawn beside it.

The types of a part have a parameter, `image/png;part=2` (RFC 2045 §5.1). The parts are shown one
below the other, in the order of their numbers, instead of what the types without the parameter say
of the whole.
"""

import re
from collections.abc import Mapping
from typing import Any

_PART = re.compile(r"(?P<mime>[^;]+);part=(?P<number>\d+)")


def join_parts(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the bundles of the parts in one, with their numbers, from 1."""
    bundle = {}
    for number, part in enumerate(parts, 1):
        for mime, payload in part.items():
            bundle[f"{mime};part={number}"] = payload
    return bundle


def parts_of(bundle: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the bundle of each part, in order; empty for a bundle of one value."""
    parts: dict[int, dict[str, Any]] = {}
    for key, payload in bundle.items():
        if (found := _PART.fullmatch(key)) is not None:
            parts.setdefault(int(found["number"]), {})[found["mime"]] = payload
    return [parts[number] for number in sorted(parts)]


def parts_or_whole(bundle: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the bundle of each part, in order; of one value, the bundle itself."""
    return parts_of(bundle) or [bundle]
