"""The text that a program's output leaves in a terminal: lines that are written over, without
colours.
"""

import re

_TOKENS = re.compile(
    # a control sequence: its parameters, and its name
    r"\x1b\[(?P<numbers>[\d;:?]{0,60})[ -/]*(?P<command>[@-~])"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # the title of a window, a link
    r"|\x1b[^\[\]]|[\x00-\x1f\x7f]|[^\x00-\x1f\x7f]+"
)
_TAB_COLUMNS = 8
_MAX_COLUMNS = 2000


def terminal_text(output: str) -> str:
    """Return the lines of a program's output as they stand in the end.

    A carriage return begins the line again, as progress bars do. Of the control sequences (ECMA-48)
    those that move the cursor or erase a line count, the others are left out. It is the text of the
    view's `Terminal` (js/src/ui/terminal.ts).
    """
    if "\r" not in output and "\x1b" not in output and "\b" not in output:
        return output
    screen = _Screen()
    for token in _TOKENS.finditer(output):
        screen.feed(token[0], token["command"], token["numbers"])
    return "\n".join("".join(line).rstrip() for line in screen.lines)


class _Screen:
    """The lines of a terminal, and its cursor."""

    def __init__(self) -> None:
        self.lines: list[list[str]] = [[]]
        self._row = 0
        self._column = 0

    def feed(self, text: str, command: str | None, numbers: str | None) -> None:
        if command is not None:
            first = re.split("[;:]", numbers or "")[0].lstrip("?")
            self._control(command, int(first or 0))
            return
        match text:
            case "\n":
                self._new_line()
            case "\r":
                self._column = 0
            case "\b":
                self._column = max(0, self._column - 1)
            case "\t":
                self._write(" " * (_TAB_COLUMNS - self._column % _TAB_COLUMNS))
            case _ if text >= " " and text != "\x7f":
                self._write(text)

    def _new_line(self) -> None:
        self._row, self._column = self._row + 1, 0
        if self._row == len(self.lines):
            self.lines.append([])

    def _write(self, text: str) -> None:
        for start in range(0, len(text), _MAX_COLUMNS):
            part = text[start : start + _MAX_COLUMNS]
            line = self.lines[self._row]
            line += " " * (self._column - len(line))
            line[self._column : self._column + len(part)] = part
            self._column += len(part)

    def _control(self, command: str, number: int) -> None:
        count = min(number or 1, _MAX_COLUMNS)
        line = self.lines[self._row]
        match command:
            case "A" | "F":
                self._row = max(0, self._row - count)
            case "B" | "E":
                self._row = min(len(self.lines) - 1, self._row + count)
            case "C":
                self._column = min(_MAX_COLUMNS, self._column + count)
            case "D":
                self._column = max(0, self._column - count)
            case "G":
                self._column = count - 1
            case "K" if number == 0:
                del line[self._column :]
            case "K":
                end = len(line)
                if number == 1:
                    end = self._column + 1
                line[:end] = " " * min(end, len(line))
        if command in "EF":
            self._column = 0
