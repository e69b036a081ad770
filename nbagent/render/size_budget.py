"""Limits on the parts of a transcript that make it fit into a document of a limited size."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nbagent.blocks.fields import Props, record_of, text_of
from nbagent.mime.parts import parts_or_whole
from nbagent.protocol.shared import IMAGE_TYPES
from nbagent.render.files import files_of
from nbagent.render.json_text import compact

_MIN_VALUE_CHARS = 200
"""Characters that are kept of a value, however many there are; below that, blocks are left out."""
_SHARE_OF_TEXTS = 0.8
"""Part of the bytes that prompts and answers may take before values have any."""
_MAX_CHAR_BYTES = 6
"""Bytes that a character takes at most in HTML: `&quot;`."""


@dataclass(frozen=True)
class SizeBudget:
    """Limits under which a transcript fits into a number of bytes, as estimated before it is
    written.

    What a reader comes for is kept longest: the data of calls is cut before prompts and answers.

    Attributes:
        max_bytes: of the whole document, in UTF-8.
        text_chars: of one prompt or answer; what is longer is cut.
        value_chars: of one other value.
        list_ends: blocks at each end of a list; those between are left out.
        pictures: the blocks whose picture is kept, by id, and its size in bytes. A picture cannot
            be shortened.
        text_lengths: characters of each prompt and answer.
        value_lengths: characters of each other value.
    """

    max_bytes: int
    text_chars: int
    value_chars: int
    list_ends: int
    pictures: Mapping[str, int]
    text_lengths: Sequence[int] = field(repr=False)
    value_lengths: Sequence[int] = field(repr=False)

    @classmethod
    def of(cls, blocks: Sequence[Props], max_bytes: int) -> "SizeBudget":
        """Return the budget for these blocks: of each kind the longest are cut, the largest
        pictures left out.
        """
        pictures = _pictures_within(blocks, 0.7 * max_bytes)
        remaining = max(0.9 * max_bytes - sum(pictures.values()), max_bytes / 10)
        texts: list[int] = []
        values: list[int] = []
        for block in blocks:
            if block.get("kind") in ("prompt", "text"):
                texts.append(len(text_of(block, "text")))
            else:
                values += _value_lengths(block)
        text_chars = _cut_length(texts, _SHARE_OF_TEXTS * remaining)
        remaining -= sum(min(size, text_chars) for size in texts)
        value_chars = _cut_length(values, remaining)
        return cls(max_bytes, text_chars, value_chars, max_bytes // 100, pictures, texts, values)

    def reduced(self, size: int, longest_list: int) -> "SizeBudget":
        """Return a smaller budget after one that made a document of `size` bytes, with lists of up
        to `longest_list` blocks.
        """
        factor = min(0.8, 0.9 * self.max_bytes / size)
        in_values = _cuttable(self.value_lengths, self.value_chars)
        in_texts = _cuttable(self.text_lengths, self.text_chars)
        if not in_values and not in_texts:
            return replace(self, list_ends=int(min(self.list_ends, longest_list / 2) * factor))
        # Pictures were chosen to fit; if the rest leaves them no space they go, the largest first.
        kept = dict(_smallest_first(self.pictures)[: len(self.pictures) * 3 // 4])
        excess = size - self.max_bytes
        if self.pictures:
            excess = 0
        if in_values:
            value_chars = _shorter(self.value_chars, factor, in_values, excess)
            return replace(self, pictures=kept, value_chars=value_chars)
        text_chars = _shorter(self.text_chars, factor, in_texts, excess)
        return replace(self, pictures=kept, text_chars=text_chars)


def _smallest_first(pictures: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(pictures.items(), key=lambda item: item[1])


def _cuttable(lengths: Sequence[int], max_chars: int) -> int:
    """Return how many characters can still be cut of values that are shown up to `max_chars`."""
    cuttable = (min(size, max_chars) - _MIN_VALUE_CHARS for size in lengths)
    return sum(chars for chars in cuttable if chars > 0)


def _shorter(max_chars: int, factor: float, cuttable: int, excess: int) -> int:
    if cuttable * _MAX_CHAR_BYTES < excess:
        return _MIN_VALUE_CHARS  # the values are not what is large
    return max(_MIN_VALUE_CHARS, int(max_chars * factor))


def _pictures_within(blocks: Sequence[Props], max_bytes: float) -> dict[str, int]:
    """Return as many pictures as fit, the smallest first, by the ids of their blocks."""
    sizes = {}
    for block in blocks:
        size = sum(len(file.data) for file in files_of(block))
        result = record_of(block, "result")
        for part in parts_or_whole(result):
            size += max(len(text_of(part, mime)) for mime in IMAGE_TYPES)
        if block.get("kind") == "file":
            size += len(text_of(block, "data"))
        if size:
            sizes[text_of(block, "id")] = size * 4 // 3
    kept = {}
    for id_, size in _smallest_first(sizes):
        max_bytes -= size
        if max_bytes < 0:
            break
        kept[id_] = size
    return kept


def _value_lengths(block: Props) -> Iterable[int]:
    """Yield the characters of each value of a block that can be shortened."""
    yield len(text_of(block, "text"))
    yield len(text_of(block, "args_text"))
    yield len(text_of(block, "output"))
    yield len(text_of(block, "traceback")) + len(text_of(record_of(block, "error"), "traceback"))
    result = record_of(block, "result")
    for part in parts_or_whole(result):
        shown = next((mime for mime in part if not mime.startswith("image/")), None)
        if shown is not None:
            payload = part[shown]
            if not isinstance(payload, str):
                payload = compact(payload)
            yield len(payload)
    if block.get("kind") != "file" and block.get("data") is not None:
        yield len(compact(block["data"]))


def _cut_length(lengths: list[int], total: float) -> int:
    """Return the length to which the longest must be cut, so that all of them together are at most
    `total`.
    """
    lengths.sort()
    for index, size in enumerate(lengths):
        share = total / (len(lengths) - index)
        if size > share:
            return max(_MIN_VALUE_CHARS, int(share))
        total -= size
    return max(_MIN_VALUE_CHARS, int(total) + max(lengths, default=0))
