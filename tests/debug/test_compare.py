"""Two runs side by side: what is paired, what differs, and how it is shown."""

from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given

import nbagent
from nbagent import Run
from nbagent import events as e
from nbagent.debug.alignment import aligned, aligned_all
from nbagent.debug.steps import items_of


def call(number: int, tool: str, args: dict[str, Any], result: Any) -> list[e.Event]:
    id = f"tool-{number}"
    return [
        e.ToolStart(id=id, name=tool),
        e.ToolArgs(id=id, args=args, args_text=str(args)),
        e.ToolResult(id=id, content=str(result), value=e.Live(result)),
    ]


def run_of(*calls: tuple[str, dict[str, Any], Any], answer: str = "Done.", **end: Any) -> Run:
    events = [event for number, each in enumerate(calls) for event in call(number, *each)]
    said: list[e.Event] = [
        e.TextStart(id="t"),
        e.TextDelta(id="t", delta=answer),
        e.TextEnd(id="t"),
    ]
    run = Run(
        [
            e.RunStart(name="analyst", ts=1.0),
            e.Prompt(text="Go"),
            *events,
            *said,
            e.RunEnd(status="completed", ts=2.0, **end),
        ]
    )
    run.start()
    return run.wait()


RATE = ("rate", {"year": 2024}, {"rate": 11.2})


def test_a_run_does_not_differ_from_one_that_did_the_same() -> None:
    comparison = nbagent.compare(run_of(RATE), run_of(RATE, usage=e.Usage(input=5, output=2)))
    assert comparison.same
    assert [row.kind for row in comparison.rows] == ["run", "prompt", "tool", "text"]
    assert "no difference" in str(comparison)
    assert comparison.rows[0].tokens == (None, 7)


def test_arguments_results_answers_and_status_that_differ_are_named() -> None:
    a = run_of(RATE, answer="It is 11.2 now.")
    b = run_of(("rate", {"year": 2025}, {"rate": 11.5}), answer="It is 11.5 now.", code="late")
    comparison = nbagent.compare(a, b)
    assert [(row.name, row.differs) for row in comparison.differing] == [
        ("rate", ["arguments", "result"]),
        ("text", ["text"]),
    ]
    text = str(comparison)
    assert "year: 2024 → 2025" in text
    assert "rate: 11.2 → 11.5" in text
    html = comparison._repr_html_()
    assert "11.5</ins>" in html
    assert "<script" not in html
    assert comparison._repr_markdown_().startswith("````text\n")


def test_a_call_that_one_run_has_stands_alone_and_the_others_stay_paired() -> None:
    load = ("load", {"name": "x"}, 1)
    rows = nbagent.compare(run_of(RATE, load), run_of(load, answer="Other.")).rows
    assert [(row.name, row.side, row.differs) for row in rows[2:]] == [
        ("rate", "a", ["only in a"]),
        ("load", "both", []),
        ("text", "both", ["text"]),
    ]


def test_calls_are_paired_by_how_much_their_arguments_agree() -> None:
    first, second = ("f", {"x": 1, "y": 1}, 1), ("f", {"x": 2, "y": 2}, 2)
    rows = nbagent.compare(run_of(first, second), run_of(("f", {"x": 2, "y": 3}, 2))).rows
    assert [(row.side, row.differs) for row in rows if row.kind == "tool"] == [
        ("a", ["only in a"]),
        ("both", ["arguments"]),
    ]


def test_live_tables_are_compared_by_cell() -> None:
    a, b = (run_of(("load", {}, pd.DataFrame({"x": [1, last]}))) for last in (2, 3))
    (row,) = nbagent.compare(a, b).differing
    assert row.parts["result"]["rows"] == [{"label": "1", "cells": [["2", "3"]]}]


def test_texts_that_differ_altogether_stand_next_to_each_other_as_they_are_read() -> None:
    a = run_of(answer="Revenue **grew** in three regions.")
    comparison = nbagent.compare(a, run_of(answer="I could not load the sales, and *stopped*."))
    html = comparison._repr_html_()
    assert "grid-template-columns" in html
    assert "<strong>grew</strong>" in html
    assert "<em>stopped</em>" in html
    assert "<details" not in html
    assert html.count("analyst (") >= 2  # (first) and (second), or when they began
    alike = nbagent.compare(a, run_of(answer="Revenue **grew** in two regions."))._repr_html_()
    assert "grid-template-columns" not in alike
    assert "two</ins>" in alike


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    def names(a: Run | Path, b: Run | str) -> tuple[str, str]:
        return nbagent.compare(a, b).names

    def started(at: float, model: str = "m") -> Run:
        run = Run(
            [
                e.RunStart(name="analyst", model=model, ts=at),
                e.RunEnd(status="completed", ts=at + 1),
            ]
        )
        run.start()
        return run.wait()

    assert names(started(1.0), Run([], name="other")) == ("analyst", "other")
    assert names(started(1.0, "m-1"), started(1.0, "m-2")) == ("analyst (m-1)", "analyst (m-2)")
    for name in ("monday", "tuesday"):
        started(1.0).save(str(tmp_path / f"{name}.jsonl"))
    found = names(tmp_path / "monday.jsonl", str(tmp_path / "tuesday.jsonl"))
    assert found == ("analyst (monday.jsonl)", "analyst (tuesday.jsonl)")
    same = started(1.0)
    assert names(same, same) == ("analyst (first)", "analyst (second)")


def test_recordings_are_compared_by_their_paths(tmp_path: Path) -> None:
    run = run_of(RATE)
    run.save(str(tmp_path / "run.jsonl"))
    other = nbagent.compare(tmp_path / "run.jsonl", run_of(RATE, answer="No."))
    assert [row.name for row in other.differing if row.kind == "text"] == ["text"]
    assert nbagent.compare(tmp_path / "run.jsonl", str(tmp_path / "run.jsonl")).same


@pytest.mark.parametrize("bad", [None, 3, ["run"], pd.DataFrame()])
def test_what_is_no_run_is_refused(bad: Any) -> None:
    with pytest.raises(
        TypeError, match="compare takes runs, or paths of recordings; argument 2 is"
    ):
        nbagent.compare(run_of(), bad)
    with pytest.raises(OSError, match=r"nowhere\.jsonl"):
        nbagent.compare("nowhere.jsonl", run_of())


def test_markup_of_models_and_tools_stays_text() -> None:
    attack = "<img src=x onerror=alert(1)>"
    a, b = (
        run_of(("f", {attack: attack}, {attack: f"{attack}{n}"}), answer=f"{attack}{n}")
        for n in (1, 2)
    )
    assert "<img" not in nbagent.compare(a, b)._repr_html_()


@given(*[st.lists(st.sampled_from("abc"), max_size=12)] * 2)
def test_every_item_is_in_one_pair_and_in_order(left: list[str], right: list[str]) -> None:
    def items(names: list[str]) -> list[Any]:
        return items_of(
            [
                {"id": str(at), "kind": "tool", "name": name, "args": {}}
                for at, name in enumerate(names)
            ],
            {},
        )

    old, new = items(left), items(right)
    pairs = aligned(old, new)
    assert [a for a, _ in pairs if a is not None] == old
    assert [b for _, b in pairs if b is not None] == new
    assert all(a is None or b is None or a.name == b.name for a, b in pairs)
    assert left != right or all(a is not None and b is not None for a, b in pairs)


def test_long_runs_are_paired_without_quadratic_work() -> None:
    many = [{"id": str(at), "kind": "tool", "name": "f", "args": {"x": at}} for at in range(3000)]
    pairs = aligned(items_of(many, {}), items_of(many[1:], {}))
    assert len(pairs) == 3000


def test_any_number_of_runs_are_a_table_with_a_column_for_each() -> None:
    load = ("load", {"name": "x"}, 1)
    priced = e.Usage(input=1200, output=84, cost=0.0021)
    a = run_of(RATE, load, answer="Revenue **grew** in three regions.", usage=priced)
    b = run_of(("rate", {"year": 2024}, {"rate": 11.5}), load, answer="Revenue **grew** in two.")
    c = run_of(load, answer="I could not load the sales, and *stopped*.")
    table = nbagent.compare(a, b, c)
    assert table.names == ("analyst (first)", "analyst (second)", "analyst (third)")
    assert [(row.name, row.differs) for row in table.rows] == [
        ("prompt", False),
        ("rate", True),
        ("load", False),
        ("text", True),
    ]
    assert [None if item is None else item.name for item in table.rows[1].items] == [
        "rate",
        "rate",
        None,
    ]
    text = str(table)
    assert "    2: result: 1 difference\n        rate: 11.2 → 11.5\n    3: none" in text
    assert "tokens: 1,284 · ? · ?\ndollars: $0.0021 · ? · ?" in text
    html = table._repr_html_()
    assert html.count("<strong>grew</strong>") == 1
    assert "<em>stopped</em>" in html
    assert "11.5</ins>" in html
    assert not table.same
    assert nbagent.compare(a, a, a).same


def test_rows_that_are_alike_in_all_runs_are_shown_as_one() -> None:
    calls = [("f", {"x": at}, at) for at in range(3000)]
    table = nbagent.compare(*[run_of(*calls, answer=f"Run {at}.") for at in range(3)])
    assert len(table.rows) == 3002
    assert "= 500 rows" in str(table)
    assert "… 2,502 more rows" in str(table)


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=8), min_size=2, max_size=5))
def test_every_item_of_every_run_is_in_one_row_and_in_order(runs: list[list[str]]) -> None:
    every = [
        items_of(
            [
                {"id": str(at), "kind": "tool", "name": name, "args": {}}
                for at, name in enumerate(names)
            ],
            {},
        )
        for names in runs
    ]
    rows = aligned_all(every)
    for number, items in enumerate(every):
        assert [row[number] for row in rows if row[number] is not None] == items
    assert all(len({item.name for item in row if item is not None}) == 1 for row in rows)


def test_what_is_masked_in_one_run_is_masked_in_the_comparison() -> None:
    def run(rate: str, *redact: str) -> Run:
        made = Run([*call(1, "f", {}, rate), e.RunEnd(status="completed")], redact=redact)
        made.start()
        return made.wait()

    a, b = run("secret-a is 1", "secret-a"), run("secret-b is 2", "secret-b")
    for found in (nbagent.compare(a, b), nbagent.compare(a, b, a)):
        assert "secret" not in str(found) + found._repr_html_()
