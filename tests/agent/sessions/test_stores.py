"""Stores of conversations: the same rules for each."""

import os
import sqlite3
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from agent.conversations import turns
from hypothesis import given
from hypothesis import strategies as st
from preloaded import start

from nbagent.agent.model.input_items import FunctionCall, Item, Message
from nbagent.agent.sessions import sqlite_file
from nbagent.agent.sessions.memory_store import MemoryStore
from nbagent.agent.sessions.session import store_of
from nbagent.agent.sessions.sqlite_store import SqliteStore
from nbagent.agent.sessions.store import Allowed, Entry, Record, Store, Summary
from nbagent.errors import SessionError


@pytest.fixture(params=["memory", "sqlite", "sqlite without FTS5", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    if request.param == "memory":
        return MemoryStore()
    if request.param == "redis":
        return store_of(request.getfixturevalue("redis").url)
    if request.param == "sqlite without FTS5":
        monkeypatch.setattr(sqlite_file, "_has_index", lambda db: False)
    return SqliteStore(tmp_path / "chats.db")


def said(text: str, turn: str = "1", role: Any = "user") -> Record:
    return Record(turn, Message(role=role, content=text))


# --- sessions ---


def test_a_session_is_made_once_and_found_by_its_name(store: Store) -> None:
    first = store.open("sales")
    assert store.open("sales") == first
    assert store.open("other").id != first.id
    assert {info.name for info in store.sessions()} == {"sales", "other"}
    assert (store.find("sales"), store.find("none")) == (first, None)


def test_sessions_without_a_name_get_one(store: Store) -> None:
    assert [store.open(None).name for _ in range(2)] == ["chat 1", "chat 2"]
    store.delete(store.open("chat 1").id)
    assert store.open(None).name == "chat 1"


def test_records_come_back_in_order(store: Store) -> None:
    id = store.open("sales").id
    entries: list[Entry] = [
        Message(role="user", content=[{"type": "text", "text": "Hi \x00 𝄞"}]),
        FunctionCall(call_id="c", name="f", arguments="{}", item={"id": "fc"}),
        Summary(text="s", through="1"),
        Allowed(tools=("f",)),
    ]
    records = [Record(str(number // 2), entry) for number, entry in enumerate(entries)]
    store.append(id, records[:3])
    store.append(id, records[3:])
    assert store.read(id) == records


def test_a_list_tells_how_sessions_began_and_which_was_the_last(store: Store) -> None:
    old, new = store.open("old"), store.open("new")
    store.append(
        new.id,
        [said("ignored", role="system"), said("What\n  is it?"), said("it", role="assistant")],
    )
    store.append(new.id, [said("and then?", "2")])
    store.append(old.id, [said("x" * 1000)])
    (first, second) = store.sessions()
    assert (first.name, first.turns, first.begins) == ("old", 1, "x" * 100)
    assert (second.name, second.turns, second.begins) == ("new", 2, "What is it?")
    assert first.updated >= second.updated >= second.created


def test_a_session_is_renamed(store: Store) -> None:
    info = store.open("sales")
    store.open("taken")
    store.rename(info.id, "revenue")
    assert store.open("revenue").id == info.id
    with pytest.raises(SessionError, match="another session is named 'taken'; choose another name"):
        store.rename(info.id, "taken")
    store.rename(info.id, "revenue")  # its own name is not taken


def test_a_deleted_session_is_gone(store: Store) -> None:
    info = store.open("sales")
    store.append(info.id, [said("umbrella")])
    store.delete(info.id)
    assert store.sessions() == []
    assert store.search("umbrella", None, 5) == []
    for use in (
        lambda: store.read(info.id),
        lambda: store.append(info.id, [said("x")]),
        lambda: store.rename(info.id, "x"),
        lambda: store.delete(info.id),
        lambda: store.remember("x", info.id),
    ):
        with pytest.raises(SessionError, match="it was deleted"):
            use()
    assert store.open("sales").id != info.id


# --- search ---


def test_messages_and_facts_are_found_by_their_words(store: Store) -> None:
    sales, other = store.open("sales"), store.open("other")
    store.append(sales.id, [said("We sold 40 Umbrellas in Oslo"), said("Thanks", role="assistant")])
    store.append(other.id, [said("An umbrella is for rain")])
    store.remember("The user likes umbrellas", None)

    assert [found.text for found in store.search("oslo umbrella", sales.id, 5)] == [
        "We sold 40 Umbrellas in Oslo"
    ]
    (best, *others) = store.search("oslo umbrella", None, 5)
    assert (best.text, best.session) == ("We sold 40 Umbrellas in Oslo", "sales")
    assert {found.session for found in others} == {"other", None}
    assert len(store.search("umbrella", None, 2)) == 2


@pytest.mark.parametrize(
    "query", ["", "?!", '"', "a AND", "NEAR(", "col:x", "*", "^x", "-", "it's", "x\x00y"]
)
def test_any_text_is_a_query(store: Store, query: str) -> None:
    store.append(store.open("sales").id, [said("other words")])
    assert store.search(query, None, 5) == []


# --- SQLite ---


@given(st.lists(turns(), max_size=4))
def test_a_file_keeps_what_memory_keeps(
    tmp_path_factory: pytest.TempPathFactory, conversation: list[list[Item]]
) -> None:
    memory, file = MemoryStore(), SqliteStore(tmp_path_factory.mktemp("store") / "chats.db")
    for store in (memory, file):
        id = store.open("s").id
        for number, items in enumerate(conversation):
            store.append(id, [Record(str(number), item) for item in items])
    assert file.read(file.open("s").id) == memory.read(memory.open("s").id)
    assert [info.begins for info in file.sessions()] == [info.begins for info in memory.sessions()]


def test_the_file_is_its_owners(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "chats.db")
    assert stat.S_IMODE((tmp_path / "chats.db").stat().st_mode) == 0o600


def test_what_is_deleted_leaves_the_file(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "chats.db")
    info = store.open("sales")
    store.append(info.id, [said("a very confidential umbrella")])
    store.delete(info.id)
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"confidential" not in left


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b"not a database" * 100), "is not an SQLite file"),
        (
            lambda path: sqlite3.connect(path).execute("CREATE TABLE t (x)"),
            "is a database of another application",
        ),
        (
            lambda path: newer(path),
            "has version 99 of the format, this nbagent reads 1; update nbagent",
        ),
        (lambda path: path.mkdir(), "unable to open database file"),
    ],
    ids=["no database", "foreign", "newer", "folder"],
)
def test_another_file_is_refused_and_left_alone(tmp_path: Path, make: Any, message: str) -> None:
    path = tmp_path / "chats.db"
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(SessionError, match=message) as caught:
        SqliteStore(path)
    assert str(path) in str(caught.value)
    assert (path.read_bytes() if path.is_file() else b"") == before


def newer(path: Path) -> None:
    SqliteStore(path)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match=r"missing/chats\.db: unable to open database file"):
        SqliteStore(tmp_path / "missing/chats.db")


def test_an_index_learns_what_was_added_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_file, "_has_index", lambda db: False)
        without = SqliteStore(tmp_path / "chats.db")
        without.append(without.open("sales").id, [said("an umbrella")])
    assert [
        found.text for found in SqliteStore(tmp_path / "chats.db").search("umbrella", None, 5)
    ] == ["an umbrella"]


def test_threads_lose_nothing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "chats.db")
    id = store.open("sales").id

    def write(number: int) -> None:
        for turn in range(20):
            store.append(id, [said(f"{number}.{turn}")])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(texts(store, id)) == sorted(
        f"{number}.{turn}" for number in range(4) for turn in range(20)
    )


WRITER = """
import sys
from nbagent.agent.model.input_items import Message
from nbagent.agent.sessions.sqlite_store import SqliteStore
from nbagent.agent.sessions.store import Record

path, name = sys.argv[1:]
store = SqliteStore(path)
id = store.open("sales").id
for turn in range(50):
    store.append(id, [Record(name, Message(role="user", content=f"{name}.{turn}"))])
"""


def test_processes_that_begin_with_no_file_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    names = ["a", "b", "c"]
    writers = [start("-c", WRITER, str(path), name) for name in names]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    store = SqliteStore(path)
    (info,) = store.sessions()
    assert info.turns == 3
    for name in names:
        own = [text for text in texts(store, info.id) if text.startswith(name)]
        assert own == [f"{name}.{turn}" for turn in range(50)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_opens_the_file_anew(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "chats.db")
    id = store.open("sales").id
    child = os.fork()
    if child == 0:
        try:
            store.append(id, [said("child")])
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    store.append(id, [said("parent")])
    assert texts(store, id) == ["child", "parent"]


def texts(store: Store, id: str) -> list[Any]:
    return [record.entry.content for record in store.read(id) if isinstance(record.entry, Message)]


# --- a file that others touch ---


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be deleted there")
@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_was_deleted_takes_nothing_more_and_says_so(
    replaced: bool, tmp_path: Path
) -> None:
    path = tmp_path / "chats.db"
    store = SqliteStore(path)
    id = store.open("sales").id
    store.append(id, [said("first")])
    path.unlink()
    if replaced:
        path.write_bytes(b"")

    with pytest.raises(SessionError, match=r"chats\.db was deleted or replaced while it was used"):
        store.append(id, [said("second")])
    assert store.read(id) == [said("first")]

    again = store.open("sales")  # a new file
    store.append(again.id, [said("third")])
    assert SqliteStore(path).read(again.id) == [said("third")]
    with pytest.raises(SessionError, match="it was deleted"):
        store.append(id, [said("second")])


def test_a_session_of_a_locked_file_is_opened_if_it_exists_and_else_not_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "OPEN_TIMEOUT_S", 0.01)
    store = SqliteStore(tmp_path / "chats.db")
    sales = store.open("sales")
    other = sqlite3.connect(tmp_path / "chats.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    assert store.open("sales") == sales
    for opened in (lambda: store.open("new"), lambda: SqliteStore(tmp_path / "chats.db")):
        with pytest.raises(
            SessionError, match="database is locked; another process holds it for writing"
        ):
            opened()
    other.close()
    assert store.open("new").name == "new"
