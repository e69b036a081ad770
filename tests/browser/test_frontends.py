"""The other notebooks: Notebook 7, Voilà, marimo, and JupyterLab with its comms kept off the kernel's subshells.

JupyterLab is always tried; the others where `PYTHONPATH=tests python -m frontends.environment` has installed them (`make proof`
does).
"""

import re
from pathlib import Path

import pytest
from browser.lab import SHOTS
from browser.places import PLACES, Place
from playwright.sync_api import Page, expect

SETUP = """
import time
import nbagent
from nbagent.demo import demo_server
def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b
agent = nbagent.Agent(model="demo", tools=[add])
demo_server().tokens_per_second = 30
"""
ADDED = "added = nbagent.show(agent.stream('add a=2 b=3'), name='adder')\nadded"
LONG = "long = nbagent.show(agent.stream('Give me a long answer about streams, no thinking.'), name='talker')"
WORDS = re.compile(r"\w{3,}.{40}", re.DOTALL)


@pytest.mark.parametrize("name", PLACES)
def test_a_run_in_another_notebook(name: str, tmp_path: Path, page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    with PLACES[name](tmp_path, page, (SETUP, ADDED, LONG)) as place:
        streams_and_stops(place)
        opens_and_ends(place)
        assert page.locator(".nbagent").count() == 2  # `added` as a cell's last word draws nothing more
        assert page.locator("[data-nbagent-twin]:visible").count() == 0
        assert "<Run" not in page.locator("body").inner_text()
        place.view(1).scroll_into_view_if_needed()
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"frontend-{name}.png")
        assert errors == []


def streams_and_stops(place: Place) -> None:
    """The answer comes while one looks, until one says Stop."""
    view = place.view(2)
    text = view.locator(".nb-markdown")
    expect(text).to_contain_text(WORDS, timeout=60_000)
    begun = text.inner_text()
    expect(text).not_to_have_text(begun)
    view.get_by_role("button", name="Stop").click()
    expect(view.locator(".nb-status", has_text="Stopped by you")).to_be_visible(timeout=3_000)


def opens_and_ends(place: Place) -> None:
    """The run comes to its end, and what is folded opens."""
    view = place.view(1)
    expect(view.locator(".nb-status", has_text="Done in")).to_be_visible(timeout=60_000)
    tool = view.get_by_role("button", name=re.compile(r"^add\b"))
    expect(tool).to_have_attribute("aria-expanded", "false")
    tool.click()
    expect(tool).to_have_attribute("aria-expanded", "true")
    expect(view.get_by_text(re.compile("^arguments$", re.IGNORECASE))).to_be_visible()
