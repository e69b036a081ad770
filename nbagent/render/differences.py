"""Differences of two values, as `nbagent.run.diff.difference` returns them: as HTML, and as lines
of text.
"""

from collections.abc import Iterator
from typing import Any

from nbagent.blocks.fields import Props, count_of, items_of, records_of, text_of
from nbagent.render.markup.text import escape, one_line, without_tex

_LINE_CHARS = 200
_PRE = (
    ' style="white-space:pre-wrap;overflow-wrap:anywhere;margin:.25em '
    '0;background:none;color:inherit"'
)
_REMOVED = '<del style="background:rgba(214,69,69,.18);color:inherit">{}</del>'
_ADDED = (
    '<ins style="background:rgba(46,150,80,.2);color:inherit;text-decoration:underline;'
    'margin-left:.15em">{}</ins>'
)
_MARKUP = {"-": _REMOVED, "removed": _REMOVED, "+": _ADDED, "added": _ADDED}
_SIDES = {"before": _REMOVED, "after": _ADDED}
_CELL = ' style="text-align:right;padding:.1em .7em;white-space:nowrap"'
_ROW = ' style="background:none"'
_SCROLL = ' style="overflow-x:auto;margin:.25em 0"'


def replaced_texts(diff: Props) -> tuple[str, str] | None:
    """Return both texts of a difference in which the one stands in place of the other; None for any
    other difference.
    """
    if diff.get("kind") != "text":
        return None
    pieces = list(_pieces(diff))
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
            pieces = [_piece(mark, text[:max_chars], more) for mark, text, more in _pieces(diff)]
            if is_prose:
                return f"<div{_PRE}>{''.join(pieces)}</div>\n"
            return f"<pre{_PRE}>{''.join(pieces)}</pre>\n"
        case "json":
            changes = [_change(change, max_chars) for change in records_of(diff, "changes")]
            return f"<div{_PRE}>{''.join(changes)}{_more(diff)}</div>\n"
        case "table":
            return f"<div{_SCROLL}>{_table(diff)}</div>{_more(diff)}\n"
        case "value":
            return f"<div{_PRE}>{_changed(diff, max_chars)}</div>\n"
    return ""


def difference_lines(diff: Props) -> list[str]:
    """Return a difference as lines of text: `rate: 11.2 → 11.5`."""
    match diff.get("kind"):
        case "text":
            return list(_text_lines(diff))
        case "json":
            return [*map(_change_line, records_of(diff, "changes")), *_more_lines(diff)]
        case "table":
            return [*_table_lines(diff), *_more_lines(diff)]
        case "value":
            return [f"{_line(text_of(diff, 'before'))} → {_line(text_of(diff, 'after'))}"]
    return []


def _text_lines(diff: Props) -> Iterator[str]:
    for mark, text, _ in _pieces(diff):
        if mark != "=" and text.strip():
            yield f"{mark} {_line(text)}"


def _pieces(diff: Props) -> Iterator[tuple[str, str, int]]:
    """Yield the mark of each piece, its text, and how many characters of it are left out."""
    for piece in items_of(diff, "pieces"):
        mark, text, more = (*piece, 0)[:3]
        if not isinstance(more, int):
            more = 0
        yield str(mark), str(text), more


def _left_out(chars: int) -> str:
    if not chars:
        return ""
    return f" … {chars:,} more characters"


def _piece(mark: str, text: str, more: int) -> str:
    shown = _shown(text)
    if mark not in _MARKUP:
        return shown
    return _MARKUP[mark].format(shown + _left_out(more))


def _change(change: Props, max_chars: int) -> str:
    changed = _changed(change, max_chars)
    path = text_of(change, "path")
    if path:
        changed = f"<strong>{_shown(path)}</strong> {changed}"
    return f"<div>{changed}</div>"


def _changed(change: Props, max_chars: int) -> str:
    sides = [
        markup.format(_shown(str(change[side])[:max_chars]))
        for side, markup in _SIDES.items()
        if side in change
    ]
    return " → ".join(sides)


def _change_line(change: Props) -> str:
    path = text_of(change, "path")
    before, after = _line(text_of(change, "before")), _line(text_of(change, "after"))
    if "before" not in change:
        return f"{path} added: {after}"
    if "after" not in change:
        return f"{path} removed: {before}"
    changed = f"{before} → {after}"
    if not path:
        return changed
    return f"{path}: {changed}"


def _table(diff: Props) -> str:
    columns = records_of(diff, "columns")
    head = "".join(f"<th{_CELL}>{_marked(_column(column), column)}</th>" for column in columns)
    rows = "".join(map(_row, records_of(diff, "rows")))
    return (
        '<table style="border-collapse:collapse;font-size:.95em;color:inherit">'
        f"<tr{_ROW}><th></th>{head}</tr>{rows}</table>"
    )


def _row(row: Props) -> str:
    label = f"<th{_CELL}>{_marked(text_of(row, 'label'), row)}</th>"
    cells = "".join(f"<td{_CELL}>{_cell(cell, row)}</td>" for cell in items_of(row, "cells"))
    return f"<tr{_ROW}>{label}{cells}</tr>"


def _column(column: Props) -> str:
    name, types = text_of(column, "name"), column.get("types")
    if not isinstance(types, list):
        return name
    return f"{name} ({' → '.join(map(str, types))})"


def _is_changed(cell: Any) -> bool:
    """Return True if a cell is a pair: the value before, and the one after."""
    return isinstance(cell, list) and len(cell) == 2


def _cell(cell: Any, row: Props) -> str:
    if _is_changed(cell):
        return _changed({"before": cell[0], "after": cell[1]}, _LINE_CHARS)
    if cell is None:
        return ""
    return _marked(str(cell), row)


def _marked(text: str, of: Props) -> str:
    return _MARKUP.get(text_of(of, "change"), "{}").format(_shown(text))


def _table_lines(diff: Props) -> Iterator[str]:
    columns = [text_of(column, "name") for column in records_of(diff, "columns")]
    for row in records_of(diff, "rows"):
        label, change = text_of(row, "label"), text_of(row, "change")
        named = list(zip(columns, items_of(row, "cells"), strict=False))
        if change:
            values = ", ".join(f"{name}={cell}" for name, cell in named if cell is not None)
            yield f"row {label} {change}: {values}"
        for name, cell in named:
            if _is_changed(cell):
                yield f"row {label}, {name}: {cell[0]} → {cell[1]}"


def _more_lines(diff: Props) -> list[str]:
    """Return a line for each kind of part that the difference leaves out."""
    changes = len(records_of(diff, "changes"))
    more = {
        "changes": count_of(diff, "count") - changes,
        "rows": count_of(diff, "more_rows"),
        "columns": count_of(diff, "more_columns"),
    }
    return [f"… {number:,} more {name}" for name, number in more.items() if number > 0]


def _more(diff: Props) -> str:
    return "".join(f"<div><small>{line}</small></div>" for line in _more_lines(diff))


def _shown(text: str) -> str:
    """Return a text as HTML."""
    return without_tex(escape(text))


def _line(text: str) -> str:
    return one_line(text, _LINE_CHARS)
