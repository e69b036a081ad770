"""`{name}` in a prompt: variables of the notebook."""

import base64
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from nbagent.notebook.variables import MAX_VALUE_CHARS, filled


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Oslo", "Oslo"),
        (3, "3"),
        (None, "null"),
        ({"a": [1, 2.5, True]}, '{"a":[1,2.5,true]}'),
        (pd.DataFrame({"year": [2024]}), "   year\n0  2024"),
    ],
)
def test_a_name_in_braces_is_replaced_by_the_variables_value(value: Any, text: str) -> None:
    assert filled("What of {it}?", {"it": value}) == (f"What of {text}?", [])


@pytest.mark.parametrize(
    "prompt", ["{unknown}", '{"it": 1}', "{it!r}", "{ it }", "{}", "{{", "f'{it.upper()}'"]
)
def test_other_braces_stay_as_they_are_written(prompt: str) -> None:
    assert filled(prompt, {"it": "Oslo"}) == (prompt, [])


def test_a_value_is_not_searched_for_names() -> None:
    assert filled("{one} {two}", {"one": "{two}", "two": "2"}).text == "{two} 2"


def test_a_long_value_is_cut_with_a_note() -> None:
    text = filled("{it}", {"it": "x" * (MAX_VALUE_CHARS + 1234)}).text
    assert text == "x" * MAX_VALUE_CHARS + "… (1,234 more characters)"


def test_a_figure_is_put_beside_the_text_once() -> None:
    figure = Figure(figsize=(1, 1))
    text, pictures = filled("Compare {fig} with {fig}.", {"fig": figure})
    assert text == "Compare (picture fig) with (picture fig)."
    [picture] = pictures
    assert (picture["name"], picture["media_type"]) == ("fig.png", "image/png")
    assert base64.b64decode(picture["data"]).startswith(b"\x89PNG")
