"""Agreement of the rows of an item."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import TypeAlias

from nbagent.many.key import text_of
from nbagent.many.row import Row

Place: TypeAlias = tuple[str, int]
"""An agent and the identity of an item."""


def place_of(row: Row) -> Place:
    """Return what the repetitions of an item share."""
    return row.agent, id(row.item)


def agreements(rows: Iterable[Row]) -> dict[Place, float]:
    """Return the share of an item's rows whose answer is the most frequent one.

    Answers are equal if their fields are, or their texts but for space around them. A row without
    an answer agrees with none. Items of which fewer than two rows have ended are left out.
    """
    answers: dict[Place, list[str | None]] = defaultdict(list)
    for row in rows:
        if row.outcome is not None:
            answers[place_of(row)].append(_answer(row))
    return {place: _agreement(each) for place, each in answers.items() if len(each) > 1}


def different_answers(rows: Iterable[Row]) -> list[Row]:
    """Return the rows of those items whose rows do not all have the same answer. Rows that have not
    ended have no part in it.
    """
    return _differing(rows, _answer)


def different_scores(rows: Iterable[Row]) -> list[Row]:
    """Return the same for the values of the checks."""
    return _differing(rows, _scores)


def _differing(rows: Iterable[Row], value_of: Callable[[Row], str | None]) -> list[Row]:
    rows = list(rows)
    values: dict[int, set[str | None]] = defaultdict(set)
    for row in rows:
        if row.outcome is not None:
            values[id(row.item)].add(value_of(row))
    return [row for row in rows if len(values[id(row.item)]) > 1]


def _scores(row: Row) -> str:
    return text_of(row.result.scores)


def _answer(row: Row) -> str | None:
    """Return an answer as a text to be compared; None for a row without one."""
    outcome = row.result
    if not outcome.is_final:
        return None
    if outcome.fields is None:
        return outcome.answer.strip()
    return text_of(outcome.fields)


def _agreement(answers: list[str | None]) -> float:
    counts = Counter(answer for answer in answers if answer is not None)
    return max(counts.values(), default=0) / len(answers)
