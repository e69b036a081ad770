"""Differences of two values: what was there before is deleted, what came is inserted."""

import re
from typing import Any

import pytest

from nbagent.render.differences import difference_html, difference_lines

CELLS = {
    "kind": "table",
    "columns": [
        {"name": "a"},
        {"name": "new", "change": "added"},
        {"name": "old", "change": "removed"},
    ],
    "rows": [
        {"label": "0", "cells": [["1", "2"], "x", "y"]},
        {"label": "1", "change": "added", "cells": ["3", "x", None]},
        {"label": "2", "change": "removed", "cells": ["4", None, "y"]},
    ],
}
JSON = {
    "kind": "json",
    "changes": [
        {"path": "a", "before": "1", "after": "2"},
        {"path": "gone", "before": "3"},
        {"path": "new", "after": "4"},
    ],
    "count": 3,
}
TEXT = {"kind": "text", "pieces": [["=", "one "], ["-", "old"], ["+", "new"]]}
VALUE = {"kind": "value", "before": "1", "after": "two"}


def marked(tag: str, html: str) -> list[str]:
    return re.findall(rf"<{tag}\b[^>]*>([^<]*)</{tag}>", html)


@pytest.mark.parametrize(
    ("diff", "deleted", "inserted"),
    [
        (TEXT, ["old"], ["new"]),
        (JSON, ["1", "3"], ["2", "4"]),
        (VALUE, ["1"], ["two"]),
        (CELLS, ["old", "1", "2", "4", "y"], ["new", "2", "1", "3", "x"]),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else None,
)
def test_what_was_before_is_deleted_and_what_came_is_inserted(
    diff: dict[str, Any], deleted: list[str], inserted: list[str]
) -> None:
    html = difference_html(diff)
    assert marked("del", html) == deleted
    assert marked("ins", html) == inserted


def test_the_lines_of_a_text_have_the_marks_of_a_diff() -> None:
    assert difference_lines(TEXT) == ["- old", "+ new"]
    assert difference_lines(JSON) == ["a: 1 → 2", "gone removed: 3", "new added: 4"]
