"""Variables of the notebook in a prompt."""

import pandas as pd
import pytest
from PIL import Image

from nbagent.agent.prompt_parts import Part
from nbagent.variables import filled


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("no braces", "no braces"),
        ("{name}, {name}", "Ada, Ada"),
        ("{rows}", "[1,2]"),
        ('{"json": {unknown}} and {not a name}', '{"json": {unknown}} and {not a name}'),
    ],
)
def test_a_name_in_braces_is_its_value_if_there_is_one(prompt: str, text: str) -> None:
    assert filled(prompt, {"name": "Ada", "rows": [1, 2]}) == text


def test_a_large_table_is_cut_and_says_so() -> None:
    text = filled("{table}", {"table": pd.DataFrame({"a": range(100_000)})})
    assert isinstance(text, str)
    assert len(text) <= 20_000


def test_a_picture_is_a_part_of_the_prompt_where_it_is_named() -> None:
    before, picture, after = list(filled("See {shot}!", {"shot": Image.new("RGB", (2, 2))}))
    assert (before, after) == ("See ", "!")
    assert isinstance(picture, Part)
    assert picture.media_type == "image/png"
