"""Reading what a tool returned, whatever way it was written down."""

import json

import pytest

from nbagent.demo.results import Table, read

TABLE = Table(("region", "revenue"), (("West", 10), ("East", 20)))


@pytest.mark.parametrize(
    "text",
    [
        '[{"region": "West", "revenue": 10}, {"region": "East", "revenue": 20}]',
        "[{'region': 'West', 'revenue': 10}, {'region': 'East', 'revenue': 20}]",
        '{"columns": ["region", "revenue"], "index": [0, 1], "data": [["West", 10], ["East", 20]]}',
        '{"region": ["West", "East"], "revenue": [10, 20]}',
        '{"note": "all", "rows": [{"region": "West", "revenue": 10}, {"region": "East", "revenue": 20}]}',
        "region,revenue\nWest,10\nEast,20\n",
        "| region | revenue |\n|---|---:|\n| West | 10 |\n| East | 20 |",
        "  region  revenue\n0   West       10\n1   East       20",
    ],
)
def test_a_table_is_seen_in_any_notation(text: str) -> None:
    assert read(text).table == TABLE


def test_named_numbers_are_a_table() -> None:
    assert read('{"West": 10, "East": 20}').table == Table(("name", "value"), (("West", 10), ("East", 20)))


@pytest.mark.parametrize(
    "text", ["a  b\n1  2\n..  ..\n9  9", "Dear Anna,\nhow are you,\nfine, I hope, as ever", "", "one line", "x" * 300_000]
)
def test_text_is_not_taken_for_a_table(text: str) -> None:
    assert read(text).table is None
    assert read(text).error is None


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Error: ValueError: no such year", "ValueError: no such year"),
        ("ConnectionError: down", "ConnectionError: down"),
        ('{"error": "down"}', "down"),
        ('{"error": {"message": "down", "code": 7}}', "down"),
        ('{"is_error": true, "content": "down"}', "down"),
        ("Traceback (most recent call last):\n  File x\nKeyError: 'a'", "KeyError: 'a'"),
    ],
)
def test_an_error_is_seen_in_any_notation(text: str, error: str) -> None:
    assert (read(text).error, read(text).denied) == (error, False)


def test_a_denied_call_is_told_from_a_failed_one() -> None:
    assert read("The user denied this call.").denied
    assert not read("Error: ConnectionError: rates:443 refused the connection").denied
    assert read('{"error": "rejected by the user"}').denied


@pytest.mark.parametrize("value", [0, False, "", None, [], {}, 1.5, "no error here", {"error": None, "rows": 1}])
def test_a_falsy_or_harmless_result_is_a_result(value: object) -> None:
    result = read(json.dumps(value))
    assert result.error is None
    assert result.value == value


def test_nested_values_are_known_by_their_path() -> None:
    assert read('{"a": {"b": 1, "c": {"d": "x"}}, "e": null}').facts == {"a.b": 1, "a.c.d": "x", "e": None}


def test_years_and_ids_are_no_measures() -> None:
    table = read('[{"year": 2025, "customer_id": 7, "sales": 1.5, "open": true}]').table
    assert table is not None
    assert [table.columns[index] for index in table.measures()] == ["sales"]


def test_a_data_frame_told_by_its_first_rows_keeps_its_length() -> None:
    table = read('{"type": "DataFrame", "shape": [1000, 2], "rows": [{"a": 1, "b": 2}], "…": "999 more rows"}').table
    assert table is not None
    assert (table.columns, table.rows, table.length) == (("a", "b"), ((1, 2),), 1000)
