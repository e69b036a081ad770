"""The notebook that debugs a tool, as its reader goes through it.

Clicks and keystrokes of each act stand beside it.
"""

import json
from collections.abc import Callable

from browser.expectation import expect
from browser.lab import Notebook

NAME = "06-debug-a-tool.ipynb"
MINUTE = 60_000
PIECES = {
    "define": "RATES = ",
    "run": "run = ",
    "new": "requests[1].new",
    "failed": "failed = ",
    "exception": "].exception",
    "correct": "rates = RATES[day.year]",
    "rerun": ".rerun()",
    "fork": "fork = ",
    "compare": "nbagent.compare",
    "stop": "stopped = ",
    "waiting": "stopped.waiting",
    "write": "to_test",
    "test": "-m pytest",
}


def cells_of(book: Notebook) -> dict[str, int]:
    """Return the index of each cell, by a piece of its code."""
    cells = json.loads((book.lab.root / NAME).read_text())["cells"]
    code = {
        index: "".join(cell["source"])
        for index, cell in enumerate(cells)
        if cell["cell_type"] == "code"
    }
    return {
        name: next(index for index, source in code.items() if piece in source)
        for name, piece in PIECES.items()
    }


def test_a_wrong_answer_is_understood_corrected_and_kept_as_a_test(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook(NAME)
    at = cells_of(book)

    def execute(*names: str) -> None:
        for name in names:
            book.run(at[name])
            book.wait_idle()

    execute("define")
    book.speed_up()
    execute("run")
    view = book.widget(at["run"])
    expect(view.locator(".nb-log")).to_contain_text("returned 1,148", timeout=MINUTE)

    # The request that holds the wrong rate: 3 clicks.
    view.get_by_role("button", name="Inspect").click()
    view.get_by_role("tab", name="Requests").click()
    view.get_by_role("listbox", name="Requests").get_by_role("option").nth(1).click()
    expect(view.get_by_role("region", name="Request 2")).to_contain_text("11.48")
    book.shot("debug-request-light")
    view.get_by_role("button", name="Inspect").click()
    execute("new")
    assert "11.48" in book.output(at["new"])

    # The variables of the call that fails: no click, its panel is open.
    execute("failed", "exception")
    failed = book.widget(at["failed"])
    expect(failed.locator(".nb-stack-locals").first).to_contain_text(
        "datetime.date(2024, 6, 28)", timeout=MINUTE
    )
    book.theme("dark")
    book.shot("debug-variables-dark")
    assert "KeyError" in book.output(at["exception"])

    # The function corrected, the call made again: 2 clicks.
    execute("correct")
    view = book.widget(at["run"])
    row = view.get_by_role("button", name="fetch_rates").first
    if row.get_attribute("aria-expanded") == "false":
        row.click()
    view.get_by_role("button", name="Run again", exact=True).click()
    expect(view.locator("ins", has_text="11.43").first).to_be_visible(timeout=MINUTE)
    book.shot("debug-rerun-dark")
    book.theme("light")
    execute("rerun")
    expect(book.cell(at["rerun"])).to_contain_text("11.43", timeout=MINUTE)

    # On from there, live, and beside the first run.
    execute("fork", "compare")
    fork = book.widget(at["fork"])
    expect(fork.locator(".nb-log")).to_contain_text("returned 1,143", timeout=MINUTE)
    book.shot("debug-fork-light")
    expect(book.cell(at["compare"])).to_contain_text("1143", timeout=MINUTE)
    book.shot("debug-compare-light")

    # A breakpoint, left by 1 click.
    execute("stop")
    expect(book.widget(at["stop"]).locator(".nb-head")).to_contain_text(
        "waits for you", timeout=MINUTE
    )
    execute("waiting")
    assert "fetch_rates" in book.output(at["waiting"])
    stopped = book.widget(at["stop"])
    stopped.get_by_role("button", name="Run", exact=True).click()
    expect(stopped.locator(".nb-status", has_text="Done in")).to_be_visible(timeout=MINUTE)

    execute("write", "test")
    expect(book.cell(at["test"])).to_contain_text("1 passed", timeout=MINUTE)
    book.shot("debug-test-light")
