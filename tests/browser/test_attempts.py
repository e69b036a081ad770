"""A tool call that a reader makes again in JupyterLab: by a click, with other arguments, after the
function was corrected.
"""

import json
from collections.abc import Callable

import pytest
from browser.expectation import expect
from browser.lab import Notebook

MINUTE = 60_000
TOOLS = '''
import nbagent, pandas as pd
def load_sales(year: int) -> pd.DataFrame:
    """Load the sales of one year."""
    print("reading", year)
    return pd.DataFrame({"region": ["north", "south", "west"], "sales": [412, 388, 95], "growth": [0.21, 0.03, -0.07]})
'''  # noqa: E501
CORRECTED = TOOLS.replace("388", "401 if year == 2024 else 500").replace("-0.07", "-0.05")
SHOW = """
run = nbagent.show(nbagent.Agent(model="demo", tools=[load_sales]).stream("Call load_sales for 2024"))
"""  # noqa: E501
AGAIN = "run.tools[0].rerun(year=2023)"


@pytest.mark.proof
def test_a_call_is_made_again_after_its_function_was_corrected(
    notebook: Callable[..., Notebook],
) -> None:
    book = notebook(cells=(TOOLS, SHOW, CORRECTED, AGAIN))
    for index in (0, 1):
        book.run(index)
        book.wait_idle()
    view = book.widget(1)
    expect(view.locator(".nb-status", has_text="Done in")).to_be_visible(timeout=MINUTE)
    book.run(2)
    book.wait_idle()
    row = view.get_by_role("button", name="load_sales").first
    if row.get_attribute("aria-expanded") == "false":
        row.click()
    view.get_by_role("button", name="Run again", exact=True).click()
    expect(view.get_by_text("Compared with the first result: 2 cells differ")).to_be_visible(
        timeout=MINUTE
    )
    expect(view.locator("tr", has_text="south").locator("ins").first).to_have_text("401")
    book.shot("attempt-light")

    # With other arguments, by the keyboard.
    view.get_by_role("button", name="Edit and run again…").click()
    field = view.get_by_label("year")
    expect(field).to_be_focused()
    field.fill("soon")
    field.press("ControlOrMeta+Enter")
    expect(view.locator(".nb-problem")).to_be_visible()
    field.fill("2025")
    book.theme("dark")
    book.shot("attempt-form-dark")
    field.press("ControlOrMeta+Enter")
    expect(view.get_by_text("Attempt 2")).to_be_visible(timeout=MINUTE)
    expect(view.locator("ins", has_text="500").first).to_be_visible(timeout=MINUTE)
    book.shot("attempt-dark")

    # From a cell: it shows as the cell's last expression, and in the run.
    book.run(3)
    book.wait_idle()
    expect(view.get_by_text("Attempt 3")).to_be_visible(timeout=MINUTE)
    expect(book.cell(3)).to_contain_text("Compared with the first result")
    book.cell(3).scroll_into_view_if_needed()
    book.shot("attempt-cell-dark")
    book.theme("light")

    # The page is loaded again, and the file is saved.
    book.save()
    book.load()
    view = book.widget(1)
    expect(view.get_by_text("Attempt 3")).to_be_visible(timeout=MINUTE)
    saved = json.dumps(json.loads((book.lab.root / book.name).read_text())["cells"][1]["outputs"])
    assert "Attempt 3" in saved
    assert "Compared with the first result: 2 cells differ" in saved
