"""The names that a user types: each exists, is completed, and has a docstring that describes all
its parameters.
"""

import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

import nbagent
from nbagent.run_context.current import RunHost

DOCS = Path(__file__).parents[1] / "docs"


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


def test_the_page_of_a_run_leaves_out_what_only_the_house_needs() -> None:
    page = (DOCS / "reference" / "api" / "show.md").read_text("utf-8")
    [listed] = re.findall(r"!\^\(([\w|]+)\)\$", page)
    left_out = set(listed.split("|"))
    assert left_out <= set(dir(nbagent.Run))
    of_the_house = {name for name in vars(RunHost) if not name.startswith("_")}
    assert of_the_house - {"breakpoints", "faults"} <= left_out
    pages = "\n".join(each.read_text("utf-8") for each in DOCS.rglob("*.md"))
    assert left_out & set(re.findall(r"\brun\.(\w+)", pages)) == set()


def test_the_reference_has_every_public_name() -> None:
    pages = "\n".join(page.read_text("utf-8") for page in (DOCS / "reference").rglob("*.md"))
    described = set(re.findall(r"^::: nbagent\.(\w+)", pages, re.MULTILINE))
    # what they are is said where a run is
    assert {*described, "last", "runs"} == set(nbagent.__all__)
