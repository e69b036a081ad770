"""Rows of a map as a log of Inspect AI."""

import json
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from many.environment_of_inspect import python

import nbagent
from nbagent.demo import demo_server
from nbagent.many.runs import Runs


def add(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


def contents(path: Path) -> dict[str, Any]:
    """Return the values of an archive's files, by their names."""
    with zipfile.ZipFile(path) as file:
        return {name: json.loads(file.read(name)) for name in file.namelist()}


def test_a_sample_has_the_conversation_the_answer_and_the_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_server(), "tokens_per_second", float("inf"))
    agent = nbagent.Agent("demo", tools=[add])
    runs: Runs = nbagent.map(agent, {"a": "Add 1 and 2"}, check=lambda item, run: True).wait()
    runs.to_inspect(tmp_path / "day.eval")
    sample = contents(tmp_path / "day.eval")["samples/a_epoch_1.json"]
    assert [each["role"] for each in sample["messages"]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]
    [call] = sample["messages"][1]["tool_calls"]
    assert (call["function"], call["arguments"]) == ("add", {"a": 1, "b": 2})
    assert sample["output"]["choices"][0]["message"]["content"] == runs[0].answer
    assert sample["scores"] == {"check": {"value": True}}
    assert sample["model_usage"]["demo"]["total_tokens"] == runs[0].usage.total


READ = """
import json, sys
from inspect_ai.log import read_eval_log, read_eval_log_sample_summaries
log = read_eval_log(sys.argv[1])
[sample] = log.samples
print(json.dumps([
    log.status, log.eval.model, log.results.scores[0].metrics["mean"].value, sample.id,
    [message.role for message in sample.messages], sample.messages[1].tool_calls[0].arguments,
    sample.output.completion, sample.scores["check"].value, log.eval.dataset.samples,
    [summary.id for summary in read_eval_log_sample_summaries(sys.argv[1])],
]))
"""


def test_credentials_in_an_item_are_masked(tmp_path: Path) -> None:
    key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"
    runs: Runs = nbagent.map(lambda item: iter([item]), [f"my key {key}"]).wait()
    runs.to_inspect(tmp_path / "day.eval")
    assert key not in json.dumps(contents(tmp_path / "day.eval"))


@pytest.mark.proof
def test_inspect_ais_own_reader_takes_the_log(tmp_path: Path) -> None:
    agent = nbagent.Agent("demo", tools=[add])
    runs: Runs = nbagent.map(agent, {"a": "Add 1 and 2"}, check=lambda item, run: True).wait()
    runs.to_inspect(tmp_path / "day.eval")
    command = [str(python()), "-c", READ, str(tmp_path / "day.eval")]
    read = subprocess.run(command, capture_output=True, text=True, check=True)
    roles = ["user", "assistant", "tool", "assistant"]
    assert json.loads(read.stdout) == [
        "success",
        "demo",
        1,
        "a",
        roles,
        {"a": 1, "b": 2},
        runs[0].answer,
        True,
        1,
        ["a"],
    ]


def test_failed_rows_repetitions_and_labels_that_are_there_twice_are_samples(
    tmp_path: Path,
) -> None:
    def say(item: str) -> Iterator[str]:
        yield item
        if item == "bad":
            raise ValueError("a bad item")

    class Labelled(dict[str, str]):
        def items(self) -> Any:
            return [("x", "good"), ("x", "bad")]

    runs: Runs = nbagent.map(say, Labelled(), repeat=2).wait()
    runs.to_inspect(tmp_path / "day.eval")
    files = contents(tmp_path / "day.eval")
    names = ["x_epoch_1", "x_epoch_2", "x #2_epoch_1", "x #2_epoch_2"]
    assert [f"samples/{name}.json" for name in names] == list(files)[:4]
    assert files["samples/x #2_epoch_1.json"]["error"]["message"] == "a bad item"
    assert [each.get("error") for each in files["summaries.json"]] == [
        None,
        None,
        *["a bad item"] * 2,
    ]
    results = files["header.json"]["results"]
    assert (results["total_samples"], results["completed_samples"]) == (4, 2)
    assert files["header.json"]["eval"]["config"]["epochs"] == 2
