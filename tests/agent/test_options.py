"""The plain options of an agent: one declaration for keywords, the keys of a file, and runs."""

import inspect
from pathlib import Path
from typing import Any

import pytest
from agent.server import Server, chat

import nbagent
from nbagent import Agent
from nbagent.agent.config.reference import SECTIONS, descriptions, page
from nbagent.agent.config.schema import AgentSection
from nbagent.agent.option_values import annotations_of
from nbagent.agent.options import AgentOptions, values_of
from nbagent.agent.run.params import RunParams
from nbagent.agent.tools import docstring
from nbagent.errors import NbagentError

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "config-file.md"
OPTIONS = list(annotations_of(AgentOptions))


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_is_a_keyword_of_agent_with_the_same_default_and_a_description(name: str) -> None:
    keyword = inspect.signature(Agent).parameters[name]
    assert keyword.default == getattr(AgentOptions, name)
    described = docstring.parse(Agent.__doc__).params
    assert described[name]


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_is_a_key_of_a_file_and_a_parameter_of_a_run(name: str) -> None:
    assert annotations_of(AgentSection)[name] == annotations_of(AgentOptions)[name]
    assert annotations_of(RunParams)[name] == annotations_of(AgentOptions)[name]


def test_the_options_of_a_file_are_those_of_its_agent(tmp_path: Path) -> None:
    text = """
    agents:
      a:
        model: demo
        instructions: Be short.
        max_steps: 3
        timeout: 60
        parallel: false
        result_chars: 500
        model_settings: {temperature: 0}
        max_repeats: null
    """
    (tmp_path / "config.yaml").write_text(text)
    made = nbagent.load_agents(tmp_path / "config.yaml")["a"]
    expected = Agent(
        "demo",
        "Be short.",
        max_steps=3,
        timeout=60,
        parallel=False,
        result_chars=500,
        model_settings={"temperature": 0},
        max_repeats=None,
    )
    assert values_of(made) == values_of(expected)


@pytest.mark.parametrize("place", [*SECTIONS])
def test_every_key_of_a_file_is_described_and_says_what_it_takes(place: str) -> None:
    section = SECTIONS[place]
    described = descriptions(section)
    undescribed = [key for key in annotations_of(section) if not described.get(key)]
    assert undescribed == []


def test_the_page_of_a_files_keys_says_what_they_take_and_is_that_of_the_options() -> None:
    assert "| `max_steps` | a whole number of at least 1 | `10` | responses of the" in page()
    assert "| `output` | a number of US dollars from 0 on | required |" in page()
    assert PAGE.read_text() == page(), (
        "run: python -m nbagent.agent.config.reference > docs/reference/config-file.md"
    )


async def test_an_option_may_be_changed_and_is_checked_when_a_run_begins() -> None:
    with Server(chat("yes")) as server:
        agent = Agent("test-1", client=server.client())
        agent.timeout = 60
        assert await agent.generate("?") == "yes"
        wrong: Any = "soon"
        agent.timeout = wrong
        with pytest.raises(NbagentError, match="timeout must be a positive number of seconds"):
            agent.stream("?")


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), True, "1", 0])
def test_no_limit_of_time_is_written_as_none(seconds: Any) -> None:
    with pytest.raises(NbagentError, match="timeout must be a positive number of seconds, got"):
        Agent("demo", timeout=seconds)


def test_numbers_of_numpy_are_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    agent = Agent("demo", max_steps=numpy.int64(3), timeout=numpy.float64(1.5))
    assert (agent.max_steps, agent.timeout) == (3, 1.5)
