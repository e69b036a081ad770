"""The other front ends: Notebook 7, Voilà, marimo, JupyterLab with extensions that change it, and
without comms on subshells.

JupyterLab is always tried; the others where `PYTHONPATH=tests python -m frontends.environment` has
installed them (`make proof` does).
"""

import re
from pathlib import Path

import nbformat
import pytest
from browser.expectation import expect
from browser.lab import SIZE, Notebook, screenshot
from browser.places import EXTENDED, NAME, PLACES, Place
from browser.views import unfold
from playwright.sync_api import Page

SETUP = """import time
import nbagent
from nbagent.demo import demo_server
def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b
agent = nbagent.Agent(model="demo", tools=[add])
demo_server().tokens_per_second = 30"""
ADDED = "added = nbagent.show(agent.stream('add a=2 b=3'))\nadded"
LONG = "long = nbagent.show(agent.stream('Give me a long answer about streams, no thinking.'))"
BLOCKS = f"{LONG}\ntime.sleep(100)\nprint('awake')"
AWAITS = f"{LONG}\nawait long"
CHAT = "nbagent.chat(lambda messages: ['I heard: ', messages[-1]['content']])"
COUNT = """from ipywidgets.widgets.widget import _instances
kinds = [type(widget).__name__ for widget in _instances.values()]
print(added.id, "widgets", *kinds)"""
WORDS = re.compile(r"\w{3,}.{40}", re.DOTALL)


def only(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        name not in PLACES, reason="`PYTHONPATH=tests python -m frontends.environment` installs it"
    )


@pytest.mark.proof
@pytest.mark.parametrize("name", PLACES)
def test_a_run_in_another_notebook(name: str, tmp_path: Path, page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(f"{error.message}\n{error.stack}"))
    with PLACES[name](tmp_path, page, (SETUP, ADDED, LONG)) as place:
        streams(place, 2)
        place.view(2).get_by_role("button", name="Stop").click()
        expect(place.view(2).locator(".nb-status", has_text="Stopped by you")).to_be_visible()
        opens_and_ends(place, 1)
        # `added` as a cell's last word draws nothing more
        assert page.locator(".nbagent").count() == 2
        assert page.locator("[data-nbagent-twin]:visible").count() == 0
        assert "<Run" not in page.locator("body").inner_text()
        screenshot(page, f"frontend-{name}")
    # Notebook 7 stumbles over its own settings while it loads.
    assert [error for error in errors if "static/notebook/" not in error] == []


@pytest.mark.proof
@pytest.mark.parametrize("name", [pytest.param(name, marks=only(name)) for name in EXTENDED[1:]])
def test_two_users_see_a_run_live_and_the_file_holds_it_once(
    name: str, tmp_path: Path, page: Page
) -> None:
    with PLACES[name](tmp_path, page, (SETUP, "time.sleep(4)", LONG)) as place:
        assert place.lab is not None
        assert page.context.browser is not None
        other_page = page.context.browser.new_context(viewport=SIZE).new_page()
        other = Notebook(place.lab, other_page, NAME, "other")
        other.load()
        for seen in (place.view(2), other.widget(2)):
            expect(seen.locator(".nb-markdown")).to_contain_text(WORDS, timeout=60_000)
        other.widget(2).get_by_role("button", name="Stop").click()
        for seen in (place.view(2), other.widget(2)):
            expect(seen.locator(".nb-status", has_text="Stopped by")).to_be_visible()
        words = place.view(2).locator(".nb-markdown").inner_text().split()[-1]
        page.wait_for_timeout(10_000)  # every page has had its turn
        page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        outputs = nbformat.read(place.lab.root / NAME, 4).cells[2].outputs
        copies = [
            html
            for output in outputs
            if "data-nbagent-twin" in (html := output["data"].get("text/html", ""))
        ]
        assert len(copies) == 1
        assert words in copies[0]
        other.page.context.close()


@pytest.mark.proof
def test_without_subshells_stop_still_arrives_while_a_cell_blocks(
    tmp_path: Path, page: Page
) -> None:
    with PLACES["lab-without-subshells"](tmp_path, page, (SETUP, BLOCKS)) as place:
        streams(place, 1)
        place.view(1).get_by_role("button", name="Stop").click()
        expect(place.view(1).locator(".nb-status", has_text="Stopped by you")).to_be_visible()
        assert page.locator(".jp-OutputArea", has_text="awake").count() == 0


@pytest.mark.proof
@only("notebook7")
def test_notebook_7_shows_the_twins_of_a_saved_notebook(tmp_path: Path, page: Page) -> None:
    with PLACES["notebook7"](tmp_path, page, (SETUP, ADDED)) as place:
        opens_and_ends(place, 1)
        page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        page.reload()
        twin = page.locator("[data-nbagent-twin]")
        expect(twin.get_by_text("Done in")).to_be_visible(timeout=60_000)
        # Jupyter's, until the kernel is there
        expect(page.get_by_text("Loading widget")).to_have_count(0)
        expect(page.locator(".jupyter-widgets")).to_be_hidden()
        assert page.locator(".nbagent").count() == 0
        screenshot(page, "frontend-notebook7-saved")


@pytest.mark.proof
@only("marimo")
def test_marimo_shows_a_run_that_its_cell_awaits(tmp_path: Path, page: Page) -> None:
    with PLACES["marimo"](tmp_path, page, (SETUP, AWAITS)) as place:
        streams(place, 1)
        expect(place.view(1).get_by_role("button", name="Stop")).to_be_visible()
        expect(place.view(1).locator(".nb-status", has_text="Done in")).to_be_visible(
            timeout=60_000
        )
        assert page.locator(".nbagent").count() == 1


@pytest.mark.proof
@only("marimo")
def test_marimo_keeps_no_widget_of_a_cell_that_runs_again(tmp_path: Path, page: Page) -> None:
    with PLACES["marimo"](tmp_path, page, (SETUP, ADDED, COUNT)) as place:
        expect(page.get_by_text(re.compile(r"run-1 widgets TranscriptWidget\s*$"))).to_be_visible(
            timeout=60_000
        )
        page.locator(".cm-content").nth(1).click()
        page.keyboard.press("Control+Enter")
        expect(page.get_by_text(re.compile(r"run-2 widgets TranscriptWidget\s*$"))).to_be_visible(
            timeout=10_000
        )
        expect(place.view(1).locator(".nb-status", has_text="Done in")).to_be_visible(
            timeout=60_000
        )


@pytest.mark.proof
@only("marimo")
def test_a_name_in_the_input_line_is_a_variable_of_marimo(tmp_path: Path, page: Page) -> None:
    with PLACES["marimo"](tmp_path, page, (SETUP, CHAT, "town = 'Bergen'")) as place:
        field = place.view(1).get_by_role("textbox", name="Your message")
        field.wait_for(timeout=60_000)
        field.fill("What of {town}?")
        field.press("Enter")
        expect(place.view(1).get_by_text("I heard: What of Bergen?")).to_be_visible(timeout=60_000)


def streams(place: Place, cell: int) -> None:
    """Assert that the answer streams in."""
    text = place.view(cell).locator(".nb-markdown")
    expect(text).to_contain_text(WORDS, timeout=60_000)
    begun = text.inner_text()
    expect(text).not_to_have_text(begun)


def opens_and_ends(place: Place, cell: int) -> None:
    """Assert that the run ends, and that its folded parts open."""
    view = place.view(cell)
    expect(view.locator(".nb-status", has_text="Done in")).to_be_visible(timeout=60_000)
    tool = view.get_by_role("button", name=re.compile(r"^add\b"))
    unfold(tool)
    expect(tool).to_have_attribute("aria-expanded", "true")
