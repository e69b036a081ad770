"""The notebook that debugs a tool, as its reader goes through it: by clicks, which are counted."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable

from browser.expectation import expect
from browser.lab import SIZE, Notebook
from playwright.sync_api import Locator

NAME = "06-debug-a-tool.ipynb"
MINUTE = 60_000
PIECES = {
    "define": "RATES = ",
    "run": "run = ",
    "correct": "rates = RATES[day.year]",
    "stop": "stopped = ",
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


def rows_of(book: Notebook) -> dict[str, str]:
    """Return the clicks of each task, as the table at the notebook's end has them."""
    cells = json.loads((book.lab.root / NAME).read_text())["cells"]
    lines = [line.split("|") for line in cells[-1]["source"] if line.startswith("| ")]
    return {parts[1].strip(): parts[2].strip() for parts in lines[1:]}


def test_a_wrong_answer_is_understood_corrected_and_kept_as_a_test_by_clicks(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook(NAME)
    at = cells_of(book)
    clicks: Counter[str] = Counter()

    def execute(name: str) -> None:
        book.run(at[name])
        book.wait_idle()

    def click(task: str, what: Locator) -> None:
        clicks[task] += 1
        what.click()

    def button(within: Locator, name: str) -> Locator:
        return within.get_by_role("button", name=name, exact=True).first

    execute("define")
    book.speed_up()
    execute("run")
    views = book.cell(at["run"]).locator(".nb-frame")
    run = views.nth(0)
    expect(run.locator(".nb-log")).to_contain_text("returned 1,148", timeout=MINUTE)

    task = "what the model saw"
    click(task, button(run, "Inspect"))
    click(task, run.get_by_role("tab", name="Requests"))
    click(task, run.get_by_role("listbox", name="Requests").get_by_role("option").nth(1))
    expect(run.get_by_role("region", name="Request 2")).to_contain_text("11.48")
    book.shot("debug-request-light")

    task = "the request with another text"
    click(task, button(run, "Edit and send"))
    output = run.get_by_role("textbox", name="output")
    output.fill(output.input_value().replace("11.48", "11.43"))
    click(task, button(run, "Send"))
    answers = run.get_by_role("region", name="Both answers")
    expect(answers.locator("ins").first).to_contain_text("11.43", timeout=MINUTE)
    book.shot("debug-send-light")
    button(run, "Inspect").click()

    task = "the call with another argument"
    row = run.get_by_role("button", name="fetch_rates").first
    if row.get_attribute("aria-expanded") == "false":
        row.click()
    click(task, button(run, "Edit and run again…"))
    run.get_by_role("textbox", name="currency").fill("BGN")
    click(task, button(run, "Run with changes"))
    expect(run.locator(".nb-stack-locals").first).to_contain_text(
        "datetime.date(2024, 6, 28)", timeout=MINUTE
    )
    book.theme("dark")
    book.shot("debug-variables-dark")
    book.theme("light")

    execute("correct")
    click("the call again", button(run, "Run again"))
    expect(run.locator("ins", has_text="11.43").first).to_be_visible(timeout=MINUTE)
    book.shot("debug-rerun-light")

    task = "on from the call"
    click(task, button(run, "Fork from here…"))
    click(task, button(run, "Fork"))
    fork = views.nth(1)
    expect(fork.locator(".nb-log")).to_contain_text("returned 1,143", timeout=MINUTE)
    button(run, "Go to it").click()
    book.shot("debug-fork-light")

    task = "with another result"
    click(task, button(run, "Fork from here…"))
    click(task, button(run, "+ result"))
    run.get_by_role("textbox", name="result").fill('{"rate": 12}')
    click(task, button(run, "Fork"))
    expect(views.nth(2).locator(".nb-log")).to_contain_text("returned 1,200", timeout=MINUTE)

    click("runs side by side", button(fork, "Compare"))
    table = fork.locator(".nb-compared table").first
    expect(table.locator("tr").first.locator("td")).to_have_count(3)
    table.scroll_into_view_if_needed()
    book.shot("debug-compare-light")
    book.theme("dark")
    book.shot("debug-compare-dark")
    book.theme("light")
    book.page.set_viewport_size({"width": 600, "height": 1000})
    table.scroll_into_view_if_needed()
    book.shot("debug-compare-600")
    book.page.set_viewport_size(SIZE)
    button(fork, "Close").click()

    task = "what a result costs"
    click(task, button(fork, "Inspect"))
    click(task, fork.get_by_role("tab", name="Timeline"))
    expect(fork.locator(".nb-bar-row-tool").first).to_contain_text("tokens in")
    book.shot("debug-timeline-light")
    book.page.set_viewport_size({"width": 600, "height": 1000})
    book.shot("debug-timeline-600")
    book.page.set_viewport_size(SIZE)
    button(fork, "Inspect").click()

    task = "a test"
    click(task, button(fork, "Inspect"))
    click(task, button(fork, "Keep as test"))
    expect(fork.get_by_role("status").filter(has_text="Written to")).to_be_visible(timeout=MINUTE)
    book.shot("debug-test-light")
    path = book.lab.root / "test_cashier.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout + done.stderr

    execute("stop")
    stopped = book.widget(at["stop"])
    expect(stopped.locator(".nb-head")).to_contain_text("waits for you", timeout=MINUTE)
    click("a stopped run goes on", button(stopped, "Run"))
    expect(stopped.locator(".nb-status", has_text="Done in")).to_be_visible(timeout=MINUTE)

    told = {task: int(number) for task, number in rows_of(book).items() if number.isdigit()}
    assert told == clicks
