"""Facts that the demo model quotes from a tool's result: counts, extremes and shares, with numbers
formatted for reading.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

from nbagent.demo.conversation import Item, Json

_SHOWN_ROWS = 6  # of a long table
_FAILED = re.compile(
    r"(?i)\s*(?:(?:error|traceback)\b|\w*(?:Error|Exception)\b"
    r"|.{0,50}\b(?:denied|declined|rejected)\b)"
)
_SPECIAL = re.compile(r"([`*<>$|~&]|(?<![^\W_])_|_(?![^\W_]))")
_AS_CODE = re.compile(r"[\\\[\]]")  # escaped, a bracket would begin a formula
# columns whose numbers are names
_NAMES = re.compile(r"(?i)(^|_)(id|index|year|month|day|code|zip|no)$")
# the same, and columns whose numbers have no sum
_NO_QUANTITY = re.compile(rf"{_NAMES.pattern}|percent|share|rate|ratio|growth")
_MORE_ITEMS = re.compile(r"… ([\d,]+) more item")
_ERROR_PREFIX = re.compile(r"(?i)^error:\s*")
_SHORT_CHARS = 60  # of a text that is quoted within a sentence
_QUOTED_LINES = 8  # of a longer text
_CALL_CHARS = 90

_FIGURES: tuple[tuple[str, str, Callable[[list[float]], float]], ...] = (
    ("mean", "mean|average", lambda numbers: sum(numbers) / len(numbers)),
    ("sum", "sum|total|add up", sum),
    ("largest", "largest|highest|greatest|maximum|max|most", max),
    ("smallest", "smallest|lowest|least|minimum|min", min),
    ("count", "how many|number of", len),
)
"""Questions that a prompt may ask about a list of numbers: its name, the words that ask for it, and
the figure.
"""


def quote(call: Item, output: str | None, prompt: str) -> SimpleNamespace:
    """Values that templates quote from a call and its output.

    An attribute that a result does not provide is missing.

    Attributes:
        args: the arguments.
        outcome: the result in a few words; `sentence` has it as a sentence, and `table` as a table.
        value: the result, if it is a number or a short text.
        fields: values by name, if it is an object.
        rows: number of rows, if it is a table; and if that is whole, with a column of names and one
            of quantities:
        label, measure: the names of these columns; the measure is the one that the prompt names, or
            the last.
        top, top_value, bottom, bottom_value: name and quantity of the highest row and of the
            lowest.
        best: the highest row, by column.
        total, share: sum of the measure, and the highest row's percentage of it.
    """
    facts: Json = {"args": call.args, "fields": {}}
    if output is not None:
        reading = _read(_value(output), prompt)
        facts |= {
            "outcome": f"`{call.name}` {reading.summary}",
            "sentence": f"{code_of(call)} {reading.summary}{reading.more}",
            "table": reading.table,
            **reading.facts,
        }
    return SimpleNamespace(**facts)


def _value(output: str) -> Any:
    try:
        return json.loads(output)
    except (ValueError, RecursionError):
        return output


class _Reading(NamedTuple):
    """Content of a result.

    Attributes:
        summary: in a few words.
        more: the rest of the sentence.
        table: in Markdown; "" for none.
        facts: by name.
    """

    summary: str
    more: str
    table: str = ""
    facts: Mapping[str, Any] = MappingProxyType({})


def _read(value: Any, prompt: str) -> _Reading:
    error = _error(value)
    if error:
        more = f" with *{_without_stop(cell(error))}*, so I leave that part open rather than guess."
        return _Reading("failed", more)
    rows, total = _rows(value)
    if rows:
        return _read_rows(rows, total, prompt)
    if isinstance(value, dict) and value:
        return _read_fields(value)
    if isinstance(value, str) and value.startswith("Figure("):
        more = ", which is above. I cannot see pictures, so the reading is yours."
        return _Reading("drew a figure", more)
    if isinstance(value, str) and len(value) > _SHORT_CHARS:
        return _read_text(value)
    if value in (None, "", [], {}):
        return _Reading("returned nothing", ".", "", {"value": "nothing"})
    shown = _without_stop(cell(value))
    more = ended(shown + _asked_of(value, prompt)).removeprefix(shown)
    return _Reading(f"returned {shown}", more, "", {"value": shown})


def _read_rows(rows: list[Json], total: int, prompt: str) -> _Reading:
    shown = rows
    if len(rows) > 2 * _SHOWN_ROWS:
        shown = rows[:_SHOWN_ROWS]
    facts: Json = {}
    if len(rows) == total > 1:
        facts = _ranking(rows, prompt)
    more = ":"
    if facts:
        more = (
            ". In `{measure}`, **{top}** is highest with {top_value} and **{bottom}** lowest with "
            "{bottom_value}."
        ).format(**facts)
    elif len(shown) < total:
        more = f"; these are the first {len(shown)}:"
    summary = f"returned {total:,} row{'s' * (total > 1)}"
    return _Reading(summary, more, _table(shown), {"rows": f"{total:,}", **facts})


def _read_text(text: str) -> _Reading:
    lines = text.strip().splitlines()
    if len(lines) > _QUOTED_LINES:
        lines[_QUOTED_LINES:] = ["…"]
    quoted = [f"> {cell(line, most=300)}" for line in lines]
    return _Reading("returned a text", ":", "  \n".join(quoted))  # two spaces keep the line's end


def _read_fields(value: Json) -> _Reading:
    lines = [f"| {cell(name)} | {cell(item, name)} |" for name, item in value.items()]
    table = "\n".join(["| field | value |", "| --- | --- |", *lines])
    summary = f"returned {len(value)} value{'s' * (len(value) > 1)}"
    return _Reading(summary, ":", table, {"fields": value})


def _asked_of(value: Any, prompt: str) -> str:
    """Return what the prompt asks of a list of numbers, such as their sum, as the rest of a
    sentence; "" if it asks for nothing, or the value is none.
    """
    if not isinstance(value, list) or not value or not all(map(_is_number, value)):
        return ""
    for name, words, figure in _FIGURES:
        if re.search(rf"(?i)\b(?:{words})\b", prompt):
            return f"; the {name} is **{cell(figure(value))}**"
    return ""


def _ranking(rows: list[Json], prompt: str) -> Json:
    """Return the extremes and shares of a whole table; empty if it has no column of names or none
    of quantities.
    """
    label, measure = _columns(rows, prompt)
    if label is None or measure is None:
        return {}
    worst, *_, best = sorted(rows, key=lambda row: row[measure])
    total = sum(row[measure] for row in rows)
    facts: Json = {
        "label": cell(label),
        "measure": cell(measure),
        "total": cell(total),
        "top": cell(best[label]),
        "top_value": cell(best[measure]),
        "bottom": cell(worst[label]),
        "bottom_value": cell(worst[measure]),
        "best": {_key(column): cell(item) for column, item in best.items()},
    }
    if total > 0 <= worst[measure]:
        facts["share"] = f"{best[measure] / total:.0%}"
    return facts


def _columns(rows: list[Json], prompt: str) -> tuple[str | None, str | None]:
    """Return the first column of names, and that of quantities which the prompt names, or the last;
    None for one that is missing.
    """
    label, measure, is_asked = None, None, False
    for column in rows[0]:
        if not all(_is_number(row.get(column)) for row in rows):
            if label is None and all(column in row for row in rows):
                label = column
        elif not is_asked and not _NO_QUANTITY.search(column):
            measure = column
            is_asked = re.search(rf"(?i)\b{re.escape(column)}\b", prompt) is not None
    return label, measure


def _key(column: str) -> int | str:
    """Return a column's name as a template looks it up: `{best[2025]}` asks for a number."""
    if column.isdecimal():
        return int(column)
    return column


def _rows(value: Any) -> tuple[list[Json], int]:
    """Return the rows of a table, or the first of them, and their number; no rows if it is not a
    table.
    """
    total = None
    if isinstance(value, dict) and isinstance(value.get("shape"), list):
        value, total = value.get("rows"), value["shape"][0]
    if not isinstance(value, list):
        return [], 0
    rows = [row for row in value if isinstance(row, dict) and row]
    if not rows:
        return [], 0
    more = _MORE_ITEMS.match(str(value[-1]))
    if more:  # the rest of a list that was too long to send
        value, total = value[:-1], len(rows) + int(more[1].replace(",", ""))
    if len(rows) != len(value):
        return [], 0
    return rows, total or len(rows)


def _error(value: Any) -> str | None:
    """Return the message of a result that is an error, or None."""
    if isinstance(value, dict):
        return _error_in(value)
    if not isinstance(value, str) or not _FAILED.match(value):
        return None
    lines = value.strip().splitlines()
    told = lines[0]
    if told.startswith("Traceback"):
        told = lines[-1]
    return _ERROR_PREFIX.sub("", told)


def _error_in(value: Json) -> str | None:
    error = value.get("error")
    if not error:
        return None
    if isinstance(error, dict):
        error = error.get("message") or error
    return str(error)


def _table(rows: list[Json]) -> str:
    lines: list[list[str]] = [[] for _ in range(2 + len(rows))]  # head, rules, rows
    for name in dict.fromkeys(chain.from_iterable(rows)):
        values = [row.get(name) for row in rows]
        rule = "---"
        if all(map(_is_number, values)):
            rule = "--:"
        decimals = _decimals(values)
        column = [cell(name), rule, *(cell(value, name, decimals) for value in values)]
        for line, text in zip(lines, column, strict=True):
            line.append(text)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _decimals(column: list[Any]) -> int:
    """Return the decimals that all numbers of a column are shown with."""
    shown = [cell(value) for value in column if _is_number(value)]
    return max((len(text.partition(".")[2]) for text in shown), default=0)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def cell(value: Any, column: str = "", decimals: int = 0, most: int = 100) -> str:
    """Return a value for reading, on one line that Markdown shows as it is: `12,400`, `2.7`,
    `0.0123`, `north`.
    """
    if _is_number(value) and not _NAMES.search(column):
        return _number(value, decimals)
    text = " ".join(_as_text(value).split())
    if isinstance(value, (list, dict)) or _AS_CODE.search(text):
        # in a table it would end the cell, also inside code
        return _code(text, most).replace("|", "\\|")
    return _SPECIAL.sub(r"\\\1", _cut(text, most))


def _as_text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _number(value: float, decimals: int) -> str:
    if value and not 0.01 <= abs(value) < 1e15:
        return f"{value:.3g}"
    whole, _, rest = f"{value:,.2f}".partition(".")
    rest = rest.rstrip("0").ljust(decimals, "0")
    if rest:
        return f"{whole}.{rest}"
    return whole


def code_of(call: Item) -> str:
    """Return a call as inline code: `load_sales(year=2025)`."""
    arguments = [f"{name}={value!r}" for name, value in call.args.items()]
    return _code(f"{call.name}({', '.join(arguments)})", _CALL_CHARS)


def _code(text: str, most: int) -> str:
    shown = _cut(text, most).replace("`", "'")
    return f"`{shown}`"


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return text[: most - 1] + "…"


def _without_stop(text: str) -> str:
    """Return a text that is quoted within a sentence without a full stop of its own."""
    return re.sub(r"(?<!\.)\.$", "", text)


def ended(sentence: str) -> str:
    """Return a sentence, which may end with a quoted text, with one mark at its end."""
    if sentence.endswith(("?", "!", "..")):
        return sentence
    return f"{sentence}."


def listed(parts: Sequence[str]) -> str:
    """Return the parts as "a, b and c"."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
