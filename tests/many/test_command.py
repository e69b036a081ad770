"""`nbagent map`: questions of a file, answers to a file."""

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from nbagent.cli import main
from nbagent.errors import NbagentError
from nbagent.many.table_file import column_of, read_items
from nbagent.printable import printable

CONFIG = "agents:\n  helper:\n    model: demo\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a configuration and questions."""
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "questions.csv").write_text('\ufeffcity,answer\nOslo,yes\n"Rome, Italy",no\n')
    return tmp_path


def mapped(folder: Path, *arguments: str) -> int:
    """Run the command on the folder's files."""
    config, data = str(folder / "config.yaml"), str(folder / "questions.csv")
    return main(["map", config, data, "--agent", "helper", *arguments])


def test_answers_are_written_beside_their_questions(folder: Path) -> None:
    out = folder / "answers.csv"
    assert mapped(folder, "--template", "Where is {city}?", "--out", str(out)) == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["city"], row["item_answer"]) for row in rows] == [
        ("Oslo", "yes"),
        ("Rome, Italy", "no"),
    ]
    assert all(row["answer"] and row["status"] == "completed" for row in rows)


def test_answers_are_lines_of_json_by_default(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mapped(folder, "--column", "city", "--repeat", "2") == 0
    printed = capsys.readouterr()
    rows = [json.loads(line) for line in printed.out.splitlines()]
    assert [(row["item"], row["repeat"]) for row in rows] == [
        ("Oslo", 1),
        ("Oslo", 2),
        ("Rome, Italy", 1),
        ("Rome, Italy", 2),
    ]
    assert "4 / 4" in printed.err


def test_printed_json_has_the_same_values_without_characters_that_act_on_a_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "a\x1b\x9d52;c;aGk=\x9c\x7f\u202eb\U000e0041"
    data = folder / "questions.txt"
    data.write_text(hostile)
    assert main(["map", str(folder / "config.yaml"), str(data)]) == 0
    printed = capsys.readouterr().out
    assert printable(printed) == printed
    assert json.loads(printed)["item"] == hostile


def test_answers_go_to_parquet(folder: Path) -> None:
    pytest.importorskip("pyarrow")
    out = folder / "answers.parquet"
    assert mapped(folder, "--column", "city", "--out", str(out)) == 0
    assert pd.read_parquet(out)["item"].tolist() == ["Oslo", "Rome, Italy"]


def test_a_second_command_takes_the_rows_of_the_store(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--column", "city", "--store", str(folder / "day.db")]
    mapped(folder, *arguments)
    capsys.readouterr()
    assert mapped(folder, *arguments, "--dry") == 0
    assert "0 rows to run · 2 from the store" in capsys.readouterr().out
    mapped(folder, *arguments)
    assert "2 from the store" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "has several columns: 'city', 'answer'"),
        (["--column", "town"], "record 1 has no column 'town'; it has 'city', 'answer'"),
        (["--column", "city", "--out", "answers.xls"], "answers.xls is none of .csv"),
        (["--column", "city", "--out", "no/answers.csv"], "no is no folder"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    folder: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mapped(folder, *arguments) == 2
    assert message in capsys.readouterr().err


def test_items_are_read_of_each_format(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"q": 1}\n\n{"q": "two\u2028lines"}\n')
    (tmp_path / "a.txt").write_text("one\n\ntwo\n")
    assert column_of(read_items(tmp_path / "a.jsonl"), "q") == [1, "two\u2028lines"]
    assert read_items(tmp_path / "a.txt") == ["one", "two"]
    (tmp_path / "b.jsonl").write_text("{")
    with pytest.raises(NbagentError, match=r"b\.jsonl cannot be read as \.jsonl"):
        read_items(tmp_path / "b.jsonl")
