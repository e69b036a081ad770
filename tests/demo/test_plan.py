"""Which tool a prompt means."""

from typing import Any

import pytest

from nbagent.demo.conversation import Tool
from nbagent.demo.plan import plan


def tool(name: str, description: str = "", **properties: Any) -> Tool:
    return Tool(name, description, {"type": "object", "properties": properties, "required": list(properties)})


S = {"type": "string"}
BOX = (
    tool("load_sales", "Load the sales of one year.", year={"type": "integer"}),
    tool("load_customers", "Load the customers."),
    tool("getWeather", "Tell the current temperature and rain in a city.", city=S),
    tool("calculator", "Evaluate arithmetic.", expression=S),
    tool("search", "Search the web.", query=S),
)


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("Load the sales of 2025", ["load_sales"]),
        ("load_customers and load_sales please", ["load_customers", "load_sales"]),
        ("Show the CUSTOMERS, then load sales", ["load_customers", "load_sales"]),
        ("What is the weather in Zurich?", ["getWeather"]),
        ("Will there be rain in Basel?", ["getWeather"]),
        ("What is 2 + 2?", ["calculator"]),
        ("Search for sails", ["search"]),
        ("Load sales of 2024, load sales of 2025", ["load_sales", "load_sales"]),
        ("Load sales of 2024, load sales of 2024", ["load_sales"]),
        ("Tell me a joke", []),
        ("Hello", []),
        ("", []),
    ],
)
def test_the_tools_a_prompt_means_in_its_order(prompt: str, names: list[str]) -> None:
    assert [one.tool.name for one in plan(prompt, BOX, {})] == names


def test_each_call_knows_the_words_that_asked_for_it() -> None:
    planned = plan("Load the sales of 2025, and search for “red, blue and green”", BOX, {})
    assert [one.reason for one in planned] == ["Load the sales of 2025", "search for “red, blue and green”"]
    assert [dict(one.args) for one in planned] == [{"year": 2025}, {"query": "red, blue and green"}]
