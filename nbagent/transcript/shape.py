"""Shapes of results and arguments.

A reader looks at pictures and tables, reads other results on demand, and finds what is short in the
call's row.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from nbagent.mime.summary import is_whole
from nbagent.protocol.shared import LIMITS

_TEXTS = {"application/json", "text/plain"}
_PICTURES_IN_HTML = re.compile(r"<(?:img|svg|iframe|canvas)\b", re.IGNORECASE)
_TABLES_IN_HTML = re.compile(r"<table\b", re.IGNORECASE)


Shape: TypeAlias = Literal["picture", "table"]
"""Shape of a result that a reader looks at."""


def shape_of(bundle: Mapping[str, Any]) -> Shape | None:
    """Return the shape of a MIME bundle.

    Args:
        bundle: representations of one value; see `nbagent.protocol.values.MimeBundle`.

    Returns:
        `"picture"` for an image or a chart, also within HTML; `"table"` for HTML with a table; else
        None.
    """
    # A type that is neither a text nor JSON is an image, or the data of a chart such as
    # `application/vnd.vegalite.v5+json`.
    drawn = {mime for mime, value in bundle.items() if value is not None} - {"application/json"}
    if not all(mime.startswith("text/") for mime in drawn):
        return "picture"
    html = bundle.get("text/html")
    if isinstance(html, list):  # notebooks hold a text as its lines
        html = "".join(line for line in html if isinstance(line, str))
    if not isinstance(html, str):
        return None
    if _PICTURES_IN_HTML.search(html):
        return "picture"
    if _TABLES_IN_HTML.search(html):
        return "table"
    return None


def are_short(args: Any) -> bool:
    """Return True if a call's row shows its arguments whole: each on one line, within the limits of
    the row's label.
    """
    if not isinstance(args, (dict, list)):
        return False
    values: Iterable[Any] = args
    if isinstance(args, dict):
        values = args.values()
    if len(args) > LIMITS["label_line_chars"] or not all(map(_is_short, values)):
        return False
    return len(msgspec.json.encode(args)) <= LIMITS["label_line_chars"]


def _is_short(value: Any) -> bool:
    most = LIMITS["label_value_chars"]
    if isinstance(value, str):
        return len(value) <= most and value.isprintable()
    if isinstance(value, (dict, list)) and len(value) > LIMITS["label_list_items"]:
        return False
    try:
        return len(msgspec.json.encode(value)) <= most
    except (ValueError, OverflowError, RecursionError):
        # Half of a surrogate pair, a number without end.
        return False


def is_told(summary: str, bundle: Mapping[str, Any]) -> bool:
    """Return True if a result's summary says all of it, so that nothing of its bundle is left to be
    shown.
    """
    return bundle.keys() <= _TEXTS and any(is_whole(summary, value) for value in bundle.values())
