"""Tables of pandas: columns with words are read from the left, those of numbers stay at the
right.
"""

import re

import numpy as np
import pandas as pd
import pytest

from nbagent.mime import display_of
from nbagent.mime.table_html import with_words_left

FRAME = pd.DataFrame(
    {
        "region": ["north", None],
        "sold": [1234.5, np.nan],
        "day": pd.to_datetime(pd.Series(["2025-01-01", None])),
        "share": ["+12 %", "3e-05"],
        "stock": pd.array([1, None], "Int64"),
    }
)


def left(html: str) -> list[str]:
    """Return the texts of the cells that are read from the left."""
    return re.findall(r'<t[hd] style="text-align:left">([^<]*)<', html)


def test_a_column_that_holds_words_is_read_from_the_left_with_its_name() -> None:
    html = display_of(FRAME).data["text/html"]
    assert left(html) == ["region", "day", "north", "2025-01-01", "NaN", "NaT"]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(np.zeros((2, 2))),
        pd.DataFrame({("a", "b"): ["x"], ("a", "c"): ["y"]}),  # with spans
        pd.DataFrame(),
    ],
)
def test_a_table_of_numbers_or_with_spans_stays_as_it_is(frame: pd.DataFrame) -> None:
    html = frame.to_html()
    assert with_words_left(html) == html


def test_other_html_stays_as_it_is() -> None:
    for html in (
        "<table><tr><td>word</td></tr></table>",
        '<table class="dataframe"><tr><td><b>x</b></td></tr></table>',
        "x",
    ):
        assert with_words_left(html) == html
