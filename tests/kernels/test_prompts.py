"""Code in a tool that asks below the cell: `input`, and debuggers that the tool calls itself."""

import sys
from pathlib import Path

import pytest
from kernels.session import Session

SET_UP = """
import pdb, sys; sys.path.insert(0, "tests")
from IPython.core.debugger import set_trace
import nbagent
from agent.server import Server, chat

def asks(year: int) -> int:
    "Rate of a year."
    return int(input("Rate? "))

def stops(year: int) -> int:
    "Rate of a year."
    pdb.set_trace()
    return year

def traced(year: int) -> int:
    "Rate of a year."
    set_trace()
    return year
"""
RUN = """
with Server(chat(calls=[("c1", "{tool}", '{{"year": 2024}}')]), chat("Done.")) as server:
    agent = nbagent.Agent("test-1", tools=[{tool}], client=server.client(), api="chat")
    run = await nbagent.show(agent.stream("go"))
"""


@pytest.mark.parametrize(
    ("tool", "dialogue", "result"),
    [
        ("asks", [("Rate? ", "7")], "7"),
        ("stops", [("ipdb> ", "year = 7"), ("ipdb> ", "c")], "7"),
        ("traced", [("ipdb> ", "!year = 7"), ("ipdb> ", "c")], "7"),
    ],
)
def test_a_tool_asks_below_the_cell_and_goes_on_with_the_answer(
    tool: str, dialogue: list[tuple[str, str]], result: str
) -> None:
    with Session.started(Path(sys.executable)) as session:
        session.python(SET_UP)
        cell = session.run(RUN.format(tool=tool))
        for prompt, answer in dialogue:
            assert session.answer(answer) == prompt
        session.until(session.idle(cell))
        assert session.python("print(run.status, run.tools[0].result)") == f"completed {result}"
