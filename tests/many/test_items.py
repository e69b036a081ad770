"""Items of a map: data in, labels and prompts out."""

from typing import Any

import pandas as pd
import pytest

from nbagent.errors import NbagentError
from nbagent.many.items import items_of

FRAME = pd.DataFrame({"product": ["tea", "salt"], "country": ["CH", "FR"]}, index=["a", "b"])


@pytest.mark.parametrize(
    ("data", "labels", "values"),
    [
        (["x", "y"], [0, 1], ["x", "y"]),
        (iter(["x"]), [0], ["x"]),
        ({"one": "x", "two": "y"}, ["one", "two"], ["x", "y"]),
        (FRAME["product"], ["a", "b"], ["tea", "salt"]),
        (pd.Series([1, 2], index=[7, 7]), [7, 7], [1, 2]),
        ([], [], []),
    ],
)
def test_items_have_the_labels_of_their_data(data: Any, labels: Any, values: Any) -> None:
    items = items_of(data)
    assert [item.label for item in items] == labels
    assert [item.prompt for item in items] == values


@pytest.mark.parametrize("data", [FRAME, FRAME.to_dict("records")])
def test_a_template_makes_the_prompts_of_rows(data: Any) -> None:
    items = items_of(data, "Is {product} from {country}?")
    assert [item.prompt for item in items] == ["Is tea from CH?", "Is salt from FR?"]
    assert items[0].value == {"product": "tea", "country": "CH"}


@pytest.mark.parametrize(
    ("data", "template", "message"),
    [
        ("one prompt", None, "takes a list of prompts"),
        (FRAME, None, "takes a template"),
        (FRAME, "{price}", "names 'price', which 'a' does not have; it has product, country"),
        (["x"], "{price}", "takes rows of a frame or records; 0 is a str"),
        (7, None, "got int"),
    ],
)
def test_data_that_makes_no_prompts_is_refused(data: Any, template: Any, message: str) -> None:
    with pytest.raises(NbagentError, match=message):
        items_of(data, template)
