"""Frames of an exception as data: where they are, their source lines, and their local variables."""

import inspect
import linecache
import re
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, ModuleType, TracebackType
from typing import Any

from nbagent.events import ErrorFrame
from nbagent.events.jsonable import text_safe
from nbagent.gate import secrets
from nbagent.gate.credential_names import credential_grade
from nbagent.gate.found import is_random
from nbagent.mime.text import first, head, line, text_of, without_addresses
from nbagent.runtime import work
from nbagent.runtime.ipython import ipython_shell
from nbagent.runtime.post_mortem import frames_outside

MAX_FRAMES = 20
"""Frames that are kept: the ends, then those of the user's own code, then the innermost others."""
MAX_LOCALS = 30
"""Local variables of one frame that are kept."""
LOCAL_CHARS = 500
"""Characters of one variable's text."""
REPRS_S = 0.5
"""Seconds that the texts of all variables may take together. The rest is left out."""

_STANDARD_LIBRARY = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
_MAX_MASKED_CHARS = 20 * LOCAL_CHARS
"""Characters of a text in which values with the names of secrets are looked for: more than are
shown.
"""
_TOO_SLOW = f"(not shown: the texts of the variables took longer than {REPRS_S:g} s)"
_MASKED = "••••••••"
_NO_VALUES = (ModuleType, FunctionType, BuiltinFunctionType, type)
_NUMBERS = (bool, int, float, complex, type(None))
_NAMED_VALUE = re.compile(r"""(\b\w+)(['"]?\s*[:=]\s*)(b?'(?:[^'\\]|\\.)*'|b?"(?:[^"\\]|\\.)*")""")
"""Matches a text with its name, as dicts and dataclasses write it: `'password': 'x'`,
`token='x'`.
"""


def frames_of(error: BaseException) -> list[ErrorFrame]:
    """Return the frames of an exception without nbagent's own, outermost first. Never raises.

    The texts of local variables are made in a thread of their own, which is left behind if one of
    them takes too long.
    """
    entries = frames_outside(error.__traceback__)
    entries = _most_wanted(entries)
    if not entries:
        return []
    variables = [dict(_variables(entry)) for entry in entries]
    texts: list[dict[str, str]] = [{} for _ in entries]

    def write() -> None:
        for values, written in zip(reversed(variables), reversed(texts), strict=True):
            # The innermost matter most.
            for name, value in values.items():
                try:
                    written[name] = _text(name, value)
                except BaseException as broken:  # of a repr that exits, too
                    written[name] = f"(not shown: its text failed with {type(broken).__name__})"

    work.run_at_most(REPRS_S, write, name="nbagent-reprs")
    return [
        _frame(entry, {name: written.get(name, _TOO_SLOW) for name in values})
        for entry, values, written in zip(entries, variables, texts, strict=True)
    ]


def _most_wanted(entries: list[TracebackType]) -> list[TracebackType]:
    if len(entries) <= MAX_FRAMES:
        return entries
    ends = (0, len(entries) - 1)
    own = {
        number
        for number, entry in enumerate(entries)
        if library_of(entry.tb_frame.f_code.co_filename) is None
    }
    wanted = sorted(
        range(len(entries)), key=lambda number: (number not in ends, number not in own, -number)
    )
    return [entries[number] for number in sorted(wanted[:MAX_FRAMES])]


def library_of(file: str) -> str | None:
    """Return the installed package that a file is of, or `Python` for its standard library; None
    for any other file.
    """
    if file.startswith("<frozen "):
        return "Python"
    path = PurePath(file)
    for place in ("site-packages", "dist-packages"):
        if place in path.parts:
            return PurePath(path.parts[path.parts.index(place) + 1]).stem
    if any(path.is_relative_to(place) for place in _STANDARD_LIBRARY):
        return "Python"
    return None


def _frame(entry: TracebackType, local_variables: dict[str, str]) -> ErrorFrame:
    code, number = entry.tb_frame.f_code, entry.tb_lineno
    source = linecache.getline(code.co_filename, number, entry.tb_frame.f_globals).strip()
    return ErrorFrame(
        file=text_safe(_file(code.co_filename)),
        line=number,
        function=text_safe(code.co_name),
        source=text_safe(line(source)),
        locals=local_variables,
        library=library_of(code.co_filename),
    )


def _file(name: str) -> str:
    """Return a file's name as IPython shows it: `Cell In[3]` for that of a cell."""
    compiler = getattr(ipython_shell(), "compile", None)
    try:
        label = compiler.format_code_name(name)  # type: ignore[union-attr]
    except Exception:  # no IPython, or another one
        return name
    if label is None:
        return name
    return " ".join(label)


def _variables(entry: TracebackType) -> Iterator[tuple[str, Any]]:
    """Yield the local variables of a frame, without what a reader imported or defined there."""
    values: Mapping[str, Any] = entry.tb_frame.f_locals
    if values is entry.tb_frame.f_globals:
        return
    kept = 0
    for name, value in list(values.items()):
        if (
            kept < MAX_LOCALS
            and name.isidentifier()
            and not name.startswith("__")
            and not isinstance(value, _NO_VALUES)
        ):
            kept += 1
            yield name, value


def _beginning(shown: str | bytes, size: int) -> str:
    """Return the beginning of a text or of bytes, of which there are `size` in all."""
    left_out = f" … of {size:,} in all" if size > LOCAL_CHARS else ""
    return text_safe(f"{shown!r}{left_out}")


def _text(name: str, value: Any) -> str:
    """Return the text of a variable as the notebook would show it."""
    if not isinstance(value, _NUMBERS) and _is_credential(name, value):
        return _MASKED
    if isinstance(value, str):
        return _beginning(first(_with_masks(value[:_MAX_MASKED_CHARS]), LOCAL_CHARS), len(value))
    if isinstance(value, bytes):
        return _beginning(value[:LOCAL_CHARS], len(value))
    return head(text_safe(_with_masks(_notebook_text(value)[:_MAX_MASKED_CHARS])), LOCAL_CHARS)


def _is_credential(name: str, value: Any) -> bool:
    """Return True if a value is a credential.

    `key` and `token` are everyday names, of a column and of a word.
    """
    grade = credential_grade(name)
    if grade is None or grade == "sure":
        return grade == "sure"
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    return isinstance(text, str) and (is_random(text, grade) or secrets.mask(text) != text)


def _notebook_text(value: Any) -> str:
    formatter = getattr(getattr(ipython_shell(), "display_formatter", None), "formatters", {}).get(
        "text/plain"
    )
    try:
        # Unwrapped: the decorator would print what a repr raises, as the last exception.
        if formatter is None:
            printed = None
        else:
            printed = inspect.unwrap(type(formatter).__call__)(formatter, value)
    except Exception:
        printed = None
    if isinstance(printed, str):
        return without_addresses(printed)
    return text_of(value)


def _with_masks(text: str) -> str:
    return _NAMED_VALUE.sub(_masked_value, text)


def _masked_value(found: re.Match[str]) -> str:
    name, between, value = found.groups()
    opening = value.index(value[-1]) + 1  # the letter of bytes, and the quote
    if not _is_credential(name, value[opening:-1]):
        return found[0]
    return f"{name}{between}{value[opening - 1]}{_MASKED}{value[-1]}"
