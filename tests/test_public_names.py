"""The names that a user types: each exists, is completed, and has a docstring that describes all
its parameters.
"""

import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

import nbagent


@pytest.mark.parametrize("name", nbagent.__all__)
def test_a_public_name_is_completed_and_its_parameters_are_described(name: str) -> None:
    assert name in dir(nbagent)
    found = getattr(nbagent, name)
    if isinstance(found, ModuleType) or not callable(found):
        return
    described = inspect.getdoc(found)
    assert described
    if "    options: " in described:
        described += f"{inspect.getdoc(nbagent.show)}\n{inspect.getdoc(nbagent.connect)}"
    parameters = inspect.signature(found).parameters.values()
    named = [
        each.name for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    assert [each for each in named if f"    {each}: " not in described] == []


def test_the_events_and_errors_are_completed() -> None:
    assert {"errors", "events"} <= set(nbagent.__all__)


def test_the_reference_has_every_public_name() -> None:
    folder = Path(__file__).parents[1] / "docs" / "reference"
    pages = "\n".join(page.read_text("utf-8") for page in folder.rglob("*.md"))
    described = set(re.findall(r"^::: nbagent\.(\w+)", pages, re.MULTILINE))
    # what they are is said where a run is
    assert {*described, "last", "runs"} == set(nbagent.__all__)
