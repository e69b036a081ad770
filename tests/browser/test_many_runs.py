"""The notebook of many runs, as its reader goes through it."""

import json
from collections.abc import Callable

from browser.expectation import expect
from browser.lab import Notebook

NAME = "08-many-runs.ipynb"
MINUTE = 60_000


def test_wrong_rows_are_opened_corrected_run_again_and_compared(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook(NAME)
    cells = json.loads((book.lab.root / NAME).read_text())["cells"]
    code = [index for index, cell in enumerate(cells) if cell["cell_type"] == "code"]
    define, yesterday, today, exception, correct, compare, keep = code
    book.run(define)
    book.wait_idle()
    book.speed_up()
    book.run(yesterday)
    book.wait_idle()
    book.run(today)
    book.wait_idle()
    table = book.widget(today)
    expect(table.locator(".nb-map-summary")).to_contain_text("check 0.625", timeout=MINUTE)

    # The row opens, and its call shows what the function saw.
    row = table.locator(".nb-map-row", has_text="order 103")
    row.click()
    card = table.locator(".nb-map-card")
    expect(card.locator(".nb-stack-locals").first).to_contain_text("'sek'", timeout=MINUTE)
    book.shot("many-runs-open-light")
    book.theme("dark")
    book.shot("many-runs-open-dark")
    book.theme("light")
    row.click()
    expect(card).to_have_count(0)
    book.run(exception)
    book.wait_idle()
    assert "KeyError('sek')" in book.output(exception)

    # The function corrected: the same table has the new answers.
    book.run(correct)
    book.wait_idle()
    assert "check 1 " in book.output(correct)
    expect(row).to_contain_text("returned 514.35")
    book.run(compare)
    book.wait_idle()
    expect(book.cell(compare)).to_contain_text("3 better")
    book.shot("many-runs-compared-light")
    book.run(keep)
    book.wait_idle()
    assert "order 108" in book.output(keep)
    book.shot("many-runs-kept-light")
    assert len((book.lab.root / "orders.jsonl").read_text().splitlines()) == 8
