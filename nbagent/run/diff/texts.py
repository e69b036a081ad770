"""Differences of two texts, by word."""

import re
from difflib import SequenceMatcher
from typing import Any

MAX_WORDS = 1500
"""Words on each side that are matched with each other; the matching is quadratic at worst."""
CONTEXT_CHARS = 120
"""Characters of a text that both sides have which are kept beside a change."""
PIECE_CHARS = 4000
"""Characters of one piece, at most."""
LEAST_COMMON = 0.5
"""Share of two texts that must be common to both.

What less similar ones have in common is chance, and hides what they say.
"""

_WORDS = re.compile(r"\d+(?:[.,]\d+)*|\w+|\s+|[^\w\s]")


def text_difference(before: str, after: str) -> list[list[Any]]:
    """Return the pieces of two texts in order: `[mark, text]`, or `[mark, text, characters left
    out]` for one that is cut.

    `mark` is "=" for a text that both have, "-" for one that only `before` has, "+" for one that
    only `after` has. Without cuts the pieces of "=" and "-" are `before`, and those of "=" and "+"
    are `after`. Texts of which less than half is common are two pieces, one of "-" and one of "+".
    """
    start = _common(before, after)
    start -= len(_unfinished_word(before[:start]))
    stop = _common_end(before[start:], after[start:])
    end = len(before) - stop
    middle = _by_word(before[start:end], after[start : len(after) - stop])
    pieces = [["=", before[:start]], *middle, ["=", before[end:]]]
    pieces = [piece for piece in pieces if piece[1]]
    is_changed = before != after and bool(before) and bool(after)
    if is_changed and _common_share(pieces) < LEAST_COMMON:
        pieces = [["-", before], ["+", after]]
    last = len(pieces) - 1
    return [_cut(piece, at == 0, at == last) for at, piece in enumerate(pieces)]


def _common_share(pieces: list[list[Any]]) -> float:
    """Return the share of both texts, without their white space, that they have in common."""
    sizes = {"=": 0, "-": 0, "+": 0}
    for mark, text in pieces:
        sizes[mark] += len("".join(text.split()))
    common = 2 * sizes["="]
    return common / max(1, common + sizes["-"] + sizes["+"])


def _unfinished_word(text: str) -> str:
    found = re.search(r"[\w.,]+\Z", text[-100:])
    if found is None:
        return ""
    return found[0]


def _by_word(removed: str, added: str) -> list[list[Any]]:
    whole = [["-", removed], ["+", added]]
    if max(len(removed), len(added)) > 20 * MAX_WORDS:
        return whole  # more words than are matched, most likely
    old, new = _WORDS.findall(removed), _WORDS.findall(added)
    if not old or not new or max(len(old), len(new)) > MAX_WORDS:
        return whole
    pieces: list[list[Any]] = []
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for kind, first, last, begin, end in matcher.get_opcodes():
        if kind == "equal":
            pieces.append(["=", "".join(old[first:last])])
            continue
        pieces += [["-", "".join(old[first:last])], ["+", "".join(new[begin:end])]]
    return pieces


def _common(left: str, right: str) -> int:
    """Return the length of the common beginning of both texts, by halving."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_end(left: str, right: str) -> int:
    """Return the length of the common end of both texts, by halving."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if (
            left[len(left) - middle : len(left) - low]
            == right[len(right) - middle : len(right) - low]
        ):
            low = middle
        else:
            high = middle - 1
    return low


def _cut(piece: list[Any], is_first: bool, is_last: bool) -> list[Any]:
    """Return a piece as it is shown: of a long text that both sides have, what stands beside a
    change.
    """
    mark, text = piece
    if mark != "=":
        if len(text) <= PIECE_CHARS:
            return piece
        return [mark, text[:PIECE_CHARS], len(text) - PIECE_CHARS]
    limit = 2 * CONTEXT_CHARS
    if is_first or is_last:
        limit = CONTEXT_CHARS
    left_out = len(text) - limit
    if left_out <= CONTEXT_CHARS // 2:
        return piece
    if is_first:
        return [mark, f"… {text[-CONTEXT_CHARS:]}", left_out]
    if is_last:
        return [mark, f"{text[:CONTEXT_CHARS]} …", left_out]
    return [mark, f"{text[:CONTEXT_CHARS]} … {text[-CONTEXT_CHARS:]}", left_out]
