"""Limits on the parts of a transcript that make it fit into a document of a limited size."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nbagent.mime.parts import parts_of
from nbagent.protocol.shared import IMAGE_TYPES
from nbagent.render.labels import compact
from nbagent.render.props import Props, files_of, record_of, text_of

_MIN_VALUE_CHARS = 200
"""Characters that are kept of a value, however many there are; below that, blocks are left out."""
_MAX_CHAR_BYTES = 6
"""Bytes that a character takes at most in HTML: `&quot;`."""


@dataclass(frozen=True)
class SizeBudget:
    """Limits under which a transcript fits into a number of bytes, as estimated before it is written.

    Attributes:
        max_bytes: of the whole document, in UTF-8.
        value_chars: of one text or value; what is longer is cut.
        list_ends: blocks at each end of a list; those between are left out.
        pictures: the blocks whose picture is kept, by id, and its size in bytes. A picture cannot be shortened.
        lengths: characters of each value.
    """

    max_bytes: int
    value_chars: int
    list_ends: int
    pictures: Mapping[str, int]
    lengths: Sequence[int] = field(repr=False)

    @classmethod
    def of(cls, blocks: Sequence[Props], max_bytes: int) -> "SizeBudget":
        """Return the budget for these blocks: the longest values are cut first, the largest pictures left out."""
        pictures = _pictures_within(blocks, 0.7 * max_bytes)
        remaining = max(0.9 * max_bytes - sum(pictures.values()), max_bytes / 10)
        lengths = [size for block in blocks for size in _value_lengths(block)]
        return cls(max_bytes, _cut_length(lengths, remaining), max_bytes // 100, pictures, lengths)

    def reduced(self, size: int, longest_list: int) -> "SizeBudget":
        """Return a smaller budget after one that made a document of `size` bytes, with lists of up to `longest_list` blocks."""
        factor = min(0.8, 0.9 * self.max_bytes / size)
        if self.value_chars <= _MIN_VALUE_CHARS:
            return replace(self, list_ends=int(min(self.list_ends, longest_list / 2) * factor))
        # Pictures were chosen to fit; if the rest leaves them no space they go, the largest first.
        smallest = sorted(self.pictures.items(), key=lambda item: item[1])[: len(self.pictures) * 3 // 4]
        value_chars = max(_MIN_VALUE_CHARS, int(self.value_chars * factor))
        cuttable = sum(min(length, self.value_chars) - _MIN_VALUE_CHARS for length in self.lengths if length > _MIN_VALUE_CHARS)
        if not self.pictures and size - cuttable * _MAX_CHAR_BYTES > self.max_bytes:
            value_chars = _MIN_VALUE_CHARS  # the values are not what is large
        return replace(self, value_chars=value_chars, pictures=dict(smallest))


def _pictures_within(blocks: Sequence[Props], max_bytes: float) -> dict[str, int]:
    """Return as many pictures as fit, the smallest first, by the ids of their blocks."""
    sizes = {}
    for block in blocks:
        result = record_of(block, "result")
        shown = [max(len(text_of(part, mime)) for mime in IMAGE_TYPES) for part in parts_of(result) or [result]]
        shown += [len(text_of(file, "data")) for file in (block, *files_of(block)) if file.get("kind") in (None, "file")]
        if size := sum(shown):
            sizes[text_of(block, "id")] = size * 4 // 3
    kept = {}
    for id_, size in sorted(sizes.items(), key=lambda item: item[1]):
        max_bytes -= size
        if max_bytes < 0:
            break
        kept[id_] = size
    return kept


def _value_lengths(block: Props) -> Iterable[int]:
    """Characters of the values of a block that can be shortened."""
    yield len(text_of(block, "text"))
    yield len(text_of(block, "args_text"))
    yield len(text_of(block, "output"))
    yield len(text_of(block, "traceback")) + len(text_of(record_of(block, "error"), "traceback"))
    result = record_of(block, "result")
    for part in parts_of(result) or [result]:
        for mime, payload in part.items():
            if not mime.startswith("image/"):
                yield len(payload) if isinstance(payload, str) else len(compact(payload))
                break
    if block.get("kind") != "file" and block.get("data") is not None:
        yield len(compact(block["data"]))


def _cut_length(lengths: list[int], total: float) -> int:
    """Return the length to which the longest must be cut, so that all of them together are at most `total`."""
    lengths.sort()
    for index, size in enumerate(lengths):
        share = total / (len(lengths) - index)
        if size > share:
            return max(_MIN_VALUE_CHARS, int(share))
        total -= size
    return max(_MIN_VALUE_CHARS, int(total) + (lengths[-1] if lengths else 0))
