"""What of a transcript is kept where there is room for so many bytes only."""

from collections.abc import Iterable
from typing import Any

from nbagent.render.labels import Props, compact, record_of, text_of

IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""The types of pictures that are bytes."""
LEAST = 200
"""Characters that are kept of a thing, however many there are; below that, things are left out."""


def kept_pictures(blocks: list[dict[str, Any]], limit: int) -> dict[str, int]:
    """Blocks whose picture is kept, and its size: a picture cannot be shortened, so that the largest are left out."""
    found = {}
    for block in blocks:
        payloads = [text_of(record_of(block.get("result")).get(mime)) for mime in (*IMAGES, "image/svg+xml")]
        if size := max(map(len, [*payloads, text_of(block.get("data")) if block.get("kind") == "file" else ""])):
            found[text_of(block.get("id"))] = size * 4 // 3
    room, kept = 0.7 * limit, {}
    for id_, size in sorted(found.items(), key=lambda item: item[1]):
        room -= size
        if room < 0:
            break
        kept[id_] = size
    return kept


def sizes(block: Props) -> Iterable[int]:
    """How long the things of a block are that can be shortened."""
    yield len(text_of(block.get("text")))
    yield len(text_of(block.get("args_text")))
    yield len(text_of(block.get("traceback"))) + len(text_of(record_of(block.get("error")).get("traceback")))
    for mime, payload in record_of(block.get("result")).items():
        if not mime.startswith("image/"):
            yield len(payload) if isinstance(payload, str) else len(compact(payload))
            break
    if block.get("kind") != "file" and block.get("data") is not None:
        yield len(compact(block["data"]))


def cap(lengths: list[int], room: float) -> int:
    """The length that the longest must be cut to, so that all of them together fit into `room`."""
    lengths.sort()
    for index, size in enumerate(lengths):
        share = room / (len(lengths) - index)
        if size > share:
            return max(LEAST, int(share))
        room -= size
    return max(LEAST, int(room) + (lengths[-1] if lengths else 0))
