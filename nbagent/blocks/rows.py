"""`rows`: the table of a map, of which each row is a run."""

import msgspec
from msgspec import UNSET, UnsetType

from nbagent.blocks.fields import Props, items_of, text_of, texts_of
from nbagent.blocks.kind import WholeKind
from nbagent.protocol.blocks import BlockProps
from nbagent.protocol.nodes import Line, Node, Notice, Table, Words
from nbagent.protocol.parts import Envelope

HEADS = ["", "item", "answer", "status", "seconds"]
"""Columns of the cells."""


class Rows(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="rows"):
    """The rows of a map as they are now.

    The same `id` again replaces them. `summary`: their state in one line. `notices`: faults beside
    the rows themselves. `cells`: of the first rows and of those that failed, under `HEADS`.
    `total`: number of rows in all.
    """

    id: str
    summary: str
    notices: list[str]
    cells: list[list[str]]
    total: int


class OpenRow(msgspec.Struct):
    """The row of a map whose run is shown beneath it.

    Attributes:
        row: its number, from 0.
        view: DOM key of the view of its run; empty if there is none.
        problem: why there is none; empty if there is one, or while it is made.
    """

    row: int
    view: str = ""
    problem: str = ""


class RowsProps(BlockProps, tag="rows"):
    """The table of a map, whose rows the view reads page by page.

    Attributes:
        summary: state of the map in one line.
        notices: faults beside the rows themselves.
        cells: texts of the first rows and of those that failed.
        total: number of rows.
        ended: rows that have ended.
        failed: rows that have ended without an answer.
        tools_failed: rows with calls of tools that failed; they may have an answer.
        asking: rows that wait for the reader.
        is_live: true while rows go on or wait for their turn.
        is_paused: true while no more rows begin, because the reader wants it.
        version: number that grows whenever a row has changed.
        scores: names of the checks.
        label_chars: length of the longest label.
        is_grouped: true if items have several rows: of several agents, or of repetitions.
        tools: number of rows that have called a tool, by its name.
        figures: of `tokens` and `cost`, those that are known of a row.
        open: the row whose run is shown; null if there is none.
    """

    summary: str | UnsetType = UNSET
    notices: list[str] | UnsetType = UNSET
    cells: list[list[str]] | UnsetType = UNSET
    total: int | UnsetType = UNSET
    ended: int | UnsetType = UNSET
    failed: int | UnsetType = UNSET
    tools_failed: int | UnsetType = UNSET
    asking: int | UnsetType = UNSET
    is_live: bool | UnsetType = UNSET
    is_paused: bool | UnsetType = UNSET
    version: int | UnsetType = UNSET
    scores: list[str] | UnsetType = UNSET
    label_chars: int | UnsetType = UNSET
    is_grouped: bool | UnsetType = UNSET
    tools: dict[str, int] | UnsetType = UNSET
    figures: list[str] | UnsetType = UNSET
    open: OpenRow | UnsetType | None = UNSET


def _draw(rows: Props) -> list[Node]:
    cells = [texts_of({"row": row}, "row") for row in items_of(rows, "cells")]
    nodes: list[Node] = [Line([Words(text_of(rows, "summary"), strong=True)])]
    nodes += [Notice(notice, "warning") for notice in texts_of(rows, "notices")]
    nodes.append(Table(HEADS, cells))
    total = rows.get("total")
    if isinstance(total, int) and total > len(cells):
        nodes.append(Line([Words(f"… and {total - len(cells):,} more rows")]))
    return nodes


ROWS = WholeKind(
    event=Rows,
    props=RowsProps,
    draws=_draw,
    shown_from="answer",
    has_component=True,
    loss="the table of a map",
    is_answer=False,
)
