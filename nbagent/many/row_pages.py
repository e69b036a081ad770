"""`RowPages`: the rows of a map as a view asks for them: filtered, sorted, a page at a time."""

import time
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any, TypeAlias

import msgspec

from nbagent.events.json_text import decode_json
from nbagent.events.jsonable import json_safe, text_safe
from nbagent.many.agreement import different_answers, different_scores
from nbagent.many.row import Row
from nbagent.many.row_text import LINE_CHARS, answer_line, answer_text, short, state_text
from nbagent.printable import printable_line
from nbagent.protocol.inspection import RowFilter, RowsAnswer, RowsQuestion, TableRow
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

SortKey: TypeAlias = tuple[bool, Any]


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
        rows = FILTERS[question.filter](self._rows)
        if question.filter == "tool":
            rows = [row for row in rows if question.tool in row.result.tool_names]
        wanted = question.text.casefold()
        if wanted:
            rows = [row for row in rows if _has(row, wanted)]
        return rows

    def _sorted(self, rows: Sequence[Row], question: RowsQuestion) -> Sequence[Row]:
        """Return the rows in their order. Those without a value stand at the end."""
        if not question.sort:
            return rows[::-1] if question.down else rows
        known: list[tuple[SortKey, Row]] = []
        unknown: list[Row] = []
        for row in rows:
            value = _value(row, question.sort)
            if value is None:
                unknown.append(row)
            else:
                known.append((_sort_key(value), row))
        known.sort(key=itemgetter(0), reverse=question.down)
        return [*map(itemgetter(1), known), *unknown]

    def _shown(self, row: Row, scores: Sequence[str]) -> TableRow:
        outcome = row.result
        return TableRow(
            row=row.number,
            label=text_safe(self._short(row.name)),
            item=text_safe(self._short(row.item.prompt)),
            status=row.status,
            asks=row.is_asking,
            restored=row.is_restored,
            tools_failed=outcome.tools_failed,
            tokens=outcome.tokens,
            seconds=_seconds(row),
            cost=outcome.cost,
            answer=text_safe(self._said(row)),
            scores=[json_safe(_short_score(outcome.scores.get(name))) for name in scores],
        )

    def _said(self, row: Row) -> str:
        """Return the beginning of a row's answer; the end of one that still comes."""
        if row.outcome is not None or row.run is None:
            return self._short(answer_line(row.result))
        so_far = plain_line(row.run.answer[-2 * LINE_CHARS :])
        return printable_line(so_far[-LINE_CHARS:])

    def _short(self, value: object) -> str:
        return short(self._mask(str(value)[: 4 * LINE_CHARS]))


def _short_score(value: Any) -> Any:
    if isinstance(value, bool | int | float | None):
        return value
    return short(value, 80)


def _failed(rows: Sequence[Row]) -> Sequence[Row]:
    return [row for row in rows if row.has_failed]


def _asking(rows: Sequence[Row]) -> Sequence[Row]:
    return [row for row in rows if row.is_asking]


def _with_failed_tools(rows: Sequence[Row]) -> Sequence[Row]:
    return [row for row in rows if row.result.tools_failed]


def _slowest(rows: Sequence[Row]) -> Sequence[Row]:
    """Return the slowest tenth of the rows that have ended, at least one."""
    timed = [row for row in rows if row.result.seconds is not None]
    times = sorted((row.result.seconds or 0.0 for row in timed), reverse=True)
    slow = times[: max(1, int(len(times) * SLOW_SHARE))]
    return [row for row in timed if (row.result.seconds or 0.0) >= slow[-1]]


def _all(rows: Sequence[Row]) -> Sequence[Row]:
    return rows


FILTERS: Mapping[RowFilter, Callable[[Sequence[Row]], Sequence[Row]]] = {
    "": _all,
    "failed": _failed,
    "asking": _asking,
    "tool": _all,
    "tools_failed": _with_failed_tools,
    "slow": _slowest,
    "different_answers": different_answers,
    "different_scores": different_scores,
}
"""The rows that each filter leaves; of `tool`, those that called it are taken from them."""


def _has(row: Row, wanted: str) -> bool:
    """Return True if a row has a text in lower case, as it is written or as it is shown."""
    parts = [row.name, str(row.item.prompt), row.result.answer, row.result.error or ""]
    text = "\n".join(part[:SEARCHED_CHARS] for part in parts).casefold()
    return wanted in text or wanted in text.replace("*", "").replace("`", "")


def _value(row: Row, column: str) -> Any:
    """Return the value of a row in a column; None if there is none yet."""
    if column in VALUES:
        return VALUES[column](row)
    return row.result.scores.get(column.removeprefix(SCORE))


def _label(row: Row) -> Any:
    return row.item.label if _is_number(row.item.label) else row.name


def _prompt(row: Row) -> Any:
    return row.item.prompt if _is_number(row.item.prompt) else str(row.item.prompt)


def _answer(row: Row) -> str | None:
    return answer_text(row.result).lstrip(MARKS) or None


def _seconds(row: Row) -> float | None:
    """Return the seconds that a row took, or goes on for."""
    if row.outcome is not None or row.began is None:
        return row.result.seconds
    return max(0.0, time.time() - row.began)


VALUES: Mapping[str, Callable[[Row], Any]] = {
    "label": _label,
    "item": _prompt,
    "status": state_text,
    "answer": _answer,
    "seconds": _seconds,
    "tokens": attrgetter("result.tokens"),
    "cost": attrgetter("result.cost"),
}
"""The values of the columns, but for those of the checks."""


def _sort_key(value: Any) -> SortKey:
    """Return what values are sorted by: numbers first."""
    if _is_number(value):
        return False, value
    return True, str(value).casefold()


def _is_number(value: Any) -> bool:
    """Return True for what has an order among numbers, as NaN does not."""
    return isinstance(value, int | float) and value == value
