"""The table of a map: what its run shows, and what its reader asks and does."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import nbagent
from nbagent.blocks.rows import ROWS
from nbagent.many.runs import Runs
from nbagent.many.table import BLOCK, Table
from nbagent.protocol.messages import SteerRows


def say(item: str) -> Iterator[str]:
    """Stream an item, unless it is bad."""
    yield f"{item}, "
    if item == "bad":
        raise ValueError("a bad item")
    yield "said"


def shown(runs: Runs) -> Table:
    """Return the table of a map, as a notebook shows it."""
    table = Table(runs, runs._engine, runs._gate, list(runs._engine._scorers), ())
    runs._progress._table = table
    table.run.start()
    return table


def asked(table: Table, **question: Any) -> dict[str, Any]:
    """Return the answer to a question about the rows."""
    page, size = table.run.page(f"rows/{json.dumps(question)}", 0, 60_000)
    assert len(page) == size
    answer: dict[str, Any] = json.loads(page)
    return answer


def numbers(table: Table, **question: Any) -> list[int]:
    return [row["row"] for row in asked(table, **question)["rows"]]


@pytest.fixture(scope="module")
def table() -> Table:
    """Return the table of a map that has ended."""
    items = ["pear", "bad", "apple", "fig"]
    return shown(nbagent.map(say, items, check=lambda _, run: len(run.text)).wait())


def props(table: Table) -> dict[str, Any]:
    return next(block for block in table.run.snapshot() if block["id"] == BLOCK)


def test_its_block_has_the_counts_and_the_checks(table: Table) -> None:
    block = props(table)
    assert (block["total"], block["ended"], block["failed"]) == (4, 4, 1)
    assert block["scores"] == ["check"]
    assert block["summary"].startswith("4 / 4 · 1 failed")


def test_a_row_has_what_the_columns_show(table: Table) -> None:
    first, bad = asked(table, rows=2)["rows"]
    assert first["answer"] == "pear, said"
    assert first["scores"] == [10]
    assert (bad["status"], bad["answer"]) == ("failed", "a bad item")


def test_a_page_begins_where_it_is_asked_to(table: Table) -> None:
    assert numbers(table, at=2, rows=1) == [2]
    assert asked(table, at=9)["rows"] == []


def test_rows_are_sorted_by_a_column_and_those_without_a_value_stand_last(table: Table) -> None:
    assert numbers(table, sort="item") == [2, 1, 3, 0]
    assert numbers(table, sort="scores/check") == [3, 0, 2, 1]
    assert numbers(table, sort="scores/check", down=True) == [2, 0, 3, 1]


def test_rows_are_filtered_and_searched(table: Table) -> None:
    assert numbers(table, filter="failed") == [1]
    assert numbers(table, text="APPLE") == [2]
    assert numbers(table, filter="tool", tool="search") == []
    assert len(numbers(table, filter="slow")) == 1


def test_items_and_labels_that_are_numbers_are_sorted_as_numbers() -> None:
    items = {10: 2.5, 9: 30, 2: float("nan")}
    table = shown(nbagent.map(lambda item: [str(item)], items).wait())
    assert numbers(table, sort="label") == [2, 1, 0]
    assert numbers(table, sort="item") == [0, 1, 2]


def test_rows_are_found_by_what_their_cells_show() -> None:
    table = shown(nbagent.map(say, ["**b** one", "# a", "`c` *two*"]).wait())
    assert [row["answer"] for row in asked(table)["rows"]] == [
        "b one, said",
        "a, said",
        "c two, said",
    ]
    assert numbers(table, sort="answer") == [1, 0, 2]
    assert numbers(table, text="b one") == [0]
    assert numbers(table, text="**b**") == [0]
    assert "| c two, said |" in table.run.to_markdown()


def test_a_row_with_an_answer_tells_the_calls_of_tools_that_failed() -> None:
    def look_up(number: int) -> int:
        """Look up a number."""
        return {1: 10}[number]

    agent = nbagent.Agent("demo", tools=[look_up])
    prompts = [f"Call look_up for number {number}" for number in (1, 2)]
    runs = nbagent.map(agent, prompts).wait()
    table = shown(runs)
    assert [row.get("tools_failed") for row in asked(table)["rows"]] == [None, 1]
    assert numbers(table, filter="tools_failed") == [1]
    assert numbers(table, filter="failed") == []
    assert numbers(table, sort="status", down=True) == [1, 0]
    assert (props(table)["tools_failed"], props(table)["tools"]) == (1, {"look_up": 2})
    assert runs.summary().startswith("2 / 2 · 1 with failed tools · ")
    assert "| completed, 1 tool call failed |" in table.run.to_markdown()
    runs.where(lambda row: row.tools_failed > 0).retry().wait()
    assert runs.totals.tools_failed == 1


def test_items_whose_rows_differ_are_found() -> None:
    numbers_said = {"x": ["1", "1", "2"], "y": ["3", "3", "3"]}

    def say_next(item: str) -> Iterator[str]:
        yield numbers_said[item].pop()

    is_two = {"is_two": lambda _, run: run.text == "2"}
    table = shown(nbagent.map(say_next, ["x", "y"], repeat=3, concurrency=1, scorers=is_two).wait())
    assert props(table)["is_grouped"]
    assert props(table)["label_chars"] == len("x (3)")
    assert numbers(table, filter="different_answers") == [0, 1, 2]
    assert numbers(table, filter="different_scores") == [0, 1, 2]


def test_rows_that_wait_for_the_reader_are_counted() -> None:
    @nbagent.tool(approve=True)
    def pay(amount: int) -> str:
        """Pay an amount."""
        return f"paid {amount}"

    agent = nbagent.Agent("demo", tools=[pay])
    runs = nbagent.map(agent, ["Call pay for amount 3"])
    table = shown(runs)
    assert until(runs, lambda: runs.rows[0].is_asking)
    assert "1 waits for you" in runs.summary()
    assert numbers(table, filter="asking") == [0]
    table.run.take(SteerRows("open", 0))
    for question in runs[0].waiting:
        runs[0].respond(question.id, True)
    runs.wait()
    assert "waits for you" not in runs.summary()
    assert numbers(table, filter="asking") == [0]  # it stays while it is open
    assert numbers(table, filter="failed") == []


@pytest.mark.parametrize("question", ['{"at": -1}', '{"filter": "none"}', "["])
def test_a_question_that_is_not_valid_is_refused(table: Table, question: str) -> None:
    with pytest.raises(LookupError):
        table.run.page(f"rows/{question}", 0, 60_000)


def test_credentials_in_an_item_are_masked() -> None:
    key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"
    table = shown(nbagent.map(say, [f"my key {key}"]).wait())
    assert key not in json.dumps(asked(table))
    assert key not in table.run.to_markdown()


@pytest.mark.parametrize("before", [90, 100, 110, 118])
def test_no_beginning_of_a_credential_stands_where_an_item_is_shortened(
    before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_API_KEY", "canary-9f8e7d6c5b4a3210")
    runs = nbagent.map(say, [f"{'x' * before} canary-9f8e7d6c5b4a3210"]).wait()
    table = shown(runs)
    for copy in (table.run.to_markdown(), table.run.to_html(), runs._repr_html_()):
        assert "canary" not in copy


def test_what_redact_matches_is_masked_in_the_static_table() -> None:
    html = nbagent.map(say, ["card 4711-0815"], redact=[r"\d{4}-\d{4}"]).wait()._repr_html_()
    assert "card •••••••••" in html
    assert "4711" not in html


def test_the_static_copy_has_the_first_rows_and_those_that_failed() -> None:
    items = [*map(str, range(60)), "bad"]
    runs = nbagent.map(say, items).wait()
    text = shown(runs).run.to_markdown()
    assert "| 0 | 0 | 0, said | completed |" in text
    assert "| 60 | bad | a bad item | failed |" in text
    assert "… and 35 more rows" in text
    assert len(text) < 10_000


def test_the_kind_is_drawn_of_anything() -> None:
    assert ROWS.draws({"cells": [1, ["a", 2]], "total": "x"})


def test_a_reader_pauses_goes_on_and_stops() -> None:
    begun, let = threading.Semaphore(0), threading.Event()

    def slow(item: str) -> Iterator[str]:
        begun.release()
        let.wait()
        yield item

    runs = nbagent.map(slow, map(str, range(20)), concurrency=2)
    table = shown(runs)
    for _ in range(2):
        begun.acquire()
    table.run.take(SteerRows("pause"))
    after(runs, lambda: None)
    let.set()
    ended = until(runs, lambda: not runs._engine.active)
    assert ended
    assert runs.totals.ended == 2
    table.run.take(SteerRows("go_on"))
    until(runs, lambda: runs.totals.ended > 2)
    table.run.stop()
    runs.wait()
    table.run.wait()
    assert runs.totals.ended < 20 or runs.done


def test_failed_rows_are_run_again_in_the_same_table() -> None:
    broken = {"b"}

    def sometimes(item: str) -> Iterator[str]:
        yield item
        if item in broken:
            raise ValueError("broken")

    runs = nbagent.map(sometimes, ["a", "b"]).wait()
    table = shown(runs)
    assert numbers(table, filter="failed") == [1]
    broken.clear()
    table.run.take(SteerRows("retry"))
    runs.wait()
    assert numbers(table, filter="failed") == []
    assert props(table)["failed"] == 0


def after(runs: Runs, act: Callable[[], object]) -> None:
    """Do something on the loop of the rows, after all that was handed to it before."""

    async def do() -> None:
        act()

    asyncio.run_coroutine_threadsafe(do(), runs._home).result(20)


def until(runs: Runs, is_so: Callable[[], bool]) -> bool:
    """Wait on the loop of the rows until something is so."""

    async def wait() -> bool:
        while not is_so():
            await asyncio.sleep(0.01)
        return True

    return asyncio.run_coroutine_threadsafe(wait(), runs._home).result(20)
