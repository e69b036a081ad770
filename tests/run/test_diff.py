"""Differences of two values: every change is found, and nothing is said of what is the same."""

import importlib
from typing import Any

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given

from nbagent.mime.text import MASK
from nbagent.run.diff import difference, headline
from nbagent.run.diff.json import MAX_CHANGES, json_difference
from nbagent.run.diff.tables import MAX_COLUMNS, MAX_ROWS
from nbagent.run.diff.texts import text_difference

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text("ab", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("xyz", min_size=1, max_size=2), inner, max_size=4)
    ),
    max_leaves=12,
)
texts = st.lists(st.sampled_from(["one", " ", "two", "\n", "three", ", "]), max_size=40).map(
    "".join
)


@given(json_values)
def test_a_value_does_not_differ_from_itself_or_its_copy(value: Any) -> None:
    import copy

    assert difference(value, value) == {"kind": "same"}
    changes, count = json_difference(value, copy.deepcopy(value))
    assert (changes, count) == ([], 0)


@given(texts, texts)
def test_the_pieces_of_two_short_texts_are_both_texts(before: str, after: str) -> None:
    pieces = text_difference(before, after)
    if all(len(piece) == 2 for piece in pieces):
        assert "".join(text for mark, text in pieces if mark in "=-") == before
        assert "".join(text for mark, text in pieces if mark in "=+") == after
    assert (before == after) == all(mark == "=" for mark, *_ in pieces)


@pytest.mark.parametrize(
    ("before", "after", "marks"),
    [
        ("It is 11.2 now.", "It is 11.5 now.", "=-+="),
        ("Revenue grew in the west.", "I could not load the data.", "-+"),
        ("a b c d", "e f g h", "-+"),
        ("", "new", "+"),
    ],
)
def test_texts_that_have_little_in_common_are_two_pieces(
    before: str, after: str, marks: str
) -> None:
    assert "".join(mark for mark, *_ in text_difference(before, after)) == marks


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2)),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2)),
)
def test_every_key_that_differs_is_listed(before: dict[str, int], after: dict[str, int]) -> None:
    changes, count = json_difference(before, after)
    differing = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert {change["path"] for change in changes} == differing
    assert count == len(differing)
    for change in changes:
        assert change.get("before") == (
            str(before[change["path"]]) if change["path"] in before else None
        )
        assert change.get("after") == (
            str(after[change["path"]]) if change["path"] in after else None
        )


cells = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=MAX_ROWS)


@given(cells, st.data())
def test_every_cell_that_differs_is_marked(
    rows: list[tuple[int, int]], data: st.DataObject
) -> None:
    others = [data.draw(st.tuples(st.integers(0, 1), st.integers(0, 1))) for _ in rows]
    before, after = (pd.DataFrame(each, columns=["a", "b"]) for each in (rows, others))
    differing = {
        (str(at), name)
        for at in range(len(rows))
        for name in "ab"
        if before[name][at] != after[name][at]
    }
    diff = difference(before, after)
    marked = {
        (row["label"], column["name"])
        for row in diff.get("rows", ())
        for column, cell in zip(diff["columns"], row["cells"], strict=True)
        if isinstance(cell, list)
    }
    assert marked == differing
    assert diff.get("changed", 0) == len(differing)


# The libraries take 340 MB: `make proof` installs them.
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("pandas", "DataFrame"),
        pytest.param("polars", "DataFrame", marks=pytest.mark.proof),
        pytest.param("pyarrow", "table", marks=pytest.mark.proof),
    ],
)
def test_a_table_of_any_library_is_compared_by_cell(module: str, name: str) -> None:
    library = getattr(importlib.import_module(module), name)
    same = difference(library({"a": [1, None]}), library({"a": [1, None]}))
    assert same == {"kind": "same"}
    before = library({"region": ["north", "south"], "sales": [412, 388]})
    after = library({"region": ["north", "south"], "sales": [412, 401]})
    diff = difference(before, after)
    assert diff["rows"] == [{"label": "1", "cells": ["south", ["388", "401"]]}]
    assert headline(diff) == "1 cell differs"


def test_rows_with_labels_are_paired_by_them_and_others_by_what_agrees_at_both_ends() -> None:
    before = pd.DataFrame({"x": [1, 2, 3]}, index=["a", "b", "c"])
    after = pd.DataFrame({"x": [3, 9, 1]}, index=["c", "d", "a"])
    labelled = difference(before, after)
    assert [(row["label"], row.get("change")) for row in labelled["rows"]] == [
        ("d", "added"),
        ("b", "removed"),
    ]
    assert headline(labelled) == "1 row added, 1 row removed"
    inserted = difference(pd.DataFrame({"x": [1, 2, 3]}), pd.DataFrame({"x": [1, 7, 2, 3]}))
    assert inserted["rows"] == [{"label": "1", "change": "added", "cells": ["7"]}]


def test_columns_that_come_go_or_change_their_type_are_named() -> None:
    diff = difference(pd.DataFrame({"a": [1], "b": [1]}), pd.DataFrame({"a": [1.0], "c": [1]}))
    assert diff["columns"] == [
        {"name": "a", "types": ["int64", "float64"]},
        {"name": "c", "change": "added"},
        {"name": "b", "change": "removed"},
    ]
    assert headline(diff) == "1 column added, 1 column removed, 1 column of another type"


def test_a_long_table_lists_the_first_rows_and_counts_the_rest() -> None:
    before, after = pd.DataFrame({"x": range(1000)}), pd.DataFrame({"x": range(1, 1001)})
    diff = difference(before, after)
    assert (len(diff["rows"]), diff["more_rows"], diff["changed"]) == (
        MAX_ROWS,
        1000 - MAX_ROWS,
        1000,
    )
    wide = difference(
        pd.DataFrame({str(n): [0] for n in range(50)}),
        pd.DataFrame({str(n): [int(n == 49)] for n in range(50)}),
    )
    assert (len(wide["columns"]), wide["more_columns"]) == (MAX_COLUMNS, 50 - MAX_COLUMNS)
    assert wide["rows"][0]["cells"][-1] == ["0", "1"]


def test_a_table_of_many_rows_says_how_far_it_was_compared() -> None:
    before, after = pd.DataFrame({"x": [0] * 600_000}), pd.DataFrame({"x": [0] * 599_999 + [1]})
    assert headline(difference(before, after)) == "no difference in the first 500,000 rows"


def test_a_hundred_megabytes_are_compared_without_quadratic_work() -> None:
    text = "the quick brown fox " * 5_000_000
    diff = difference(text, text[:40_000_000] + "lazy " + text[40_000_000:])
    assert diff["kind"] == "text"
    changed = [
        piece
        for piece in difference(text[:1000], f"{text[:500]}lazy {text[500:1000]}")["pieces"]
        if piece[0] != "="
    ]
    assert changed == [["+", "lazy "]]
    words = difference(" ".join(map(str, range(100_000))), " ".join(map(str, range(7, 100_007))))
    assert sum(len(piece[1]) for piece in words["pieces"]) < 20_000


def test_json_changes_beyond_the_cap_are_counted() -> None:
    changes, count = json_difference(list(range(1000)), list(range(1, 1001)))
    assert (len(changes), count) == (MAX_CHANGES, 1000)


def test_an_item_that_was_inserted_is_the_only_change() -> None:
    changes, _ = json_difference({"a": [1, 2, 3]}, {"a": [1, 9, 2, 3]})
    assert changes == [{"path": "a[1]", "after": "9"}]


def test_what_holds_itself_is_compared_too() -> None:
    knot: dict[str, Any] = {"n": 1}
    knot["self"] = knot
    other: dict[str, Any] = {"n": 2}
    other["self"] = other
    changes, _ = json_difference(knot, other)
    assert changes[0] == {"path": "n", "before": "1", "after": "2"}


def test_objects_are_compared_by_their_fields_and_tables_within_json_as_wholes() -> None:
    from dataclasses import dataclass

    @dataclass
    class Rate:
        year: int
        value: float

    assert difference(Rate(2024, 1.5), Rate(2024, 2.5))["changes"] == [
        {"path": "value", "before": "1.5", "after": "2.5"}
    ]
    assert difference({"t": pd.DataFrame({"x": [1]})}, {"t": pd.DataFrame({"x": [1]})}) == {
        "kind": "same"
    }
    assert (
        difference({"t": pd.DataFrame({"x": [1]})}, {"t": pd.DataFrame({"x": [2]})})["count"] == 1
    )


def test_values_of_different_types_are_shown_in_a_line_each() -> None:
    assert difference(1, "one") == {"kind": "value", "before": "1", "after": "'one'"}
    assert difference(True, 1)["kind"] == "value"
    assert difference(float("nan"), float("nan")) == {"kind": "same"}


def test_a_secret_is_masked_before_a_text_is_cut_into_words() -> None:
    token = MASK.set(lambda text: text.replace("sk-one two", "•" * 10))
    try:
        diff = difference("key sk-one two end", "key sk-one two END")
    finally:
        MASK.reset(token)
    assert "sk" not in str(diff)
