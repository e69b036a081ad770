"""`Cursor`: the place in a text that is being cut into segments; and the segments."""

import re
from typing import Literal, NamedTuple, TypeAlias

from nbagent.gate.form import Kind

Marker: TypeAlias = Literal["boundary", "reclassify"]


class Segment(NamedTuple):
    """A segment of a text, or a marker: `boundary` ends the open segment, `reclassify` makes a
    thought of all text so far.

    Attributes:
        kind: kind of the segment or marker.
        text: the segment's text; of a tool call, the call as written.
        name: name of the tool, where it is not part of the call as written.
    """

    kind: Kind | Marker
    text: str = ""
    name: str = ""


class Cursor:
    """The place in the text that `nbagent.gate.tags.Splitter` reads.

    Attributes:
        text: what was held back, and the chunk.
        last: whether no more text comes.
        segments: found so far.
        start: offset of the text that is in no segment yet.
        at: offset up to which the text has been read.
        line: offset in the current line behind what the splitter's state describes.
    """

    def __init__(self, text: str, *, last: bool) -> None:
        self.text = text
        self.last = last
        self.segments: list[Segment] = []
        self.start = self.at = self.line = 0


def is_only(run: re.Pattern[str], text: str, start: int, end: int) -> bool:
    """Return True if a part of a text, which is not copied, is all of one kind of characters."""
    return run.fullmatch(text, start, end) is not None
