"""Values of a row as texts of one line."""

import functools

from nbagent.many.outcome import Outcome
from nbagent.many.row import Row
from nbagent.printable import printable_line
from nbagent.render.figures import failed_calls_label
from nbagent.render.markup.plain import plain_line

LINE_CHARS = 240
"""Characters of an item or an answer in one line, at most."""
_KEPT_LINES = 1024
"""Answers that are kept as plain text, of those read last: more than are in view."""


def short(value: object, chars: int = LINE_CHARS) -> str:
    """Return the beginning of a value's text, in one line of so many characters at most."""
    text = printable_line(" ".join(str(value)[: 4 * chars].split()))
    return text if len(text) <= chars else f"{text[: chars - 1]}…"


def answer_text(outcome: Outcome) -> str:
    """Return the answer of a row that has ended; the error of one that failed, or said nothing."""
    error = outcome.error or ""
    if outcome.is_final:
        return outcome.answer or error
    return error or outcome.answer


def answer_line(outcome: Outcome) -> str:
    """Return the beginning of `answer_text` without the marks of Markdown, to be shortened."""
    text = answer_text(outcome)[: 4 * LINE_CHARS]
    is_markdown = outcome.is_final and outcome.fields is None
    return _plain(text) if is_markdown else text


_plain = functools.lru_cache(_KEPT_LINES)(plain_line)


def state_text(row: Row) -> str:
    """Return the state of a row: `completed, 1 tool call failed`."""
    calls = failed_calls_label({"tools_failed": row.result.tools_failed})
    return f"{row.status}, {calls}" if calls else row.status
