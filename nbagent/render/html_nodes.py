"""Nodes as HTML: what the blocks are drawn of that are complete at once."""

import re
from collections.abc import Sequence
from typing import assert_never

from nbagent.blocks.fields import Props
from nbagent.protocol import nodes as n
from nbagent.protocol.shared import IMAGE_TYPES, LABELS, LIMITS, fill
from nbagent.render.files import inlined
from nbagent.render.html_values import CODE, ValueWriter, fold, message, panel, paragraph
from nbagent.render.json_text import clip, compact
from nbagent.render.markup.markdown import link_html
from nbagent.render.markup.table import html_table
from nbagent.render.markup.text import escape_line, with_edges
from nbagent.render.markup.url import host_of, safe_url

LINE_CHARS = 2000
"""Characters of a line that are kept."""

MAX_NODES = 200
"""Nodes of a block that are kept."""

_LEVELS = {"warning": "⚠ ", "error": "✗ "}
_TASK_MARKS = {True: "✓ ", False: "○ ", None: ""}


def nodes_html(nodes: Sequence[n.Node], block: Props, values: ValueWriter) -> str:
    """Return the nodes of a block as HTML."""
    shown = "".join(_node_html(node, block, values) for node in nodes[:MAX_NODES])
    left_out = len(nodes) - MAX_NODES
    if left_out <= 0:
        return shown
    return shown + paragraph(f"… {left_out:,} more not kept in the notebook")


def _node_html(node: n.Node, block: Props, values: ValueWriter) -> str:
    match node:
        case n.Line():
            return paragraph(_TASK_MARKS[node.done] + "".join(map(_words_html, node.words)))
        case n.Notice():
            return paragraph(_LEVELS.get(node.level, "") + escape_line(node.text, LINE_CHARS))
        case n.Message():
            files = (_download_html(inlined(file), block, values) for file in node.files)
            return message(LABELS["prompted"]["you"], values.words(node.text) + "".join(files))
        case n.Link():
            return _link_html(node)
        case n.Download():
            return _download_html(node, block, values)
        case n.Failure():
            return _failure_html(node, block, values)
        case n.Data():
            return data_html(node.name, node.value, block, values)
        case n.Table():
            return html_table(node.heads, node.cells)
        case _:
            assert_never(node)


def data_html(name: str, value: object, block: Props, values: ValueWriter) -> str:
    """Return data in a panel with that name, which is closed unless the reader opened it. Its row
    begins the data.
    """
    row, body = name, ""
    if value is not None:
        row += " " + clip(compact(value), LIMITS["label_line_chars"])
        body = panel(values.json(value))
    row = f"<code{CODE}>{escape_line(row)}</code>"
    return fold(row, body, is_open=block.get("user_open") is True)


def _words_html(words: n.Words) -> str:
    shown = escape_line(words.text, LINE_CHARS)
    if words.strong:
        return f"<strong>{shown}</strong>"
    return with_edges(words.text, shown)


def _link_html(link: n.Link) -> str:
    url = safe_url(link.url)
    if url is None:
        return paragraph(escape_line(link.title or link.url or LABELS["other"]["source"]))
    host = escape_line(host_of(url))
    if not link.title:
        return paragraph(link_html(url, host))
    return paragraph(f"{link_html(url, escape_line(link.title))} ({host})")


def _download_html(file: n.Download, block: Props, values: ValueWriter) -> str:
    kind = file.media_type or "application/octet-stream"
    url = safe_url(file.url)
    data = re.sub(r"\s+", "", file.data)
    if data and kind in IMAGE_TYPES:
        return values.picture(kind, file.data, file.name or LABELS["other"]["picture"], block)
    name = file.name
    if not name:
        name = kind if url is None else fill(LABELS["other"]["file_at"], kind, host_of(url))
    label = escape_line(name)
    if data:
        missing = f"{label} ({len(data) * 3 // 4:,} bytes, not kept in the notebook)"
        return paragraph(values.data_link(data, file.name or "file", label, block) or missing)
    if url is None:
        return paragraph(label)
    return paragraph(link_html(url, label))


def _failure_html(failure: n.Failure, block: Props, values: ValueWriter) -> str:
    error = {
        "type": failure.type,
        "message": failure.message,
        "code": failure.code,
        "traceback": failure.traceback,
    }
    row = f"✗ <strong>{escape_line(failure.type or LABELS['error']['type'])}</strong>"
    is_open = block.get("user_open") is not False
    return fold(row, panel(values.error(error)), is_open=is_open)
