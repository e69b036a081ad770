"""A failed call in JupyterLab: the frames of its exception, and a breakpoint where a sync tool of
plain code waits.
"""

import re
from collections.abc import Callable

from browser.expectation import expect
from browser.lab import Notebook

GO_ON = re.compile(r"^(Allow|Run)$")
TOOLS = """
import nbagent
@nbagent.tool
def fetch_rates(year: int, api_key: str = "zz-secret-zz") -> dict:
    "Rates of a year."
    table = {2024: 11.2, 2023: 11.5}
    return pick(table, year)

def pick(table, year):
    wanted = f"rate-{year}"
    return {wanted: table[year]}

async def plain():
    for year in (1999, 2024):
        try:
            yield f"{fetch_rates(year)}"
        except KeyError as error:
            yield f"No rate for {error}. "
"""
RUN = "run = await nbagent.show(plain(), stop_at=lambda name, args: args['year'] == 2024)"


def test_a_failed_call_shows_its_frames_and_a_sync_tool_waits_for_its_reader(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook(cells=(TOOLS, RUN))
    book.run(0)
    book.wait_idle()
    book.run(1)
    view = book.widget(1)
    frames = view.locator(".nb-stack-frame")
    expect(frames).to_have_count(2, timeout=60_000)
    expect(frames.nth(0)).to_contain_text("return {wanted: table[year]}")
    expect(frames.nth(0)).to_contain_text("wanted'rate-1999'")
    frames.nth(1).get_by_role("button").click()
    expect(frames.nth(1)).to_contain_text("api_key")
    assert "zz-secret-zz" not in (view.inner_text() or "")
    book.shot("debug-frames-light")
    book.theme("dark")
    book.shot("debug-frames-dark")
    # The second call waits on the kernel's own thread, and takes its answer from the view all the
    # same.
    view.get_by_role("button", name=GO_ON).click()
    expect(view.locator(".nb-status", has_text="Done in")).to_be_visible(timeout=60_000)
    expect(view.locator(".nb-log")).to_contain_text("rate-2024")
