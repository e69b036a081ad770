"""Items, functions and stores that are not as they should be: each is a state of its row, or a
notice, and the other rows go on.
"""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nbagent
from nbagent.errors import NbagentError
from nbagent.many import store as row_store
from nbagent.many.runs import Runs


def say(item: Any) -> Iterator[str]:
    """Stream the type of an item."""
    yield type(item).__name__


def done(*args: Any, **options: Any) -> Runs:
    """Return the rows of a map, when all have ended."""
    runs: Runs = nbagent.map(*args, **options)
    return runs.wait(60)


def damage(path: Path, statement: str) -> None:
    """Change a store that no map uses."""
    with sqlite3.connect(path) as database:
        database.execute(statement)
    database.close()


# --- items ---

ITEMS: list[Any] = [None, float("nan"), "twice", "twice", "x" * 10**7, {"a": float("inf")}]
ITEMS += [[1, 2], "\ud800", b"bytes", "", 10**400, {1: 2}]


def test_items_of_every_kind_are_rows_and_are_found_again_in_the_store(tmp_path: Path) -> None:
    store = tmp_path / "day.db"
    runs = done(say, ITEMS, store=store)
    assert [run.text for run in runs] == [type(item).__name__ for item in ITEMS]
    again = done(say, ITEMS, store=store)
    assert all(row.is_restored for row in again.rows)
    assert again.notices == []


# --- functions ---


def leave(item: str) -> Any:
    """Raise what ends a process."""
    sys.exit(item)


def hang(item: str) -> Iterator[str]:
    """Stream a text, and block."""
    yield item
    threading.Event().wait()


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (leave, "SystemExit: bad"),
        (lambda item: [][0] if item == "bad" else [item], "IndexError: list index out of range"),
        (lambda item: None if item == "bad" else [item], "UnknownSource: show() needs a stream"),
    ],
)
def test_a_function_that_gives_no_stream_fails_its_row(function: Any, error: str) -> None:
    runs = done(lambda item: function(item) if item == "bad" else [item], ["bad", "good"])
    assert [row.status for row in runs.rows] == ["failed", "completed"]
    assert runs.df()["error"][0].startswith(error)


def test_a_function_that_raises_a_credential_shows_none(tmp_path: Path) -> None:
    def refuse(item: str) -> Iterator[str]:
        raise ValueError("401: Authorization: Bearer abcdefghijklmnopqrst")

    runs = done(refuse, ["one"])
    runs.to_jsonl(tmp_path / "rows.jsonl")
    assert "abcdefgh" not in (tmp_path / "rows.jsonl").read_text() + runs.df().to_string()


def test_a_function_that_hangs_is_ended_by_its_timeout() -> None:
    runs = done(hang, ["a"], timeout=0.2)
    assert runs.df()["error"][0].startswith("It was not done after 0.2 s")
    assert runs.df()["answer"][0] == "a"


def half(item: str) -> list[str]:
    """Return an answer with half a character."""
    return ["a\ud800b"]


def test_an_answer_that_cannot_be_encoded_is_kept(tmp_path: Path) -> None:
    done(half, ["x"], store=tmp_path / "day.db")
    runs = done(half, ["x"], store=tmp_path / "day.db")
    assert (runs.rows[0].is_restored, len(runs[0].text)) == (True, 3)


# --- stores ---


@pytest.mark.parametrize("name", ["no database " * 100, ""])
def test_a_store_that_cannot_be_opened_is_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    if name:
        path.write_text(name)
    else:
        path.mkdir()
    with pytest.raises(NbagentError, match=r"notes\.db cannot be used"):
        nbagent.map(say, ["a"], store=path)


def test_rows_go_on_where_the_store_is_closed(tmp_path: Path) -> None:
    runs = done(say, ["a"], store=tmp_path / "day.db")
    runs._store.close()
    runs.run_again(runs.rows).wait()
    assert (runs[0].text, "rows are not kept" in runs.notices[0]) == ("str", True)


def test_rows_go_on_where_the_disk_is_full(tmp_path: Path) -> None:
    def long(item: str) -> Iterator[str]:
        yield item * length

    length = 1
    runs = done(long, ["ab"], store=tmp_path / "day.db", version="1")
    runs._store._db.execute("PRAGMA max_page_count = 1")  # SQLite takes the size of the file
    length = 10**5
    runs.run_again(runs.rows).wait(60)
    assert len(runs[0].text) == 2 * length
    assert runs.notices[0].startswith("rows are not kept")
    assert runs.notices[0].endswith("database or disk is full")


def test_rows_go_on_where_another_process_holds_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_store, "BUSY_TIMEOUT_S", 0.1)
    store = tmp_path / "day.db"
    runs = done(say, ["a"], store=store)
    holder = sqlite3.connect(store, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    runs.run_again(runs.rows).wait(60)
    holder.execute("ROLLBACK")
    holder.close()
    assert (runs[0].text, "database is locked" in runs.notices[0]) == ("str", True)
    assert runs.run_again(runs.rows).wait(60).rows[0].status == "completed"


def test_a_row_whose_events_are_damaged_keeps_its_answer(tmp_path: Path) -> None:
    store = tmp_path / "day.db"
    done(say, ["a", "b"], store=store)
    damage(store, "UPDATE map_row SET events = x'00'")
    runs = done(say, ["a", "b", "c"], store=store, check=lambda item, run: True)
    assert runs.df()["answer"].tolist() == ["str"] * 3
    assert runs.df()["check"].tolist()[2] is True
    assert "gets no checks" in runs.notices[0]
    with pytest.raises(NbagentError, match="cannot be used"):
        runs[0]


TWO_KERNELS = """
import sys, time, nbagent
def work(item):
    time.sleep(0.01)
    yield str(item)
runs = nbagent.map(work, range(40), store=sys.argv[1], concurrency=4).wait()
assert [run.text for run in runs] == [str(item) for item in range(40)], runs
assert not runs.notices, runs.notices
print(runs.totals.restored)
"""


def test_two_processes_share_a_store(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(TWO_KERNELS)
    command = [sys.executable, str(script), str(tmp_path / "day.db")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    for process in both:
        process.communicate()
    third = subprocess.run(command, capture_output=True, text=True, check=True)
    assert third.stdout.strip() == "40"
