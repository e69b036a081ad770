"""Line breaks of a text whose line ends are line breaks, as a program prints it."""

import re

_LINE_END = re.compile(r"\r\n?|\n")


def with_hard_breaks(text: str) -> str:
    """Return a Markdown text in which each line end within a paragraph is a hard line break.

    Source: CommonMark 0.31.2, https://spec.commonmark.org/0.31.2/#hard-line-breaks. Two spaces are
    used, since a backslash would be shown where the line ends inside of a code span.
    """
    from nbagent.render.markup.grammar import parse  # with the first text that has such line breaks

    lines = _LINE_END.split(text)
    for token in parse("\n".join(lines)):
        if token.type == "inline" and token.map is not None:
            for number in range(token.map[0], token.map[1] - 1):
                lines[number] = _with_hard_break(lines[number])
    return "\n".join(lines)


def _with_hard_break(line: str) -> str:
    backslashes = len(line) - len(line.rstrip("\\"))
    if backslashes % 2 == 1:
        return line  # the last one is a line break
    return line.rstrip(" \t") + "  "
