"""A function that a cell of the notebook defines anew is the tool of the agent's next run."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from agent.server import Server, chat

import nbagent
from nbagent import events as e

Cell = Callable[[str], dict[str, Any]]

REPLIES = (chat(calls=[("c1", "rate", '{"year": 2024}')]), chat("Done."))


@pytest.fixture
def cell() -> Iterator[Cell]:
    """Executes code as a notebook's cell, in `__main__`."""
    names = vars(sys.modules["__main__"])
    before = dict(names)
    number = 0

    def execute(code: str) -> dict[str, Any]:
        nonlocal number
        number += 1
        exec(compile(code, f"cell-{number}", "exec"), names)
        return names

    yield execute
    for name in names.keys() - before.keys():
        del names[name]


def results(agent: nbagent.Agent) -> tuple[list[Any], list[str]]:
    """Return the results of a run's calls, and its notices."""
    events = list(agent.stream("go"))
    called = [event.content for event in events if isinstance(event, e.ToolResult)]
    return called, [event.message for event in events if isinstance(event, e.Status)]


def agent_of(server: Server, *tools: Any) -> nbagent.Agent:
    return nbagent.Agent("test-1", tools=tools, client=server.client(), api="chat")


def test_a_corrected_function_is_called_and_the_reader_is_told_once(cell: Cell) -> None:
    names = cell("def rate(year: int) -> float:\n    'Rate.'\n    return 11.2")
    with Server(*REPLIES, *REPLIES, *REPLIES) as server:
        agent = agent_of(server, names["rate"])
        assert results(agent) == ([11.2], [])
        cell("def rate(year: int) -> float:\n    'Rate.'\n    return 11.5")
        assert results(agent) == ([11.5], ["rate was defined anew: it is called as it is now"])
        assert results(agent) == ([11.5], [])


def test_the_model_is_given_the_new_schema_and_the_decorators_options_count(cell: Cell) -> None:
    names = cell(
        "import nbagent\n@nbagent.tool\ndef rate(year: int) -> float:\n    'Rate.'\n    return 11.2"
    )
    with Server(*REPLIES) as server:
        agent = agent_of(server, names["rate"])
        cell(
            "@nbagent.tool(timeout=5)\ndef rate(year: int, exact: bool = False) -> float:\n    "
            "'Exact.'\n    return 11.25"
        )
        assert results(agent)[0] == [11.25]
        [offered] = server.exchanges[0].body["tools"]
    assert offered["function"]["description"] == "Exact."
    assert list(offered["function"]["parameters"]["properties"]) == ["year", "exact"]
    assert agent.tools[0].timeout == 5


def test_tools_that_a_loop_has_made_stay_apart(cell: Cell) -> None:
    names = cell(
        "import nbagent\ntools = []\nfor value in (1, 2):\n"
        "    def rate(year: int, value: int = value) -> int:\n        'Rate.'\n        return "
        "value\n"
        "    tools.append(nbagent.tool(rate, name='rate' if value == 1 else 'other'))"
    )
    with Server(*REPLIES) as server:
        assert results(agent_of(server, *names["tools"])) == ([1], [])


def test_a_function_that_is_gone_is_called_as_before(cell: Cell) -> None:
    names = cell("def rate(year: int) -> float:\n    'Rate.'\n    return 11.2")
    with Server(*REPLIES) as server:
        agent = agent_of(server, names.pop("rate"))
        assert results(agent) == ([11.2], [])
