"""Differences of two values, as `nbagent.run.diff.difference` returns them: as HTML, and as lines
of text.
"""

from collections.abc import Iterator
from typing import Any

from nbagent.blocks.fields import Props, text_of
from nbagent.render.markup.text import escape, one_line, without_tex

_LINE_CHARS = 200
_PRE = (
    ' style="white-space:pre-wrap;overflow-wrap:anywhere;margin:.25em '
    '0;background:none;color:inherit"'
)
_REMOVED = ' style="background:rgba(214,69,69,.18);color:inherit"'
_ADDED = (
    ' style="background:rgba(46,150,80,.2);color:inherit;text-decoration:underline;'
    'margin-left:.15em"'
)
_CELL = ' style="text-align:right;padding:.1em .7em;white-space:nowrap"'
_ROW = ' style="background:none"'
_SCROLL = ' style="overflow-x:auto;margin:.25em 0"'


def replaced_texts(diff: Props) -> tuple[str, str] | None:
    """Return both texts of a difference in which the one stands in place of the other; None for any
    other difference.
    """
    pieces = list(_pieces(diff)) if diff.get("kind") == "text" else []
    if [mark for mark, _, _ in pieces] != ["-", "+"]:
        return None
    (_, before, less), (_, after, more) = pieces
    return before + _left_out(less), after + _left_out(more)


def difference_html(diff: Props, max_chars: int = 20_000, *, is_prose: bool = False) -> str:
    """Return a difference as HTML: removed text struck out, added text underlined.

    Empty for pictures and equal values.

    Args:
        diff: see `nbagent.run.diff.difference`.
        max_chars: characters of one text.
        is_prose: write a text in the font around it.
    """
    match diff.get("kind"):
        case "text":
            pieces = "".join(
                _piece(mark, text[:max_chars], more) for mark, text, more in _pieces(diff)
            )
            return f"<div{_PRE}>{pieces}</div>\n" if is_prose else f"<pre{_PRE}>{pieces}</pre>\n"
        case "json":
            changes = "".join(
                f"<div>{_change(change, max_chars)}</div>" for change in _records(diff, "changes")
            )
            return f"<div{_PRE}>{changes}{_more(diff)}</div>\n"
        case "table":
            return f"<div{_SCROLL}>{_table(diff)}</div>{_more(diff)}\n"
        case "value":
            return f"<div{_PRE}>{_changed(diff, max_chars)}</div>\n"
    return ""


def difference_lines(diff: Props) -> list[str]:
    """Return a difference as lines of text: `rate: 11.2 → 11.5`."""
    match diff.get("kind"):
        case "text":
            return [
                f"{mark} {_line(text)}"
                for mark, text, _ in _pieces(diff)
                if mark != "=" and text.strip()
            ]
        case "json":
            return [
                *(_change_line(change) for change in _records(diff, "changes")),
                *_more_lines(diff),
            ]
        case "table":
            return [*_table_lines(diff), *_more_lines(diff)]
        case "value":
            return [f"{_line(text_of(diff, 'before'))} → {_line(text_of(diff, 'after'))}"]
    return []


def _pieces(diff: Props) -> Iterator[tuple[str, str, int]]:
    pieces = diff.get("pieces")
    for piece in pieces if isinstance(pieces, list) else []:
        mark, text, more = (*piece, 0)[:3]
        yield str(mark), str(text), more if isinstance(more, int) else 0


def _left_out(chars: int) -> str:
    return f" … {chars:,} more characters" if chars else ""


def _piece(mark: str, text: str, more: int) -> str:
    shown = without_tex(escape(text))
    note = _left_out(more) if mark != "=" else ""
    if mark == "-":
        return f"<del{_REMOVED}>{shown}{note}</del>"
    return f"<ins{_ADDED}>{shown}{note}</ins>" if mark == "+" else shown


def _records(diff: Props, field: str) -> list[Props]:
    found = diff.get(field)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _change(change: Props, max_chars: int) -> str:
    path = text_of(change, "path")
    return (f"<strong>{without_tex(escape(path))}</strong> " if path else "") + _changed(
        change, max_chars
    )


def _changed(change: Props, max_chars: int) -> str:
    sides = [
        f"<{tag}{style}>{without_tex(escape(str(change[side])[:max_chars]))}</{tag}>"
        for side, tag, style in (("before", "del", _REMOVED), ("after", "ins", _ADDED))
        if side in change
    ]
    return " → ".join(sides)


def _change_line(change: Props) -> str:
    path, before, after = (
        text_of(change, "path"),
        text_of(change, "before"),
        text_of(change, "after"),
    )
    named = f"{path}: " if path else ""
    if "before" not in change:
        return f"{path} added: {_line(after)}"
    return (
        f"{named}{_line(before)} → {_line(after)}"
        if "after" in change
        else f"{path} removed: {_line(before)}"
    )


def _table(diff: Props) -> str:
    columns = _records(diff, "columns")
    head = "".join(f"<th{_CELL}>{_marked(_column(column), column)}</th>" for column in columns)
    rows = "".join(
        f"<tr{_ROW}><th{_CELL}>{_marked(text_of(row, 'label'), row)}</th>"
        + "".join(f"<td{_CELL}>{_cell(cell, row)}</td>" for cell in _cells(row))
        + "</tr>"
        for row in _records(diff, "rows")
    )
    return (
        '<table style="border-collapse:collapse;font-size:.95em;color:inherit">'
        f"<tr{_ROW}><th></th>{head}</tr>{rows}</table>"
    )


def _column(column: Props) -> str:
    types = column.get("types")
    kinds = f" ({' → '.join(map(str, types))})" if isinstance(types, list) else ""
    return text_of(column, "name") + kinds


def _cells(row: Props) -> list[Any]:
    cells = row.get("cells")
    return cells if isinstance(cells, list) else []


def _cell(cell: Any, row: Props) -> str:
    if isinstance(cell, list) and len(cell) == 2:
        return _changed({"before": cell[0], "after": cell[1]}, _LINE_CHARS)
    return "" if cell is None else _marked(str(cell), row)


def _marked(text: str, of: Props) -> str:
    shown = without_tex(escape(text))
    match of.get("change"):
        case "added":
            return f"<ins{_ADDED}>{shown}</ins>"
        case "removed":
            return f"<del{_REMOVED}>{shown}</del>"
    return shown


def _table_lines(diff: Props) -> Iterator[str]:
    columns = [text_of(column, "name") for column in _records(diff, "columns")]
    for row in _records(diff, "rows"):
        label, change = text_of(row, "label"), text_of(row, "change")
        named = list(zip(columns, _cells(row), strict=False))
        if change:
            yield (
                f"row {label} {change}: "
                f"{', '.join(f'{name}={cell}' for name, cell in named if cell is not None)}"
            )
        for name, cell in named:
            if isinstance(cell, list) and len(cell) == 2:
                yield f"row {label}, {name}: {cell[0]} → {cell[1]}"


def _more_lines(diff: Props) -> list[str]:
    changes, count = len(_records(diff, "changes")), diff.get("count")
    more = {
        "changes": count - changes if isinstance(count, int) else 0,
        "rows": diff.get("more_rows", 0),
        "columns": diff.get("more_columns", 0),
    }
    return [
        f"… {number:,} more {name}"
        for name, number in more.items()
        if isinstance(number, int) and number > 0
    ]


def _more(diff: Props) -> str:
    return "".join(f"<div><small>{line}</small></div>" for line in _more_lines(diff))


def _line(text: str) -> str:
    return one_line(text, _LINE_CHARS)
