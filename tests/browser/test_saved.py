"""The saved notebook: the whole transcript wherever it is opened, and once only while the view
lives.
"""

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from browser.expectation import expect
from browser.github import as_on_github
from browser.lab import Notebook, screenshot
from browser.listening import listening, no_dialogs
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from playwright.sync_api import Locator, Page
from render.test_html import attacks, everywhere

from nbagent.render.html import transcript_html

SETUP = """
import asyncio, base64, nbagent
from nbagent import events as e
agent = nbagent.Agent(model="demo", name="demo")
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGP4z8CAFWEXHbQSACj/P8Fu7N9hAAAAAElFTkSuQmCC"
TABLE = "<table class='dataframe'><thead><tr><th>region</th><th>revenue</th></tr></thead>"
TABLE += "<tbody><tr><td>north</td><td>$5</td></tr><tr><td>south</td><td>$7</td></tr></tbody></table>"
ANSWER = "Sales **grew**, as $a^2 + b^2$ shows; it cost $5 and $10."
ANSWER += "\\n\\n| q | x |\\n|---|--:|\\n| 1 | 2 |\\n\\n- [x] done\\n- [ ] open"
ERROR = e.ErrorInfo(type="ConnectionError", message="refused", traceback='  File "a.py", line 1')
def call(id, name, **result):
    return [e.ToolStart(id=id, name=name), e.ToolArgs(id=id, args={"year": 2025}, args_text='{"year": 2025}'),
            e.ToolResult(id=id, **result)]
def shown(summary, **data):
    return {"display": e.Display(summary=summary, data={name.replace("_", "/"): value for name, value in data.items()})}
async def answer():
    yield e.ReasoningStart(id="r", kind="summary")
    yield e.ReasoningDelta(id="r", delta="**A plan**\\n\\nFirst *load*, then plot.")
    await asyncio.sleep(0.3)
    yield e.ReasoningEnd(id="r")
    for event in call("t1", "load_sales", **shown("DataFrame 2×2", text_html=TABLE)): yield event
    for event in call("t2", "plot", **shown("Figure 8×8", image_png=PNG)): yield event
    for event in call("t3", "fetch", status="error", error=ERROR): yield event
    yield e.TextDelta(id="x", delta=ANSWER)
go = asyncio.Event()
async def waiting():
    yield "begun "
    await go.wait()
    yield "and done"
"""  # noqa: E501
SHOW = "run = nbagent.show(answer(), name='analyst')\nran = await run"
WHOLE = [
    "analyst",
    "Done in",
    "Thought: A plan",
    "load_sales",
    "DataFrame 2×2",
    "plot",
    "fetch",
    "ConnectionError",
    "Sales grew",
]
INSIDE = ["First load, then plot.", "region", "revenue", "refused", "traceback (1 frame)"]
REPR = re.compile(
    r"<Run |TranscriptWidget|object at 0x|model not found|Error displaying widget|run the cell "
    r"again"
)


def sees_all(page: Page, place: Locator) -> None:
    """Assert that the transcript is there once and complete, including its folded parts."""
    for words in WHOLE:
        expect(place).to_contain_text(words)
    assert not REPR.search(place.inner_text())
    assert place.inner_text().count("load_sales") == 1
    expect(place.get_by_text("First load, then plot.")).to_be_hidden()
    expect(place.get_by_text("refused", exact=False).first).to_be_visible()  # errors are open
    place.evaluate(
        "(place) => place.querySelectorAll('details').forEach((details) => { details.open = true })"
    )
    for words in INSIDE:
        expect(place.get_by_text(words).first).to_be_visible()
    image = place.locator("img")
    expect(image).to_have_count(1)
    assert image.evaluate("(image) => image.naturalWidth") == 8


def saved(book: Notebook) -> Any:
    """Save the notebook and return it as it is on disk."""
    book.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    return nbformat.read(book.lab.root / book.name, 4)


def reopen_without_kernel(book: Notebook) -> None:
    """Save, shut the kernel down, and open the notebook in a fresh page with no kernel."""
    saved(book)
    book.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    open_without_kernel(book)


def open_without_kernel(book: Notebook) -> None:
    made = nbformat.read(book.lab.root / book.name, 4)
    for name in (
        "kernelspec",
        "language_info",
    ):
        # JupyterLab starts no kernel for a notebook that names none, it asks.
        made.metadata.pop(name, None)
    nbformat.write(made, book.lab.root / book.name)
    book.page.goto(
        f"{book.lab.url}/lab/workspaces/nbagent/tree/{book.name}?token={book.lab.token}&reset"
    )
    book.page.get_by_role("dialog").get_by_role("button", name=re.compile("No Kernel")).click(
        timeout=60_000
    )
    book.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    expect(book.page.locator(".jp-Notebook")).to_be_visible()


@pytest.fixture
def ended(notebook: Callable[..., Notebook]) -> Notebook:
    """Return a notebook in which the run was shown and has ended."""
    book = notebook(cells=(SETUP, SHOW), name="run.ipynb")
    for index in (0, 1):
        book.run(index)
        book.wait_idle()
    expect(book.widget(1).locator(".nb-status", has_text="Done in")).to_be_visible()
    return book


def static_copy_of(book: Notebook, index: int) -> Locator:
    return book.cell(index).locator("[data-nbagent-twin]")


def test_while_the_view_lives_its_twin_is_hidden(ended: Notebook) -> None:
    expect(static_copy_of(ended, 1)).to_have_count(1)
    expect(static_copy_of(ended, 1)).to_be_hidden()
    expect(ended.widget(1)).to_be_visible()
    assert ended.output(1).count("→ DataFrame 2×2") == 1
    gap = ended.cell(1).locator(".jp-OutputArea-child").nth(1).bounding_box()
    assert gap is None  # nor does it take a place
    ended.shot("saved-live")


@pytest.mark.proof
def test_it_is_hidden_while_the_run_goes_on_too(notebook: Callable[..., Notebook]) -> None:
    book = notebook(
        cells=(SETUP, "run = nbagent.show(waiting(), name='analyst')", "go.set(); ran = await run")
    )
    book.run(0)
    book.wait_idle()
    seen = book.page.evaluate_handle(WATCH_STATIC_COPIES)
    book.run(1)
    expect(book.widget(1)).to_contain_text("begun")
    expect(static_copy_of(book, 1)).to_be_hidden()
    book.run(2)
    book.wait_idle()
    expect(book.widget(1)).to_contain_text("and done")
    expect(static_copy_of(book, 1)).to_be_hidden()
    assert seen.evaluate("(seen) => seen.frames") == 0
    assert "and done" in saved(book).cells[1].outputs[1]["data"]["text/html"]


# Counts the frames in which a static copy is visible.
WATCH_STATIC_COPIES = """() => {
  const seen = { frames: 0 };
  const look = () => {
    for (const twin of document.querySelectorAll('[data-nbagent-twin]')) {
      if (twin.checkVisibility({ visibilityProperty: true }) && twin.getBoundingClientRect().height > 0) seen.frames += 1;
    }
    requestAnimationFrame(look);
  };
  look();
  return seen;
}"""  # noqa: E501


def test_reopened_in_jupyterlab_without_a_kernel(ended: Notebook) -> None:
    reopen_without_kernel(ended)
    place = ended.cell(1).locator(".jp-Cell-outputArea")
    ended.shot("saved-reopened")
    sees_all(ended.page, place)
    # the formula is typeset, the money is not
    expect(place.locator("mjx-container")).to_have_count(1)
    expect(place.get_by_text("it cost $5 and $10")).to_be_visible()
    ended.shot("saved-reopened-open")
    ended.theme("dark")
    ended.shot("saved-reopened-dark")


@pytest.mark.proof
def test_reopened_untrusted_it_shows_the_same(ended: Notebook) -> None:
    saved(ended)
    ended.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    made = nbformat.read(ended.lab.root / ended.name, 4)
    made.cells[1].outputs[1].metadata["changed"] = "by someone else"  # so that no signature fits
    nbformat.write(made, ended.lab.root / ended.name)
    open_without_kernel(ended)
    sees_all(ended.page, ended.cell(1).locator(".jp-Cell-outputArea"))
    ended.shot("saved-untrusted")


def test_closed_by_the_cap_or_by_hand_the_twin_takes_the_views_place(ended: Notebook) -> None:
    ended.python("run.close()")
    place = ended.cell(1).locator(".jp-Cell-outputArea")
    expect(static_copy_of(ended, 1)).to_be_visible()
    sees_all(ended.page, place)


@pytest.mark.proof
def test_twenty_five_runs_in_one_notebook(notebook: Callable[..., Notebook]) -> None:
    many = (
        "for number in range(25): await nbagent.show(iter([f'Answer {number}.']), name=f'run "
        "{number}')"
    )
    book = notebook(cells=(SETUP, many))
    for index in (0, 1):
        book.run(index)
        book.wait_idle()
    place = book.cell(1).locator(".jp-Cell-outputArea")
    for number in (0, 4, 5, 24):
        expect(
            place.get_by_text(f"Answer {number}.", exact=True).locator("visible=true")
        ).to_have_count(1)
    expect(place.locator(".nbagent")).to_have_count(20)
    expect(place.locator("[data-nbagent-twin]").locator("visible=true")).to_have_count(5)
    assert not REPR.search(place.inner_text())
    book.shot("saved-25-runs")
    reopen_without_kernel(book)
    place = book.cell(1).locator(".jp-Cell-outputArea")
    expect(place.get_by_text(re.compile(r"^Answer \d+\.$")).locator("visible=true")).to_have_count(
        25
    )
    assert not REPR.search(place.inner_text())


@pytest.mark.proof
def test_the_cell_executed_again_and_the_run_shown_twice(notebook: Callable[..., Notebook]) -> None:
    book = notebook("shown-twice.ipynb", cells=(SETUP, SHOW, "run"))  # in a kernel of its own
    for index in (0, 1, 2, 1, 2):
        book.run(index)
        book.wait_idle()
    for index in (1, 2):
        expect(book.widget(index)).to_have_count(1)
        expect(book.widget(index).locator(".nb-status", has_text="Done in")).to_be_visible()
        expect(static_copy_of(book, index)).to_be_hidden()
    kept = book.python(
        "from ipywidgets.widgets.widget import _instances; print(*(type(w).__name__ for w in "
        "_instances.values()))"
    )
    assert kept.split() == ["FrontEnd", "TranscriptWidget"]  # the replaced run's is closed
    reopen_without_kernel(book)
    for index in (1, 2):
        sees_all(book.page, book.cell(index).locator(".jp-Cell-outputArea"))


NEVER_IN_A_COPY = "script, iframe, object, embed, form, svg, math, link, base"

# --- without JupyterLab ---


CELLS = (SETUP, SHOW, "late = nbagent.show(waiting(), name='late')", "go.set(); ran = await late")


@pytest.fixture(
    scope="module",
    params=[False, pytest.param(True, marks=pytest.mark.proof)],
    ids=["no state", "widget state"],
)
def executed(request: pytest.FixtureRequest) -> Any:
    """Return a notebook that `jupyter execute` ran, with no front end at all; it may keep its
    widgets' state, or not.
    """
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        NotebookClient(made, timeout=60, store_widget_state=request.param).execute()
    assert ("widgets" in made.metadata) == request.param
    # The front end is in the file once, however many runs there are; without widget state never.
    kept = made.metadata.get("widgets", {}).get(
        "application/vnd.jupyter.widget-state+json", {"state": {}}
    )
    assert sum(len(str(widget)) > 50_000 for widget in kept["state"].values()) == request.param
    return made


def opened(page: Page, file: Path) -> Locator:
    """Open a file in a page without a network, and return its body."""
    page.route(re.compile("^https?://"), lambda route: route.abort())
    page.goto(file.as_uri())
    return page.locator("body")


@pytest.mark.parametrize("template", ["lab", "classic", "basic"])
def test_nbconvert_to_html(executed: Any, page: Page, tmp_path: Path, template: str) -> None:
    file = tmp_path / "run.html"
    exporter = HTMLExporter(template_name=template, exclude_input=True)  # type: ignore[no-untyped-call]
    file.write_text(
        exporter.from_notebook_node(executed, {"metadata": {"name": "run", "path": str(tmp_path)}})[
            0
        ]
    )
    place = opened(page, file)
    screenshot(page, f"saved-nbconvert-{template}")
    sees_all(page, place)
    expect(place).to_contain_text("begun and done")  # it ended while a later cell ran


def test_executed_without_a_front_end_then_opened_without_a_kernel(
    executed: Any, notebook: Callable[..., Notebook]
) -> None:
    book = notebook(cells=("1",), name="executed.ipynb")
    book.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    nbformat.write(executed, book.lab.root / book.name)
    open_without_kernel(book)
    book.page.wait_for_timeout(4000)  # a view made from saved state waits 3 s for a kernel
    place = book.cell(1).locator(".jp-Cell-outputArea")
    book.shot(f"saved-executed{'-state' if 'widgets' in executed.metadata else ''}")
    sees_all(book.page, place)
    expect(book.cell(2).locator(".jp-Cell-outputArea")).to_contain_text("begun and done")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_as_github_shows_it(executed: Any, page: Page, tmp_path: Path, scheme: Any) -> None:
    outputs = executed.cells[1].outputs
    shown = "".join(f"<div>{as_on_github(output['data']['text/html'])}</div>" for output in outputs)
    assert not re.search(r"style|class=|data-nbagent", shown)
    look = "<style>body{font:14px sans-serif;margin:2em;color-scheme:light dark}</style>"
    (tmp_path / "github.html").write_text(f"<!doctype html><meta charset=utf-8>{look}{shown}")
    page.emulate_media(color_scheme=scheme)
    place = opened(page, tmp_path / "github.html")
    sees_all(page, place)
    screenshot(page, f"saved-github-{scheme}")


def test_what_is_hidden_is_not_in_the_file() -> None:
    secret = """
stream = [e.ReasoningDelta(id="r", delta="CANARY" + "-thought"), *call("t", "f", content="CANARY" + "-result"),
          e.ToolStart(id="u", name="CANARY" + "-name"),
          e.ToolArgs(id="u", args={"a": "CANARY" + "-args"}, args_text="CANARY" + "-text"),
          e.TextDelta(id="x", delta="Hello")]
ran = await nbagent.show(iter(stream), reveal="answer")
"""  # noqa: E501
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in (SETUP, secret)]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        NotebookClient(made, timeout=60, store_widget_state=True).execute()
    file = nbformat.writes(made)
    assert "<p>Hello</p>" in file
    assert not re.search(r"CANARY-\w+", file)


@pytest.mark.proof
def test_no_attack_in_a_twin_runs_or_loads_anything(page: Page, tmp_path: Path) -> None:
    asked: list[str] = []
    file = tmp_path / "attacks.html"
    with no_dialogs(page), listening(page, {"request": lambda request: asked.append(request.url)}):
        for start in range(0, len(found := attacks()), 40):
            copies = [
                transcript_html(everywhere(attack), dom_key="m")
                for attack in found[start : start + 40]
            ]
            sections = "".join(f"<section>{copy}</section>" for copy in copies)
            file.write_text(f"<!doctype html><meta charset=utf-8>{sections}<p id=end>end</p>")
            opened(page, file)
            # Every copy stays in its place: nothing closes what is around it, nothing swallows what
            # follows.
            assert page.locator("body > section").count() == len(copies)
            assert page.locator("body > section > div").count() == len(copies)
            assert page.locator("body > p#end").count() == 1
            assert (
                page.locator("script, iframe, object, embed, form, svg, math, link, base").count()
                == 0
            )
    assert {url for url in asked if not url.startswith(("data:image/", file.as_uri()))} == set()
