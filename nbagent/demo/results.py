"""Facts that the demo model quotes from a tool's result: counts, extremes and shares, with numbers
formatted for reading.
"""

import json
import re
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from nbagent.demo.conversation import Item, Json

_SHOWN_ROWS = 6  # of a long table
_FAILED = re.compile(
    r"(?i)\s*(?:(?:error|traceback)\b|\w*(?:Error|Exception)\b|.{0,50}\b(?:denied|declined|rejected)\b)"
)
_SPECIAL = re.compile(r"([`*<>$|~&]|(?<![^\W_])_|_(?![^\W_]))")
_AS_CODE = re.compile(r"[\\\[\]]")  # escaped, a bracket would begin a formula
# columns whose numbers are names
_NAMES = re.compile(r"(?i)(^|_)(id|index|year|month|day|code|zip|no)$")
_RATIOS = re.compile(r"(?i)percent|share|rate|ratio|growth")  # columns whose numbers have no sum

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
        try:
            value = json.loads(output)
        except (ValueError, RecursionError):
            value = output
        summary, more, facts["table"], found = _read(value, prompt)
        facts |= {
            "outcome": f"`{call.name}` {summary}",
            "sentence": f"{code_of(call)} {summary}{more}",
            **found,
        }
    return SimpleNamespace(**facts)


def _read(value: Any, prompt: str) -> tuple[str, str, str, Json]:
    """Return a summary of a result, a continuation of the summary, a table in Markdown, and facts
    by name.
    """
    if error := _error(value):
        return (
            "failed",
            f" with *{cell(error)}*, so I leave that part open rather than guess.",
            "",
            {},
        )
    rows, total = _rows(value)
    if rows:
        summary = f"returned {total:,} row{'s' * (total > 1)}"
        shown = rows if len(rows) <= 2 * _SHOWN_ROWS else rows[:_SHOWN_ROWS]
        facts = _ranking(rows, prompt) if len(rows) == total > 1 else {}
        more = (
            ". In `{measure}`, **{top}** is highest with {top_value} and **{bottom}** lowest with "
            "{bottom_value}."
        )
        first = ":" if len(shown) == total else f"; these are the first {len(shown)}:"
        return (
            summary,
            more.format(**facts) if facts else first,
            _table(shown),
            {"rows": f"{total:,}", **facts},
        )
    if isinstance(value, dict) and value:
        lines = [
            "| field | value |",
            "| --- | --- |",
            *(f"| {cell(name)} | {cell(item, name)} |" for name, item in value.items()),
        ]
        return (
            f"returned {len(value)} value{'s' * (len(value) > 1)}",
            ":",
            "\n".join(lines),
            {"fields": value},
        )
    if isinstance(value, str) and value.startswith("Figure("):
        return (
            "drew a figure",
            ", which is above. I cannot see pictures, so the reading is yours.",
            "",
            {},
        )
    if isinstance(value, str) and len(value) > 60:
        quoted = (f"> {cell(line, most=300)}" for line in value.strip().splitlines()[:8])
        return "returned a text", ":", "\n".join(quoted), {}
    shown_value = "nothing" if value in (None, "", [], {}) else cell(value)
    more = (
        _asked_of(value, prompt) if isinstance(value, list) and all(map(_is_number, value)) else ""
    )
    return f"returned {shown_value}", f"{more}.", "", {"value": shown_value}


def _asked_of(numbers: list[float], prompt: str) -> str:
    """Return what the prompt asks of the numbers, such as their sum, as the rest of a sentence; ""
    if it asks for nothing.
    """
    for name, words, figure in _FIGURES if numbers else ():
        if re.search(rf"(?i)\b(?:{words})\b", prompt):
            return f"; the {name} is **{cell(figure(numbers))}**"
    return ""


def _ranking(rows: list[Json], prompt: str) -> Json:
    """Return the extremes and shares of a whole table; empty if it has no column of names or none
    of quantities.
    """
    numeric = [column for column in rows[0] if all(_is_number(row.get(column)) for row in rows)]
    names = [column for column in rows[0] if column not in numeric]
    measures = [
        column for column in numeric if not _NAMES.search(column) and not _RATIOS.search(column)
    ]
    if not names or not measures:
        return {}
    asked = (column for column in measures if re.search(rf"(?i)\b{re.escape(column)}\b", prompt))
    label, measure = names[0], next(asked, measures[-1])
    worst, *_, best = sorted(rows, key=lambda row: row[measure])
    total = sum(row[measure] for row in rows)
    facts = {"label": cell(label), "measure": cell(measure), "total": cell(total)}
    facts |= {"top": cell(best[label]), "top_value": cell(best[measure])}
    facts |= {"bottom": cell(worst[label]), "bottom_value": cell(worst[measure])}
    facts |= {"share": f"{best[measure] / total:.0%}"} if total > 0 <= worst[measure] else {}
    return facts | {
        "best": {
            int(column) if column.isdecimal() else column: cell(item)
            for column, item in best.items()
        }
    }


def _rows(value: Any) -> tuple[list[Json], int]:
    """Return the rows of a table, or the first of them, and their number; no rows if it is not a
    table.
    """
    total = None
    if isinstance(value, dict) and isinstance(value.get("shape"), list):
        value, total = value.get("rows"), value["shape"][0]
    rows = (
        [row for row in value if isinstance(row, dict) and row] if isinstance(value, list) else []
    )
    if rows and (more := re.match(r"… ([\d,]+) more item", str(value[-1]))):
        # The rest of a list that was too long to send.
        value, total = value[:-1], len(rows) + int(more[1].replace(",", ""))
    return (rows, total or len(rows)) if rows and len(rows) == len(value) else ([], 0)


def _error(value: Any) -> str | None:
    if isinstance(value, dict) and (error := value.get("error")):
        return str(error.get("message") or error) if isinstance(error, dict) else str(error)
    if not isinstance(value, str) or not _FAILED.match(value):
        return None
    lines = value.strip().splitlines()
    return re.sub(r"(?i)^error:\s*", "", lines[-1 if lines[0].startswith("Traceback") else 0])


def _table(rows: list[Json]) -> str:
    columns = {column: [row.get(column) for row in rows] for row in rows for column in row}
    rules = ["--:" if all(map(_is_number, values)) else "---" for values in columns.values()]
    # The numbers of a column have the same decimals.
    places = {
        name: max((len(cell(v).partition(".")[2]) for v in column if _is_number(v)), default=0)
        for name, column in columns.items()
    }
    lines = [[cell(row.get(name), name, places[name]) for name in columns] for row in rows]
    return "\n".join(
        f"| {' | '.join(line)} |" for line in ([cell(name) for name in columns], rules, *lines)
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def cell(value: Any, column: str = "", decimals: int = 0, most: int = 100) -> str:
    """Return a value for reading, on one line that Markdown shows as it is: `12,400`, `2.7`,
    `0.0123`, `north`.
    """
    if _is_number(value) and not _NAMES.search(column):
        if value and not 0.01 <= abs(value) < 1e15:
            return f"{value:.3g}"
        whole, _, rest = f"{value:,.2f}".partition(".")
        rest = rest.rstrip("0").ljust(decimals, "0")
        return f"{whole}.{rest}" if rest else whole
    text = " ".join(
        (
            "–"
            if value is None
            else value
            if isinstance(value, str)
            else json.dumps(value, ensure_ascii=False)
        ).split()
    )
    if isinstance(value, list | dict) or _AS_CODE.search(text):
        # in a table it would end the cell, also inside code
        return _code(text, most).replace("|", "\\|")
    return _SPECIAL.sub(r"\\\1", text if len(text) <= most else text[: most - 1] + "…")


def code_of(call: Item) -> str:
    """Return a call as inline code: `load_sales(year=2025)`."""
    return _code(
        f"{call.name}({', '.join(f'{name}={value!r}' for name, value in call.args.items())})", 90
    )


def _code(text: str, most: int) -> str:
    shown = (text if len(text) <= most else text[: most - 1] + "…").replace("`", "'")
    return f"`{shown}`"


def listed(parts: Sequence[str]) -> str:
    """Return the parts as "a, b and c"."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
