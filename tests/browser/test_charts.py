"""Charts of libraries that draw by scripts: pictures live and in the saved file, and plotly's own
chart when asked for.
"""

from collections.abc import Callable

import pytest
from browser.expectation import expect
from browser.lab import Notebook
from browser.test_saved import reopen_without_kernel

CELL = """
import altair, nbagent, pandas as pd, plotly.express as px
from nbagent import events as e
rows = pd.DataFrame({"month": ["Jan", "Feb"], "sales": [3, 4]})
def charts():
    bars = altair.Chart(rows).mark_bar().encode(x="month", y="sales")
    made = [px.bar(rows, x="month", y="sales"), bars, px.box(rows, y="sales")]
    for number, value in enumerate(made):
        yield e.ToolStart(id=f"t{number}", name=f"chart_{number}")
        yield e.ToolArgs(id=f"t{number}", args={}, args_text="{}")
        yield e.ToolResult(id=f"t{number}", value=e.Live(value))
    yield e.TextDelta(id="x", delta="Drawn.")
run = await nbagent.show(charts(), name="charts")
"""


@pytest.mark.proof
def test_charts_are_pictures_and_plotly_draws_its_own_in_a_sandbox(
    notebook: Callable[..., Notebook],
) -> None:
    asked: list[str] = []
    book = notebook(cells=(CELL,), name="charts.ipynb")
    book.page.on("request", lambda request: asked.append(request.url))
    book.run(0)
    book.wait_idle()
    view = book.widget(0)
    expect(view.locator(".nb-status", has_text="Done")).to_be_visible()
    book.page.wait_for_timeout(2_000)  # until panels that fold have folded
    for number in range(3):
        row = view.locator(".nb-tool", has_text=f"chart_{number}")
        if row.locator(".nb-panel").count() == 0:
            row.get_by_role("button").first.click()
    pictures = view.locator("img.nb-picture")
    expect(pictures).to_have_count(2)
    assert all(
        width > 100
        for width in pictures.evaluate_all("(all) => all.map((each) => each.naturalWidth)")
    )
    expect(view.get_by_text("Its picture is drawn by a script").first).to_be_visible()
    view.locator(".nb-tool", has_text="chart_2").get_by_role(
        "button", name="Draw it with plotly"
    ).click()
    frame = view.frame_locator("iframe")
    expect(frame.locator(".main-svg .boxlayer path.box").first).to_be_visible(timeout=90_000)
    book.shot("charts-live")
    assert not [
        url
        for url in asked
        if not url.startswith((book.lab.url, "data:", "blob:", "ws:", "about:"))
    ]
    reopen_without_kernel(book)
    place = book.cell(0).locator(".jp-Cell-outputArea")
    place.evaluate(
        "(place) => place.querySelectorAll('details').forEach((details) => { details.open = true })"
    )
    expect(place.locator("img")).to_have_count(2)
    expect(place.get_by_text("Its picture is drawn by a script").first).to_be_visible()
    book.shot("charts-saved")
