"""The forms of an answer: what the view takes for right is right here, and what it refuses is
refused here.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from agent.forms import CASES, FILE, rows

from nbagent.agent.tools.signature import Signature
from nbagent.errors import ToolError

FITS = [(function, text) for function, fits, _ in CASES for text in fits]
FAILS = [(function, text) for function, _, fails in CASES for text, _ in fails]


@pytest.mark.parametrize(("function", "text"), FITS)
def test_arguments_that_the_form_takes_are_taken(function: Callable[..., None], text: str) -> None:
    Signature(function, {}).bind(json.loads(text))


@pytest.mark.parametrize(("function", "text"), FAILS)
def test_arguments_that_the_form_refuses_are_refused(
    function: Callable[..., None], text: str
) -> None:
    with pytest.raises(ToolError):
        Signature(function, {}).bind(json.loads(text))


def test_the_file_that_the_views_tests_read_has_these_cases() -> None:
    def without_schema(row: dict[str, Any]) -> dict[str, Any]:
        # pydantic's versions differ in details
        return {
            **row,
            "schema": sorted(row["schema"]["properties"]),
        }

    assert [*map(without_schema, json.loads(FILE.read_text("utf-8")))] == [
        *map(without_schema, rows())
    ]
