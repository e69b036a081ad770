"""`RowPages`: the rows of a map as a view asks for them: filtered, sorted, a page at a time."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from nbagent.events.json_text import decode_json
from nbagent.events.jsonable import json_safe, text_safe
from nbagent.many.agreement import different_answers, different_scores
from nbagent.many.row import Row
from nbagent.many.row_text import LINE_CHARS, answer_line, answer_text, short, state_text
from nbagent.printable import printable_line
from nbagent.protocol.inspection import RowsAnswer, RowsQuestion, TableRow
from nbagent.render.markup.plain import plain_line
from nbagent.run.inspector.fitting import filled

SEARCHED_CHARS = 4000
"""Characters of each text of a row that are searched."""
SLOW_SHARE = 0.1
"""Share of the rows that ended which count as slow."""

MARKS = "*_`#> \n"
"""Characters that a line of Markdown may begin with; they have no part in an order."""

SCORE = "scores/"
"""Prefix of the columns of the checks."""


class RowPages:
    """Answers a view's questions about the rows of a map.

    Args:
        rows: all of them.
        mask: masks credentials in a text.
    """

    def __init__(self, rows: Sequence[Row], mask: Callable[[str], str]) -> None:
        self._rows = rows
        self._mask = mask
        self._found: tuple[RowsQuestion, int, Sequence[Row]] | None = None

    def answer(
        self,
        text: str,
        version: int,
        scores: Sequence[str],
        max_bytes: int,
        open_row: int | None = None,
    ) -> tuple[str, int]:
        """Return the answer to a question as JSON, and its characters.

        Args:
            text: a `RowsQuestion` as JSON.
            version: of the table.
            scores: names of the checks.
            max_bytes: bytes of JSON that the answer may take.
            open_row: number of the row whose run is shown. It stays where it stood when it does not
                fit any more, as one does whose question was answered.

        Raises:
            LookupError: the question is not valid.
        """
        try:
            question = decode_json(text, type=RowsQuestion)
        except msgspec.MsgspecError as error:
            raise LookupError(f"invalid question about rows: {error}") from error
        if question.at < 0 or question.rows < 0:
            raise LookupError(f"rows are counted from 0; got {question.at}, {question.rows}")
        fitting = self._fitting(question, version, open_row)
        page = fitting[question.at : question.at + question.rows]
        answer = RowsAnswer(version=version, total=len(fitting), rows=[])
        written = filled(answer, (self._shown(row, scores) for row in page), max_bytes)
        return written, len(written)

    def _fitting(self, question: RowsQuestion, version: int, open_row: int | None) -> Sequence[Row]:
        """Return the rows that fit, in their order. The last ones found are kept for one version of
        the table.
        """
        question = msgspec.structs.replace(question, at=0, rows=0)
        if self._found is None or self._found[:2] != (question, version):
            rows = self._filtered(question)
            stays = self._before(question, open_row)
            if stays is not None and stays not in rows:
                rows = sorted([*rows, stays], key=lambda row: row.number)
            self._found = question, version, self._sorted(rows, question)
        return self._found[2]

    def _before(self, question: RowsQuestion, number: int | None) -> Row | None:
        """Return the row of a number, if the last answer to the same question had it."""
        if self._found is None or self._found[0] != question:
            return None
        return next((row for row in self._found[2] if row.number == number), None)

    def _filtered(self, question: RowsQuestion) -> Sequence[Row]:
        rows = self._rows
        match question.filter:
            case "failed":
                rows = [row for row in rows if row.has_failed]
            case "asking":
                rows = [row for row in rows if row.is_asking]
            case "tool":
                rows = [row for row in rows if question.tool in row.tool_names]
            case "tools_failed":
                rows = [row for row in rows if row.tools_failed]
            case "slow":
                rows = _slowest(rows)
            case "different_answers":
                rows = different_answers(rows)
            case "different_scores":
                rows = different_scores(rows)
        wanted = question.text.casefold()
        return [row for row in rows if _has(row, wanted)] if wanted else rows

    def _sorted(self, rows: Sequence[Row], question: RowsQuestion) -> Sequence[Row]:
        """Return the rows in their order. Those without a value stand at the end."""
        if not question.sort:
            return rows[::-1] if question.down else rows
        values = [(_value(row, question.sort), row) for row in rows]
        known = [(_sort_key(value), row) for value, row in values if value is not None]
        known.sort(key=lambda pair: pair[0], reverse=question.down)
        unknown = [row for value, row in values if value is None]
        return [*(row for _, row in known), *unknown]

    def _shown(self, row: Row, scores: Sequence[str]) -> TableRow:
        outcome = row.outcome
        shown = TableRow(
            row=row.number,
            label=text_safe(self._short(row.name)),
            item=text_safe(self._short(row.item.prompt)),
            status=row.status,
            asks=row.is_asking,
            restored=row.is_restored,
            tools_failed=row.tools_failed,
            tokens=_value(row, "tokens"),
            seconds=_value(row, "seconds"),
            cost=_value(row, "cost"),
        )
        if outcome is not None:
            shown.answer = text_safe(self._short(answer_line(outcome)))
            shown.scores = [json_safe(_short_score(outcome.scores.get(name))) for name in scores]
        elif row.run is not None:
            so_far = plain_line(row.run.answer[-2 * LINE_CHARS :])
            shown.answer = text_safe(printable_line(so_far[-LINE_CHARS:]))
        return shown

    def _short(self, value: object) -> str:
        return short(self._mask(str(value)[: 4 * LINE_CHARS]))


def _short_score(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float) else short(value, 80)


def _slowest(rows: Sequence[Row]) -> list[Row]:
    """Return the slowest tenth of the rows that have ended, at least one."""
    times = sorted(
        row.outcome.seconds
        for row in rows
        if row.outcome is not None and row.outcome.seconds is not None
    )
    if not times:
        return []
    least = times[-max(1, int(len(times) * SLOW_SHARE))]
    return [row for row in rows if row.outcome is not None and (row.outcome.seconds or 0) >= least]


def _has(row: Row, wanted: str) -> bool:
    """Return True if a row has a text in lower case, as it is written or as it is shown."""
    parts = [row.name, str(row.item.prompt)]
    if row.outcome is not None:
        parts += [row.outcome.answer, row.outcome.error or ""]
    text = "\n".join(part[:SEARCHED_CHARS] for part in parts).casefold()
    return wanted in text or wanted in text.replace("*", "").replace("`", "")


def _value(row: Row, column: str) -> Any:
    """Return the value of a row in a column; None if there is none yet."""
    outcome = row.outcome
    match column:
        case "label":
            return row.item.label if _is_number(row.item.label) else row.name
        case "item":
            return row.item.prompt if _is_number(row.item.prompt) else str(row.item.prompt)
        case "status":
            return state_text(row)
        case "seconds" if outcome is None:
            return None if row.began is None else max(0.0, time.time() - row.began)
    if outcome is None:
        return None
    match column:
        case "answer":
            return answer_text(outcome).lstrip(MARKS) or None
        case "seconds" | "cost":
            return getattr(outcome, column)
        case "tokens" if outcome.input is not None or outcome.output is not None:
            return (outcome.input or 0) + (outcome.output or 0)
        case _:
            return outcome.scores.get(column.removeprefix(SCORE))


def _sort_key(value: Any) -> tuple[bool, Any]:
    """Return what values are sorted by: numbers first."""
    is_text = not _is_number(value)
    return is_text, str(value).casefold() if is_text else value


def _is_number(value: Any) -> bool:
    """Return True for what has an order among numbers, as NaN does not."""
    return isinstance(value, int | float) and value == value
