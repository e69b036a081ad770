"""The tour, run from top to bottom in JupyterLab: watched, stopped, inspected."""

import json
import re
from collections.abc import Callable

from browser.expectation import expect
from browser.lab import Notebook, screenshot
from browser.views import unfold
from campaign import figure
from playwright.sync_api import Locator

TOUR = "01-tour.ipynb"


def cells_of(notebook: Notebook) -> dict[str, int]:
    """Return the index of each cell, by a piece of its code."""
    cells = json.loads((notebook.lab.root / TOUR).read_text())["cells"]
    code = {
        index: "".join(cell["source"])
        for index, cell in enumerate(cells)
        if cell["cell_type"] == "code"
    }
    pieces = {
        "hello": "import nbagent",
        "tools": "def load_sales",
        "watch": "run = await",
        "live": "sales.groupby",
    }
    pieces |= {"stop": "slow = ", "figure": "artist = ", "poem": "poem = "}
    pieces |= {"played": "played = ", "quiet": "quiet = "}
    return {
        name: next(index for index, source in code.items() if piece in source)
        for name, piece in pieces.items()
    }


def row(widget: Locator, name: str) -> Locator:
    """Return the row of one tool."""
    return widget.get_by_role("button", name=re.compile(rf"^{name}\b"))


def test_the_tour_from_top_to_bottom(notebook: Callable[..., Notebook]) -> None:
    tour = notebook(TOUR)
    at = cells_of(tour)
    before = len(tour.lab.log)
    for name in ("hello", "tools"):
        tour.run(at[name])
        tour.wait_idle()

    # Watch: a live sign first, Stop from the start, then thought, tools, answer.
    signs = tour.page.evaluate_handle(WATCH_SIGNS)
    tour.run(at["watch"])
    watch = tour.widget(at["watch"])
    expect(watch).to_be_visible()
    tour.shot("tour-thinking")
    expect(row(watch, "load_sales")).to_be_visible()
    tour.shot("tour-tools")
    expect(watch.locator(".nb-status", has_text="Done in")).to_be_visible(timeout=60_000)
    assert sorted(signs.evaluate("(seen) => [...seen]")) == ["Stop", "Thinking…"]
    tour.wait_idle()
    expect(row(watch, "load_sales")).to_contain_text(re.compile(r"DataFrame 1,0\d\d×4"))
    expect(row(watch, "fetch_rates")).to_contain_text("ConnectionError")
    # errors open by themselves
    expect(watch.get_by_text("rates.internal:443 refused the connection").first).to_be_visible()
    expect(watch.locator("math").first).to_be_attached()
    expect(watch.locator(".nb-markdown table").first).to_be_attached()
    expect(watch.locator(".nb-markdown pre code").first).to_be_attached()
    watch.get_by_role("log").evaluate("(log) => log.scrollTo(0, 0)")
    tour.shot("tour-done-light")
    picture(tour, watch)

    # The last table is open. Open another panel: the tool's DataFrame as the notebook's own table.
    expect(watch.locator(".nb-html th", has_text="growth_percent")).to_be_visible()
    unfold(row(watch, "load_sales"))
    expect(watch.get_by_role("columnheader", name="revenue").first).to_be_visible()
    tour.shot("tour-dataframe")

    # The live objects.
    tour.run(at["live"])
    tour.wait_idle()
    expect(
        tour.cell(at["live"])
        .get_by_role("cell", name="espresso")
        .or_(tour.cell(at["live"]).get_by_text("espresso"))
    ).to_be_visible()
    assert tour.python(
        "print(type(run.tools[0].result).__name__, len(run.tools), run.status)"
    ).split() == [
        "DataFrame",
        "3",
        "completed",
    ]

    stops_in_mid_stream(tour, at["stop"])
    tour.speed_up()

    # Figures, generators, a recording, and what is kept back.
    for name in ("figure", "poem", "played", "quiet"):
        tour.run(at[name])
        expect(tour.widget(at[name]).locator(".nb-status", has_text="Done in")).to_be_visible(
            timeout=60_000
        )
        tour.wait_idle()
        tour.widget(at[name]).scroll_into_view_if_needed()
        tour.shot(f"tour-{name}")
    figure = tour.widget(at["figure"])
    image = figure.locator("img").first
    expect(image).to_be_visible()
    assert image.evaluate("(image) => image.naturalWidth") > 100
    tour.shot("tour-figure-open")
    expect(tour.widget(at["poem"]).locator("em", has_text="rain")).to_be_visible()
    assert "[]" in tour.output(at["quiet"])
    assert "Thought" not in tour.widget(at["quiet"]).inner_text()

    tour.theme("dark")
    # it left the page meanwhile; what the reader opened is open still
    dark = tour.widget(at["watch"])
    expect(dark.get_by_role("columnheader", name="revenue").first).to_be_visible()
    tour.shot("tour-done-dark")
    assert not [line for line in tour.lab.log[before:] if "rate exceeded" in line]


# Notes what a view says for a while only: a busy test looks too late.
WATCH_SIGNS = """() => {
  const seen = new Set();
  const watch = new MutationObserver(() => {
    const text = [...document.querySelectorAll('.nbagent')].map((view) => view.textContent).join();
    for (const sign of ['Stop', 'Thinking…']) if (text.includes(sign)) seen.add(sign);
    if (seen.size === 2) watch.disconnect();
  });
  watch.observe(document.body, { subtree: true, childList: true, characterData: true });
  return seen;
}"""


def picture(tour: Notebook, watch: Locator) -> None:
    """Save the README's picture: the whole run, in a window that is high enough for it."""
    tour.page.set_viewport_size({"width": 1280, "height": 1600})
    watch.get_by_role("log").evaluate("(log) => log.classList.add('nb-whole')")
    screenshot(watch, "tour")
    tour.page.set_viewport_size({"width": 1280, "height": 1000})


def stops_in_mid_stream(tour: Notebook, cell: int) -> None:
    """Assert that the click ends the answer, and the connection behind it."""
    tour.run(cell)
    slow = tour.widget(cell)
    expect(slow.locator(".nb-markdown")).to_contain_text(re.compile(r"\w{3,}.{40}", re.DOTALL))
    tour.shot("stop-before")
    milliseconds = slow.evaluate(CLICK_STOP)
    tour.shot("stop-after")
    figure("stop", "the tour: from the click to the words in the header", f"{milliseconds:.0f} ms")
    # the partial text stays
    expect(slow.locator(".nb-markdown")).to_contain_text(re.compile(r"\w{3,}"))
    expect(slow.get_by_role("button", name="Stop")).to_be_hidden()

    output = tour.python(
        "server = nbagent.demo.demo_server()\n"
        "print(server.wait_for(lambda server: server.disconnects == 1 and server.open_streams == "
        "0, timeout=5))\n"
        "print(slow.status, len(slow.text) > 40)"
    )
    assert output.split() == ["True", "cancelled", "True"]


# In the page, so that the time measured is the reader's: from the click to the words in the header.
CLICK_STOP = """(view) => new Promise((resolve) => {
  const clicked = performance.now();
  const look = () => view.querySelector('.nb-status')?.textContent.includes('Stopped by you');
  const watch = new MutationObserver(() => { if (look()) { watch.disconnect(); resolve(performance.now() - clicked); } });
  watch.observe(view, { subtree: true, childList: true, characterData: true });
  [...view.querySelectorAll('button')].find((button) => button.textContent.includes('Stop')).click();
})"""  # noqa: E501
