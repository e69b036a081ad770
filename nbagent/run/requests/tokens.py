"""`Tokens`: the size of a request by its parts."""

import re
from collections import Counter
from collections.abc import Mapping

from nbagent.printable import printable_line
from nbagent.run.requests.body import Body

CHARS_PER_TOKEN = 4
"""Characters that are counted as a token where the service does not report its count."""
PICTURE_TOKENS = 1000
"""Tokens that are counted for a picture or another file in base64: services count them in ways of
their own.
"""

_FORMATS = ("response_format", "text", "output_config", "format")
"""Settings that hold the form of an answer, which the model reads."""

_BASE64 = re.compile(rb"[A-Za-z0-9+/=_-]{1000,}")


def weight(json: bytes) -> int:
    """Return the characters of a part of a request, a file in base64 as those of its tokens."""
    files = _BASE64.findall(json)
    return (
        len(json.decode("utf-8", "replace"))
        - sum(map(len, files))
        + len(files) * PICTURE_TOKENS * CHARS_PER_TOKEN
    )


class Tokens(dict[str, int]):
    """The tokens of a request by its parts: `instructions`, `tools`, `format`, and `messages[0]`,
    ….

    The parts are an estimate by their characters, scaled to the input that the service counted, if
    it reports that. Instructions that are messages, as in OpenAI Chat, count as `instructions`. Of
    a service that keeps the conversation, `earlier` is what it adds.

    Args:
        weights: of the parts; see `weight`.
        counted: input tokens as the service counted them; None if it does not report any.
        is_continued: whether the service adds messages of its own.

    Attributes:
        total: of all parts.
        is_estimate: whether the total is an estimate too.
    """

    def __init__(
        self, weights: Mapping[str, int], counted: int | None, *, is_continued: bool = False
    ) -> None:
        whole = sum(weights.values())
        self.is_estimate = counted is None
        estimate = -(-whole // CHARS_PER_TOKEN)
        if counted is None:
            counted = estimate
        self.total = scaled = counted
        if is_continued:
            scaled = min(counted, estimate)
        before = at = 0
        for name, size in weights.items():  # rounded so that the parts add up to the total
            at += size
            now = round(scaled * at / max(1, whole))
            self[name] = now - before
            before = now
        if counted > scaled:
            self["earlier"] = counted - scaled

    def __repr__(self) -> str:
        parts = ", ".join(f"{printable_line(name)} {count:,}" for name, count in self.items())
        total = f"{self.total:,} tokens, by characters: {parts}"
        if self.is_estimate:
            return f"≈{total}"
        return total


def weights_of(body: Body) -> dict[str, int]:
    """Return the weight of each part of a request, by its name: see `Tokens`."""
    weights: Counter[str] = Counter()
    if body.instructions is not None:
        weights["instructions"] += weight(body.instructions[1])
    for message in body.system:
        weights["instructions"] += weight(message)
    if body.tools is not None:
        weights["tools"] = weight(body.tools[1])
    for name in _FORMATS:
        value = body.settings.get(name, b"")
        if value.startswith(b"{"):
            weights["format"] += weight(value)
    for index, message in enumerate(body.messages(), len(body.system)):
        weights[f"messages[{index}]"] = weight(message)
    return weights
