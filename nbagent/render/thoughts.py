"""Headings of thoughts."""

import re

from nbagent.blocks.fields import Props, text_of
from nbagent.protocol.shared import LABELS, LIMITS, fill
from nbagent.render.durations import elapsed, rounded
from nbagent.render.json_text import clip

_HEADING_MARKS = re.compile(r"^#{1,6} +")
_INLINE_MARKS = re.compile(r"(\*{1,3}|`+)(\S.*?)\1")


def thought_label(thought: Props) -> str:
    """Return the heading of a thought: `Thought for 5s`; of a brief one its title, `Thought: A
    sum`.
    """
    labels = LABELS["thought"]
    if not thought.get("closed"):
        return labels["running"]
    took = elapsed(thought)
    if took is None:
        return labels["closed"]
    if _is_brief(took) and (title := thought_title(thought)):
        return fill(labels["titled"], clip(title, LIMITS["thought_title_chars"]))
    return fill(labels["timed"], rounded(took))


def is_silent_thought(thought: Props) -> bool:
    """Return True for a finished thought without text that took less than a second: there is
    nothing to say about it.
    """
    is_empty = bool(thought.get("closed")) and not text_of(thought, "text")
    return is_empty and _is_brief(elapsed(thought) or 0)


def _is_brief(seconds: float) -> bool:
    return 1000 * seconds < LIMITS["brief_thought_ms"]


def thought_title(thought: Props) -> str:
    """Return the first line of a thought, without the marks of a heading: `**A sum**` is `A
    sum`.
    """
    line = _HEADING_MARKS.sub("", text_of(thought, "text").strip().partition("\n")[0])
    return _INLINE_MARKS.sub(r"\2", line).strip()


def is_title_only(thought: Props) -> bool:
    """Return True if the heading of a thought says all of it: one line, without links or
    formulas.
    """
    title = thought_title(thought)
    is_plain = not re.search(r"[\n\[$<]", text_of(thought, "text").strip())
    return is_plain and thought_label(thought).endswith(f": {title}")
