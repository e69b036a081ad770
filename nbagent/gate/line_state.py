"""`LineState`: margin, code spans and fences of the current line of a text in Markdown."""

import re

from nbagent.gate.cursor import Cursor, is_only
from nbagent.gate.matcher import MAX_BACKTICKS

_MARGIN = (
    " \t\r>-*+.)0123456789"  # what may stand before a fence: indentation, quote and list markers
)
SPACE = " \t\r"
MARGIN_RUN = re.compile(f"[{re.escape(_MARGIN)}]*")
SPACE_RUN = re.compile(f"[{re.escape(SPACE)}]*")
_HOLD_CHARS = 1000  # held back after a tag at most, to see whether its code span closes
_LINE_TOKEN = re.compile(rf"`{{1,{MAX_BACKTICKS}}}|\n")


class LineState:
    """The line of a text that is being read, and the fence that it is in.

    Attributes:
        is_blank: whether the line has only space so far.
        is_margin: whether it has only a margin so far.
        fence: backticks that opened the open code block; 0 for none.
        open_runs: runs of backticks on the line that may begin a code span.
        opens_fence: whether the line opened a fence.
        closes_fence: whether it closes the fence if nothing else follows.
    """

    def __init__(self) -> None:
        self.fence = 0
        self.new_line()

    @property
    def is_pending(self) -> bool:
        """True if the rest of the line decides what the line is."""
        return bool(self.open_runs) or self.opens_fence or self.closes_fence

    def new_line(self) -> None:
        """Begin a line."""
        self.is_margin = self.is_blank = True
        self.open_runs: list[int] = []
        self.opens_fence = self.closes_fence = False

    def end_line(self, place: Cursor, here: int) -> None:
        """End the line at an offset, and begin the next one."""
        if self.closes_fence and self.at_margin(place, here):
            self.fence = 0
        self.new_line()

    def pass_over(self, chunk: str) -> None:
        """Take a chunk of text in which nothing is a sign."""
        if "\n" in chunk:
            self.is_margin = self.is_blank = True
        if self.is_margin:
            line = chunk.rfind("\n") + 1
            self.is_margin = is_only(MARGIN_RUN, chunk, line, len(chunk))
            self.is_blank = self.is_blank and is_only(SPACE_RUN, chunk, line, len(chunk))

    def pause(self, place: Cursor) -> None:
        """Keep what the line is so far, as the text up to the cursor goes."""
        self.is_margin = self.at_margin(place, place.at)
        self.is_blank = self.at_start(place, place.at)

    def at_margin(self, place: Cursor, here: int) -> bool:
        """Return True if the line has only a margin before an offset."""
        return self.is_margin and is_only(MARGIN_RUN, place.text, place.line, here)

    def at_start(self, place: Cursor, here: int) -> bool:
        """Return True if the line has only space before an offset."""
        line = place.text.rfind("\n", place.line, here) + 1
        if line == 0 and not self.is_blank:
            return False
        return is_only(SPACE_RUN, place.text, line or place.line, here)

    def backticks(self, place: Cursor, token: re.Match[str], *, may_be_fence: bool) -> None:
        """Open or close a fence or a code span at a run of backticks, unless it is part of the
        code.
        """
        count, at_margin = len(token[0]), self.at_margin(place, token.start())
        place.at = place.line = token.end()
        self.is_margin = self.is_blank = False
        if may_be_fence and self.fence:
            if not self.opens_fence:
                self.closes_fence = self.is_margin = at_margin and count >= self.fence
                return
            # A fence has no backtick in its first line: it was a code span.
            self.open_runs, self.fence, self.opens_fence = [self.fence], 0, False
        elif may_be_fence and count >= 3 and at_margin:
            self.fence, self.opens_fence = count, True
            return
        if count in self.open_runs:  # the span closes; runs inside it were part of the code
            del self.open_runs[self.open_runs.index(count) :]
        else:
            self.open_runs.append(count)

    def is_in_span(self, place: Cursor, at: int) -> bool | None:
        """Return True if an offset is in a code span; None if the rest of the line must be seen
        first.
        """
        if not self.open_runs:
            return False
        text = place.text
        for match in _LINE_TOKEN.finditer(text, at, at + _HOLD_CHARS):
            if match[0] == "\n":
                return False
            if match.end() == len(text) and not place.last:
                return None  # the run may become longer
            if len(match[0]) in self.open_runs:
                return True
        if place.last or len(text) - at >= _HOLD_CHARS:
            return False
        return None
