"""`nbagent.map` with functions and agents, on real servers."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from agent.server import Exchange, Server, chat, refuse

import nbagent
from nbagent.errors import NbagentError
from nbagent.many import pace
from nbagent.many.engine import MAX_REFUSALS
from nbagent.many.key import fingerprint_of
from nbagent.many.runs import Runs


def say(item: str) -> Iterator[str]:
    """Stream an item, unless it is bad."""
    yield f"{item}, "
    if item == "bad":
        raise ValueError("a bad item")
    yield "said"


def echo(exchange: Exchange) -> None:
    """Answer with the prompt."""
    exchange.begin()
    exchange.send(*chat(f"about {exchange.body['messages'][-1]['content']}"))
    exchange.end()


def done(*args: Any, **options: Any) -> Runs:
    """Return the rows of a map, when all have ended."""
    runs: Runs = nbagent.map(*args, **options)
    return runs.wait()


def test_each_item_is_a_row_under_its_own_label() -> None:
    frame = pd.DataFrame({"word": ["one", "two"]}, index=["a", "b"])
    table = frame.join(done(say, frame["word"]).df())
    assert table["answer"].to_dict() == {"a": "one, said", "b": "two, said"}
    assert set(table["status"]) == {"completed"}


def test_a_row_that_fails_leaves_the_others() -> None:
    runs = done(say, ["one", "bad", "two"])
    assert [run.status for run in runs] == ["completed", "failed", "completed"]
    assert runs.df()["error"][1] == "a bad item"
    assert runs[1].text == "bad, "
    assert len(runs.failed) == 1


def test_a_function_that_returns_no_stream_fails_its_row() -> None:
    runs = done(lambda item: say(item) if item else 7, ["one", ""])
    assert [row.status for row in runs.rows] == ["completed", "failed"]
    with pytest.raises(NbagentError, match="needs a stream"):
        runs[1]


def test_failed_rows_are_run_again_in_the_same_table() -> None:
    broken = {"two"}

    def sometimes(item: str) -> Iterator[str]:
        yield item
        if item in broken:
            raise ValueError("broken")

    runs = done(sometimes, ["one", "two"])
    assert runs.failed.df()["error"].tolist() == ["broken"]
    broken.clear()
    assert runs.failed.retry().wait() is runs
    assert (len(runs.failed), runs.totals.ended) == (0, 2)
    assert runs.df()["attempts"].tolist() == [1, 2]


def test_an_agent_is_asked_each_item() -> None:
    with Server(*[echo] * 3) as server:
        agent = nbagent.Agent("test-1", client=server.client(), api="chat")
        runs = done(agent, ["one", "two", float("nan")], concurrency=1)
    assert runs.df()["answer"].tolist() == ["about one", "about two", ""]
    assert runs.df()["error"][2] == "NbagentError: the prompt is missing (nan)"


def test_several_agents_are_columns_side_by_side() -> None:
    table = done({"loud": lambda item: [item.upper()], "plain": lambda item: [item]}, ["x"]).df()
    assert (table["loud"]["answer"][0], table["plain"]["answer"][0]) == ("X", "x")


def test_an_item_is_run_as_often_as_asked() -> None:
    runs = done(say, {"a": "one"}, repeat=2)
    assert runs.df().index.tolist() == [("a", 1), ("a", 2)]


def test_repetitions_tell_how_far_they_agree() -> None:
    answers = {"x": ["1", " 1", "2", "bad"], "y": ["1", "1", "1", "1"]}

    def say_next(item: str) -> Iterator[str]:
        yield answers[item].pop()
        if len(answers[item]) == 3 and item == "x":
            raise ValueError("no answer")

    runs = done(say_next, ["x", "y"], repeat=4, concurrency=1)
    assert runs.df()["agreement"].tolist() == [0.5] * 4 + [1.0] * 4
    assert runs.scores["agreement"].mean == 0.75


def test_a_dry_map_estimates_what_is_not_in_the_store(tmp_path: Path) -> None:
    store = tmp_path / "day.db"
    with Server(echo) as server:
        prices = {"input": 1_000_000, "output": 1_000_000}
        agent = nbagent.Agent("test-1", client=server.client(), api="chat", prices=prices)
        before = nbagent.map(agent, ["a" * 38, "b", None], store=store, dry=True)
        runs = done(agent, ["b"], store=store)
        after = nbagent.map(agent, ["a", "b", "c"], store=store, dry=True)
    assert (before.rows, before.output) == (3, None)
    assert before.input is not None
    assert before.cost == before.input
    spent = runs.rows[0].outcome
    assert spent is not None
    assert spent.input is not None
    assert (after.rows, after.restored, after.input) == (2, 1, 2 * spent.input)
    assert after.cost == pytest.approx(2 * (spent.cost or 0))


def test_a_dry_map_of_a_function_says_that_nothing_is_known() -> None:
    estimate = nbagent.map(say, ["a"], dry=True)
    assert "tokens unknown" in estimate.summary()


def test_checks_are_columns() -> None:
    async def length(item: str, run: Any) -> int:
        return len(run.answer)

    def fails(item: str, run: Any) -> bool:
        raise KeyError("no such key")

    runs = done(say, ["one", "three"], check=lambda item, run: item in run.text, scorers=[length])
    assert runs.df()[["check", "length"]].to_numpy().tolist() == [[True, 9], [True, 11]]
    assert len(runs.where(length=9)) == 1
    assert done(say, ["one"], scorers={"ok": fails}).notices == [
        "the check ok failed: KeyError: 'no such key'"
    ]


def test_a_batch_without_hope_ends() -> None:
    runs = done(say, ["bad"] * 40, stop_after=0.5, concurrency=1)
    assert runs.totals.ended == 10
    assert "10 of 10 rows failed" in runs.summary()
    assert [row.status for row in runs.rows[10:]] == ["waiting"] * 30


def test_no_row_begins_when_the_tokens_are_spent() -> None:
    with Server(*[chat("Hi.")] * 9) as server:
        agent = nbagent.Agent("test-1", client=server.client(), api="chat")
        runs = done(agent, ["a", "b", "c"], max_total_tokens=1, concurrency=1)
    assert [row.status for row in runs.rows] == ["completed", "waiting", "waiting"]
    assert "of max_total_tokens=1 are spent" in runs.summary()


def test_a_refusal_of_the_service_is_waited_out() -> None:
    refused = refuse(429, "slow down", headers=[("Retry-After", "0.05")])
    with Server(refused, *[echo] * 4) as server:
        agent = nbagent.Agent("test-1", client=server.client(max_retries=2), api="chat")
        runs = done(agent, ["a", "b"], concurrency=1)
    assert [row.status for row in runs.rows] == ["completed", "completed"]
    assert runs._gate.pace.refusals == 1


def test_a_function_whose_service_refuses_it_is_called_again() -> None:
    calls: list[str] = []

    def limited(item: str) -> Iterator[str]:
        calls.append(item)
        if len(calls) == 1:
            raise RateLimitError("429: too many requests")
        yield item

    assert done(limited, ["a"]).df()["attempts"].tolist() == [2]


class RateLimitError(Exception):
    """As SDKs name it."""


def test_a_row_that_is_run_again_is_begun_as_often_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []

    def limited(item: str) -> Any:
        calls.append(item)
        raise RateLimitError("429: too many requests")

    monkeypatch.setattr(pace, "MIN_PAUSE_S", 0.0)
    for rate in ("FIRST_RATE", "LOWEST_RATE"):
        monkeypatch.setattr(pace, rate, 1000.0)
    runs = done(limited, ["a"])
    first = len(calls)
    runs.failed.retry().wait()
    assert (first, len(calls)) == (MAX_REFUSALS, 2 * MAX_REFUSALS)
    assert runs.df()["attempts"].tolist() == [2 * MAX_REFUSALS]


def test_stop_ends_the_rows_and_begins_no_more() -> None:
    begun = threading.Event()

    async def endless(item: str) -> Any:
        yield item
        begun.set()
        await asyncio.Event().wait()

    runs = nbagent.map(endless, ["a", "b", "c"], concurrency=2)
    begun.wait(30)
    runs.cancel()
    runs.wait(30)
    assert [row.status for row in runs.rows][2] == "waiting"
    assert {row.status for row in runs.rows[:2]} <= {"cancelled", "waiting"}
    assert "stopped by you" in runs.summary()


# --- the store ---


def test_a_map_goes_on_where_the_store_ends(tmp_path: Path) -> None:
    calls: list[str] = []

    def counted(item: str) -> Iterator[str]:
        calls.append(item)
        yield from say(item)

    store = tmp_path / "day.db"
    first = done(counted, ["one", "bad"], store=store)
    again = done(counted, ["one", "bad", "two"], store=store)
    assert sorted(calls) == ["bad", "bad", "one", "two"]
    assert [row.is_restored for row in again.rows] == [True, False, False]
    restored = again[0]
    assert [type(event) for event in restored.events] == [type(event) for event in first[0].events]
    assert "1 from the store" in again.summary()


def test_a_check_that_is_new_is_made_of_rows_in_the_store(tmp_path: Path) -> None:
    store = tmp_path / "day.db"
    done(say, ["one"], store=store)
    runs = done(say, ["one"], store=store, check=lambda item, run: run.text == "one, said")
    assert (runs.rows[0].is_restored, runs.df()["check"].tolist()) == (True, [True])
    changed = done(say, ["one"], store=store, check=lambda item, run: len(run.text))
    assert changed.df()["check"].tolist() == [9]


def test_a_run_that_is_read_back_can_be_read_as_before(tmp_path: Path) -> None:
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    store = tmp_path / "day.db"
    with Server(
        chat(calls=[("c1", "add", '{"a": 1, "b": 2}')]), chat("It is 3.", number=2)
    ) as server:
        agent = nbagent.Agent("test-1", client=server.client(), api="chat", tools=[add])
        done(agent, ["go"], store=store)
        [run] = done(agent, ["go"], store=store)
    assert (run.answer, run.tools[0].name, run.tools[0].args) == (
        "It is 3.",
        "add",
        {"a": 1, "b": 2},
    )


@pytest.mark.parametrize("change", ["instructions", "tool", "model_settings", "version"])
def test_a_changed_agent_finds_no_stale_rows(change: str, tmp_path: Path) -> None:
    def add(a: int) -> int:
        """Add."""
        return a + 1

    def other_add(a: int) -> int:
        """Add."""
        return a + 2

    other_add.__name__ = "add"
    plain: dict[str, Any] = {"instructions": "Be brief.", "tools": [add]}
    changes: dict[str, dict[str, Any]] = {
        "instructions": {"instructions": "Be long."},
        "tool": {"tools": [other_add]},
        "model_settings": {"model_settings": {"temperature": 0}},
        "version": {},
    }
    with Server(*[echo] * 2) as server:
        client = server.client()
        first = nbagent.Agent("test-1", client=client, api="chat", **plain)
        second = nbagent.Agent("test-1", client=client, api="chat", **{**plain, **changes[change]})
        done(first, ["a"], store=tmp_path / "day.db")
        version = "2" if change == "version" else ""
        runs = done(second, ["a"], store=tmp_path / "day.db", version=version)
    assert not runs.rows[0].is_restored


def test_a_function_is_another_one_when_what_it_reads_is(tmp_path: Path) -> None:
    def keys(greeting: str, client: Any, instructions: str) -> str:
        agent = nbagent.Agent("test-1", instructions, client=client, api="chat")
        return fingerprint_of(lambda item: agent.stream(f"{greeting} {item}"), None, "")

    with Server() as server:
        client = server.client()
        made = [
            keys("Hello", client, "Be brief."),
            keys("Hello", client, "Be brief."),
            keys("Hi", client, "Be brief."),
            keys("Hello", client, "Be long."),
        ]
    assert made[0] == made[1]
    assert len(set(made)) == 3


KILLED = """
import os, sys, nbagent
store, ledger = sys.argv[1:]
def work(item):
    with open(ledger, "a") as file:
        file.write(f"{item}\\n")
    if item == 5:
        os._exit(9)
    yield str(item)
nbagent.map(work, range(10), store=store, concurrency=1).wait()
"""


def test_a_killed_process_repeats_no_finished_row(tmp_path: Path) -> None:
    store, ledger = tmp_path / "day.db", tmp_path / "ledger"
    script = tmp_path / "script.py"
    script.write_text(KILLED)
    command = [sys.executable, str(script), str(store), str(ledger)]
    assert subprocess.run(command, check=False).returncode == 9
    begun = ledger.read_text().split()
    assert begun == ["0", "1", "2", "3", "4", "5"]
    assert subprocess.run(command, check=False).returncode == 9
    assert ledger.read_text().split() == [*begun, "5"]


# --- results ---


def test_rows_are_written_as_lines_of_json(tmp_path: Path) -> None:
    done(say, {"x": "one"}).to_jsonl(tmp_path / "rows.jsonl")
    [line] = (tmp_path / "rows.jsonl").read_text().splitlines()
    assert json.loads(line)["label"] == "x"
    assert json.loads(line)["answer"] == "one, said"


def test_the_table_in_a_cell_escapes_what_the_rows_say() -> None:
    html = done(say, ["<script>alert(1)</script>"])._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concurrency": 0}, "concurrency must be"),
        ({"repeat": 0}, "repeat must be at least 1"),
        ({"stop_after": 3}, "share from 0 to 1"),
        ({"check": 7}, "a check is a function"),
    ],
)
def test_an_option_that_is_not_valid_is_named(options: Any, message: str) -> None:
    with pytest.raises(NbagentError, match=message):
        nbagent.map(say, ["a"], **options)


def test_what_is_neither_an_agent_nor_a_function_is_named() -> None:
    with pytest.raises(NbagentError, match="takes an agent, or a function"):
        nbagent.map("agent", ["a"])


def test_a_map_is_awaited_on_the_loop_of_its_function() -> None:
    async def main() -> list[str]:
        home = asyncio.get_running_loop()

        async def on_home(item: str) -> Any:
            assert asyncio.get_running_loop() is home
            yield item

        runs = await nbagent.map(on_home, ["a", "b"])
        return [run.text for run in runs]

    assert asyncio.run(main()) == ["a", "b"]
