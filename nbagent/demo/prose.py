"""Values as Markdown: numbers with separators, code that cannot break out, tables, TeX."""

import json
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from nbagent.demo.results import Table, is_number

_SPECIAL = re.compile(r"([\\`*\[\]<>$|~&]|(?<![^\W_])_|_(?![^\W_]))")
_TEX_SPECIAL = re.compile(r"([_%&#${}])")


def number(value: float, grouped: bool = True) -> str:
    """A number for reading: `12,400`, `0.1235`, `61,200.50`."""
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15):
        return f"{int(value):,}" if grouped else str(int(value))
    if round(value, 2) == value and abs(value) < 1e15:
        return f"{value:,}"
    if abs(value) < 1:
        return f"{value:.4g}"
    return f"{value:,.2f}" if abs(value) < 1e15 else f"{value:.6g}"


def is_exact(value: float) -> bool:
    """Whether `number` shows the whole of `value`."""
    shown = float(number(value).replace(",", ""))
    return math.isclose(shown, value, rel_tol=1e-12, abs_tol=0)


def tex(value: float) -> str:
    """A number as TeX, with separators that do not read as a list."""
    return re.sub(r"e([+-]?)0*(\d+)", r" \\times 10^{\1\2}", number(value)).replace(",", "{,}").replace("^{+", "^{")


def tex_name(name: str) -> str:
    r"""A name as TeX text: `\text{unit\_price}`."""
    plain = name.replace("\\", "/").replace("^", " ").replace("~", " ")
    return rf"\text{{{_TEX_SPECIAL.sub(chr(92) * 2 + '1', plain)}}}"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Text as inline code, whatever backticks it has."""
    text = " ".join(text.split())
    fence = "`" * (1 + max(map(len, re.findall(r"`+", text)), default=0))
    pad = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def block(text: str, language: str = "") -> str:
    """Text as a fenced block, whatever fences it has."""
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", text)), default=0))
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def shortened(text: str, most: int) -> str:
    """The beginning of a text, with what was left out said by an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def cell(value: Any, grouped: bool = True) -> str:
    """A value in a table or a sentence."""
    if value is None:
        return "–"
    if is_number(value):
        return number(value, grouped)
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False)
    return escaped(shortened(str(value), 60))


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], numeric: Iterable[int] = (), plain: Iterable[int] = ()) -> str:
    """A Markdown table. `numeric` columns go to the right; those that are `plain` have no separators (years, ids)."""
    right, ungrouped = set(numeric), set(plain)
    lines = [
        "| " + " | ".join(cell(name) or " " for name in columns) + " |",
        "|" + "|".join("---:" if i in right else "---" for i in range(len(columns))) + "|",
    ]
    lines += ["| " + " | ".join(cell(value, i not in ungrouped) for i, value in enumerate(row)) + " |" for row in rows]
    return "\n".join(lines)


def data_table(data: Table, most: int) -> str:
    """The first rows of a table that a tool returned, and how many there are if these are not all."""
    measures = data.measures()
    numeric = [i for i in range(len(data.columns)) if data.is_numeric(i)]
    shown = table(data.columns, data.rows[:most], numeric, [i for i in numeric if i not in measures])
    first = min(most, len(data.rows))
    return shown if data.length == first else f"{shown}\n\n_The first {first} of {number(data.length)} rows._"


def listed(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def counted(amount: int, noun: str) -> str:
    """`1 row`, `12 rows`."""
    return f"{number(amount)} {noun}{'' if amount == 1 else 's'}"
