r"""Markdown inside of a document that a converter makes of a notebook: it means to pandoc what it means to the view.

nbconvert has pandoc make LaTeX of Markdown. To pandoc `---` begins YAML, which removes the text or fails, and a backslash
before a letter is a command of TeX: `C:\Users` stops LaTeX, and `\input` reads a file.
https://pandoc.org/MANUAL.html#pandocs-markdown
"""

import itertools
import re
from collections.abc import Iterator

from nbagent.render.markup.grammar import Token, match_math, parse
from nbagent.render.markup.markdown import only_typesets
from nbagent.render.markup.mathml import mathml

_LINE_END = re.compile(r"\r\n?|\n")
_MARK = re.compile(r"`+|\$\$?|\\[A-Za-z(\[]|\\.|<(?=[A-Za-z/!?])", re.DOTALL)
_AUTOLINK = re.compile(r"<(?:[A-Za-z][\w+.-]*:[^\s<>]*|[\w.+-]+@[\w.-]+)>")
_RAW_FENCE = re.compile(r"^([ \t>]*(?:`{3,}|~{3,})\s*)\{.*")
_COMMAND = re.compile(r"\\[A-Za-z]|\^\^")


def embedded_markdown(text: str) -> str:
    """Return a Markdown text for a place within a document: headings as bold lines, nothing that only pandoc reads."""
    lines = _LINE_END.split(text)
    tokens = parse("\n".join(lines))
    done: set[int] = set()
    for token, next_token in itertools.zip_longest(tokens, tokens[1:]):
        if token.map is None or token.map[0] in done:
            continue
        start, end = token.map
        if token.type == "heading_open" and token.level == 0:
            lines[start:end] = [_bold(" ".join(_prose(next_token.content).split())), *[""] * (end - start - 1)]
        elif token.type == "hr" and token.level == 0:
            lines[start] = "***"
        elif token.type == "fence":
            lines[start] = _RAW_FENCE.sub(r"\1", lines[start])
        elif token.type == "math_block" and token.meta["closed"]:
            lines[start:end] = _math_block(token, lines[start:end])
        elif token.type in ("inline", "math_block"):  # the cells of a row of a table have the same line
            lines[start:end] = _prose("\n".join(lines[start:end])).split("\n")
        else:
            continue
        done.update(range(start, end))
    return "\n".join(lines)


def _bold(line: str) -> str:
    mark = next((mark for mark in ("**", "__") if mark[0] not in line), "") if line else ""
    return f"{mark}{line}{mark}"


def _math_block(token: Token, lines: list[str]) -> list[str]:
    if is_plain_tex(token.content):
        return [line.replace("\\[", "$$").replace("\\]", "$$") for line in lines]
    return [_code(line) if line.strip() else line for line in lines]


def _prose(source: str) -> str:
    return "".join(_pieces(source))


def _pieces(source: str) -> Iterator[str]:
    closing = _closing_backticks(source)
    at = 0
    while (found := _MARK.search(source, at)) is not None:
        start, mark = found.span()[0], found[0]
        yield source[at:start]
        at = found.end()
        opener = mark if mark in ("$", "$$", "\\(", "\\[") else None
        formula = match_math(source, start, len(source), opener) if opener else None
        if mark[0] == "`":
            at = closing.get(start, at)
            yield source[start:at] + ("\\" if source.startswith("{=", at) else "")
        elif formula is not None:
            at, tex = formula
            dollars = "$" if opener in ("$", "\\(") else "$$"
            yield f"{dollars}{tex}{dollars}" if is_plain_tex(tex) else _code(tex)
        elif mark == "<":
            yield "<" if _AUTOLINK.match(source, start) else "\\<"
        else:
            yield f"\\{mark}" if mark[1:].isalpha() else mark
    yield source[at:]


def _closing_backticks(source: str) -> dict[int, int]:
    """Return the ends of code spans by their starts."""
    ends: dict[int, int] = {}
    later: dict[int, int] = {}  # by the length of a run of backticks: the end of the next such run
    for run in reversed(list(re.finditer("`+", source))):
        if len(run[0]) in later:
            ends[run.start()] = later[len(run[0])]
        later[len(run[0])] = run.end()
    return ends


def is_plain_tex(tex: str) -> bool:
    r"""Return True if TeX has only commands that typeset mathematics, none that LaTeX would run, such as `\input`."""
    if not _COMMAND.search(tex):
        return True
    # A command that latex2mathml does not know is in its result as it stands.
    found = mathml(tex, display=False) if only_typesets(tex) else None
    return found is not None and _COMMAND.search(found) is None and "^^" not in tex


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(39)).strip()}`"
