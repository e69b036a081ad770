r"""Text that a program writes to a terminal, as text that only grows.

A progress bar writes its line again and again, with `\r` or with codes that move the cursor up.
Here such a line is kept apart until it is left for good. Colours and all other terminal codes
(ECMA-48) are removed. A terminal emulator such as pyte has a screen of a fixed size, which is read
as a whole: what is final is not told apart from what may be rewritten.
"""

import re

MAX_LINE_CHARS = 10_000
"""Characters of a rewritten line that are kept."""
MAX_LIVE_LINES = 50
"""Lines that can still be rewritten. The oldest one beyond that is final."""

_TOKEN = re.compile(
    r"\r\n|\r|\n|\x08|\x07|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\^_]"
)
_CUT_CODE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]{0,2000}\x1b?)?$")
_UP = re.compile(r"\x1b\[(\d*)A")
_SPECIAL = re.compile(r"[\r\x1b\x07\x08]")


class ConsoleText:
    """Separates final text from lines that are being rewritten.

    Pure: the owner of the stream feeds and takes.
    """

    def __init__(self) -> None:
        self._final: list[str] = []
        self.chars: int = 0
        """Characters that `take` would return, about."""
        self._begun = False  # part of the current line has been taken
        self._cut = ""  # the beginning of a terminal code
        self._live: list[str] = []  # lines that can be rewritten; empty if none has been
        self._row = 0  # of the cursor, in these
        self._at_start = False  # the next text replaces the line
        self._replaced = False  # the first of these is not what was written at first

    @property
    def live(self) -> str:
        """The lines that are being rewritten, in one line; "" if there are none."""
        return "  ".join(filter(None, (line.strip() for line in self._live)))

    def feed(self, text: str) -> None:
        """Add text that was written."""
        if self._cut or self._live or _SPECIAL.search(text):
            self._feed_codes(text)
        else:
            self._add(text)

    def take(self) -> str:
        """Return the final text since the last call."""
        if self._live and self._row == len(self._live) - 1:
            self._finish(self._row)
            if self._live == [""]:
                self._live = []
        text = "".join(self._final)
        self._final, self.chars = [], 0
        if text:
            self._begun = not text.endswith("\n")
        return text

    def close(self) -> str:
        """Return all text that has not been taken; rewritten lines as they are now."""
        self._finish(len(self._live) - 1)
        if self._live and self._live[-1].strip():
            self._add(self._ended(self._live[-1]))
        self._live = []
        return self.take()

    def _feed_codes(self, text: str) -> None:
        text = self._cut + text
        cut = _CUT_CODE.search(text)
        self._cut = cut[0] if cut else ""
        text = text[: len(text) - len(self._cut)]
        start = 0
        for token in _TOKEN.finditer(text):
            self._write(text[start : token.start()])
            self._control(token[0])
            start = token.end()
        self._write(text[start:])

    def _control(self, code: str) -> None:
        if code == "\r":
            self._make_live()
            self._at_start = True
        elif code in ("\n", "\r\n"):
            self._new_line()
        elif (up := _UP.fullmatch(code)) is not None:
            self._make_live()
            self._row = max(0, self._row - int(up[1] or 1))

    def _write(self, text: str) -> None:
        text = text.replace("\x1b", "")  # of no code: joined with what follows it would be one
        if not text:
            return
        if not self._live:
            self._add(text)
            return
        before = "" if self._at_start else self._live[self._row]
        self._replaced |= self._at_start and self._row == 0
        self._at_start = False
        self._live[self._row] = (before + text)[:MAX_LINE_CHARS]

    def _new_line(self) -> None:
        if not self._live:
            self._add("\n")
            return
        self._row += 1
        if self._row == len(self._live):
            self._live.append("")
        self._at_start = True
        if len(self._live) > MAX_LIVE_LINES:
            self._finish(1)

    def _make_live(self) -> None:
        """Make the current line one that can be rewritten, as far as it has not been taken."""
        if self._live:
            return
        pending = "".join(self._final)
        lines, newline, line = pending.rpartition("\n")
        self._final, self.chars = [lines + newline], len(lines) + 1
        self._begun = self._begun and not newline
        self._live, self._row, self._replaced = [line], 0, False

    def _finish(self, count: int) -> None:
        """Make the first `count` lines final."""
        for line in self._live[:count]:
            self._add(self._ended(line) + "\n")
            self._begun = self._replaced = False
        self._live = self._live[max(count, 0) :]
        self._row = max(0, self._row - count)

    def _ended(self, line: str) -> str:
        return ("\n" if self._begun and self._replaced else "") + line.rstrip()

    def _add(self, text: str) -> None:
        self._final.append(text)
        self.chars += len(text)
