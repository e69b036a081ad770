"""Reads the raw text of a response: its token counts, and its secrets, which a stream may cut in
two.
"""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from nbagent.events import Usage
from nbagent.gate.masking import OWN_CUTS, CutMarks

_COUNTS = ('"usage"', '"usageMetadata"', '"prompt_eval_count"')
"""Beginnings of the objects that hold token counts."""
_INPUT = ("input_tokens", "prompt_tokens", "promptTokenCount", "prompt_eval_count")
_OUTPUT = ("output_tokens", "completion_tokens", "candidatesTokenCount", "eval_count")
_APART = ("cache_read_input_tokens", "cache_creation_input_tokens")
"""Counts of Anthropic's that are not part of its `input_tokens`."""
_MAX_DEPTH = 6

_CUT = "\n… 1 more byte"
"""A mark of omission."""

_FIXED = frozenset(
    {
        "id",
        "object",
        "model",
        "type",
        "role",
        "item_id",
        "event_id",
        "system_fingerprint",
        "obfuscation",
    }
)
"""Names of texts that do not go on from one item of a stream to the next."""
_PLACES = ("type", "index", "output_index", "content_index", "item_id")
"""Names of the fields by which the texts of a stream are distinguished."""


def told_usage(text: str) -> Usage | None:
    """Return the tokens that a response counts, input and output; None if it does not."""
    found: dict[str, int] = {}
    for item in _items_with_counts(text):
        for counts in _counts_in(item, 0):
            found.update((name, value) for name, value in counts.items() if type(value) is int)
    given = next((found[name] for name in _INPUT if name in found), None)
    output = next((found[name] for name in _OUTPUT if name in found), None)
    if given is None and output is None:
        return None
    if given is not None:
        given += sum(found.get(name, 0) for name in _APART)
    return Usage(input=given, output=output)


def _items_with_counts(text: str) -> Iterator[Any]:
    _, whole = _json_of(text)
    if isinstance(whole, list):
        yield from whole
        return
    if whole is not None:
        yield whole
        return
    for line in text.splitlines():
        if any(name in line for name in _COUNTS):  # few lines have any: the others are not parsed
            yield _json_of(line)[1]


def _counts_in(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        return
    if "prompt_eval_count" in value:
        yield value
    for name, item in value.items():
        if name in ("usage", "usageMetadata") and isinstance(item, dict):
            inner = item.get("tokens")
            if isinstance(inner, dict):  # Cohere's
                item = inner
            yield item
        elif name in ("response", "message", "delta"):
            yield from _counts_in(item, depth + 1)


class Mask(Protocol):
    """Masks patterns and credentials; `nbagent.gate.privacy.Privacy.mask`."""

    def __call__(self, text: str, *, cuts: CutMarks | None = None) -> str:
        """Return the masked text. What one of the marks cuts off is masked too."""
        ...


def masked_wire(text: str, mask: Mask, *, is_cut: bool) -> str:
    """Return a response's text with its secrets masked, also those that a stream cut into pieces.

    The texts at one place of successive items are read as one. An item in which something is masked
    is written anew.

    Args:
        text: server-sent events, lines of JSON, or anything else.
        mask: returns a masked text.
        is_cut: whether more of the response is to come, or is not kept: a secret may begin at its
            end.
    """

    def masked(part: str) -> str:
        if not is_cut:
            return mask(part)
        return mask(part + _CUT, cuts=OWN_CUTS).removesuffix(_CUT)

    lines = text.split("\n")
    items = [_json_of(line) for line in lines]
    pieces: dict[tuple[Any, ...], list[_Piece]] = {}
    for number, (_, item) in enumerate(items):
        if isinstance(item, (dict, list)):
            for place, holder, name in _texts(item, ()):
                pieces.setdefault(place, []).append((number, holder, name))
    changed: set[int] = set()
    for found in pieces.values():
        if len(found) > 1:
            changed |= _mask_pieces(found, masked)
    for number in changed:
        head, item = items[number]
        lines[number] = head + json.dumps(item, ensure_ascii=False, separators=(",", ":"))
    return masked("\n".join(lines))


_Piece = tuple[int, Any, Any]
"""Number of an item, the object in it that holds a text, and the text's name there."""


def _mask_pieces(pieces: list[_Piece], mask: Callable[[str], str]) -> set[int]:
    """Mask the texts that are one text together.

    Return the numbers of the items that were changed.
    """
    texts = [holder[name] for _, holder, name in pieces]
    whole = "".join(texts)
    masked = mask(whole)
    if masked == whole:
        return set()
    if len(masked) != len(whole):
        # A function of `redact=` has changed the length: all of it goes into the first item.
        shown = [masked, *("" for _ in texts[1:])]
    else:
        ends = itertools.accumulate(map(len, texts))
        shown = [masked[end - len(text) : end] for end, text in zip(ends, texts, strict=True)]
    changed: set[int] = set()
    for (number, holder, name), text, part in zip(pieces, texts, shown, strict=True):
        if part != text:
            holder[name] = part
            changed.add(number)
    return changed


def _texts(value: Any, place: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    """Yield the texts in an item: place, the object that holds it, and its name there."""
    if isinstance(value, dict):
        fields: Iterable[tuple[Any, Any]] = value.items()
        found = [(name, value.get(name)) for name in _PLACES]
        place += tuple((name, at) for name, at in found if isinstance(at, (str, int)))
    else:
        fields = enumerate(value)
    for name, item in fields:
        if isinstance(item, str):
            if name not in _FIXED:
                yield (*place, name), value, name
        elif isinstance(item, (dict, list)):
            yield from _texts(item, (*place, name))


def _json_of(line: str) -> tuple[str, Any]:
    """Return the text before the JSON of a line, and the value; the line and None if there is no
    JSON.
    """
    body = line.removeprefix("data:").lstrip()
    if not body.startswith(("{", "[")):
        return line, None
    try:
        return line[: len(line) - len(body)], json.loads(body)
    except (ValueError, RecursionError):
        return line, None
