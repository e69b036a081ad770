"""Tools that must not be called twice, in maps whose process is killed."""

import subprocess
from pathlib import Path
from typing import Any

import preloaded
import pytest

import nbagent
from nbagent.demo import demo_server
from nbagent.errors import ToolError
from nbagent.many.once_calls import OnceCalls
from nbagent.many.runs import Runs
from nbagent.many.store import RowStore
from nbagent.runtime import loop

SCRIPT = """
import os, sys
from pathlib import Path
import nbagent
from nbagent.demo import demo_server
demo_server().tokens_per_second = float("inf")
store, folder, dies = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
def note(item):
    with (folder / "calls").open("a") as file:
        file.write(f"{item}\\n")
def die(at):
    if at == dies and not (folder / "died").exists():
        (folder / "died").touch()
        os.kill(os.getpid(), 9)
@nbagent.tool(once=True)
def pay(amount: int) -> str:
    die("before")
    note(amount)
    die("inside")
    return f"paid {amount}"
def check(item, run):
    die("after")
    return True
agent = nbagent.Agent("demo", tools=[pay])
prompts = [f"Call pay for {n} euros" for n in (1, 2, 3)]
runs = nbagent.map(agent, prompts, store=store, concurrency=1, check=check).wait()
for run in runs:
    print(run.status, [call.state for call in run.tools])
"""


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_server(), "tokens_per_second", float("inf"))


def executed(folder: Path, dies: str) -> "subprocess.CompletedProcess[str]":
    """Execute the script, which kills itself at a place when it comes there first."""
    return preloaded.run("-c", SCRIPT, str(folder / "day.db"), str(folder), dies)


@pytest.mark.parametrize(
    ("dies", "calls", "first"),
    [
        ("before", ["2", "3"], "output-error"),  # whether it has taken effect is unknown
        ("inside", ["1", "2", "3"], "output-error"),
        ("after", ["1", "2", "3"], "output-available"),
    ],
)
def test_a_call_is_not_made_again_by_the_process_after_one_that_was_killed(
    dies: str, calls: list[str], first: str, tmp_path: Path
) -> None:
    assert executed(tmp_path, dies).returncode == -9
    again = executed(tmp_path, dies)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "calls").read_text().split() == calls
    states = [line.split(" ", 1)[1] for line in again.stdout.splitlines()]
    assert states == [f"['{first}']", "['output-available']", "['output-available']"]


def test_a_retried_row_has_the_result_of_the_call_that_was_made() -> None:
    calls: list[int] = []

    @nbagent.tool(once=True)
    def pay(amount: int) -> str:
        calls.append(amount)
        raise ConnectionError("lost")

    agent = nbagent.Agent("demo", tools=[pay])
    runs: Runs = nbagent.map(agent, ["Call pay for 1 euros"]).wait()
    runs[:].retry().wait()
    assert calls == [1]
    assert "lost" in str(runs[0].tools[0].error)
    assert any("was not called again" in str(event) for event in runs[0].events)


def test_an_item_that_is_there_twice_is_run_twice(tmp_path: Path) -> None:
    calls: list[int] = []

    @nbagent.tool(once=True)
    def pay(amount: int) -> str:
        calls.append(amount)
        return "paid"

    agent = nbagent.Agent("demo", tools=[pay])
    prompts = ["Call pay for 1 euros"] * 2
    nbagent.map(agent, prompts, store=tmp_path / "day.db").wait()
    runs: Runs = nbagent.map(agent, prompts, store=tmp_path / "day.db").wait()
    assert (calls, runs.totals.restored) == ([1, 1], 2)


def test_of_two_processes_with_one_row_one_makes_the_call(tmp_path: Path) -> None:
    async def main() -> Any:
        here, there = (OnceCalls(RowStore(tmp_path / "day.db"), "row") for _ in range(2))
        await here.record()
        await there.record()
        await here.begin("pay", {"amount": 1})
        with pytest.raises(ToolError, match="another process runs this row"):
            await there.begin("pay", {"amount": 1})

    loop.submit(main()).result()
