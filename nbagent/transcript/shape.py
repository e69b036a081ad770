"""Shape of a result: a picture, a table, or anything else. Readers look at the first two; the others are read on demand."""

import re
from collections.abc import Mapping
from typing import Any, Literal

_PICTURES_IN_HTML = re.compile(r"<(?:img|svg|iframe|canvas)\b", re.IGNORECASE)
_TABLES_IN_HTML = re.compile(r"<table\b", re.IGNORECASE)


def shape_of(bundle: Mapping[str, Any]) -> Literal["picture", "table"] | None:
    """Return the shape of a MIME bundle.

    Args:
        bundle: representations of one value; see `nbagent.protocol.values.MimeBundle`.

    Returns:
        `"picture"` for an image or a chart, also within HTML; `"table"` for HTML with a table; else None.
    """
    # A type that is neither a text nor JSON is an image, or the data of a chart such as `application/vnd.vegalite.v5+json`.
    if any(not mime.startswith("text/") and mime != "application/json" for mime, value in bundle.items() if value is not None):
        return "picture"
    html = bundle.get("text/html")
    if isinstance(html, list):  # notebooks hold a text as its lines
        html = "".join(line for line in html if isinstance(line, str))
    if not isinstance(html, str):
        return None
    if _PICTURES_IN_HTML.search(html):
        return "picture"
    return "table" if _TABLES_IN_HTML.search(html) else None
