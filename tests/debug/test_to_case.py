"""`run.to_case`: runs collected as cases, which `nbagent.map` takes."""

import json
from pathlib import Path

import pytest
from agent.server import KEY, Server, say
from debug.scenes import REPLIES, finished, rates_run

import nbagent
from nbagent.errors import NbagentError


def cases_in(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_case_has_prompt_answer_calls_and_note(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    with Server(*REPLIES) as server:
        run = rates_run(server)
    assert run.to_case(path, note="too brief") == str(path)
    run.to_case(str(path))
    first, second = cases_in(path)
    assert first == {
        "prompt": "How did the rate change?",
        "answer": "It rose by 0.01.",
        "calls": [
            {"name": "fetch_rates", "args": {"year": 2023}, "result": {"rate": 1.08}},
            {"name": "fetch_rates", "args": {"year": 2024}, "result": {"rate": 1.09}},
            {"name": "difference", "args": {"first": 1.08, "second": 1.09}, "result": 0.01},
        ],
        "note": "too brief",
        "run": "rates",
    }
    assert second["note"] == ""


def test_what_was_said_before_is_a_part_of_the_prompt(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    with Server(say("chat", "One."), say("chat", f"Two, {KEY}.")) as server:
        session = nbagent.Agent("test-1", client=server.client()).session()
        finished(session.stream("first"))
        finished(session.stream("second")).to_case(path)
    assert cases_in(path)[0]["prompt"] == [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "One."},
        {"role": "user", "content": "second"},
    ]
    assert KEY not in path.read_text()


async def test_a_map_asks_each_case_and_its_check_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(
        '{"prompt": "1?", "answer": "One."}\n\n'
        '{"prompt": [{"role": "user", "content": "2?"}], "answer": "Two."}\n'
    )
    with Server(say("chat", "One."), say("chat", "Three.")) as server:
        agent = nbagent.Agent("test-1", client=server.client())
        runs = await nbagent.map(
            agent, path, concurrency=1, check=lambda case, run: run.text == case["answer"]
        )
        asked = [body["messages"][-1]["content"] for body in server.bodies]
    assert asked == ["1?", "2?"]
    assert runs.df()["check"].tolist() == [True, False]


def test_a_line_that_is_no_case_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text('{"prompt": "a"}\n{"question": "b"}\n')
    with pytest.raises(NbagentError, match=r"line 2 of .* is no case"):
        nbagent.map(nbagent.Agent("demo"), str(path), dry=True)
