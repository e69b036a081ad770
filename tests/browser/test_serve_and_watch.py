"""The notebook that serves an agent: a chat in the web page, and a run that a second kernel watches
and stops.
"""

import json
import re
from collections.abc import Callable

from browser.expectation import expect
from browser.lab import Notebook, screenshot
from playwright.sync_api import Page

NAME = "07-serve-and-watch.ipynb"
MINUTE = 60_000
PIECES = {
    "define": "STOCK = ",
    "serve": "nbagent.serve",
    "begin": "/runs",
    "line": "print(f'nbagent",
    "watch": "nbagent.show(server",
}


def test_an_agent_is_chatted_with_in_a_page_and_its_run_is_stopped_from_a_second_kernel(
    notebook: Callable[..., Notebook], page: Page
) -> None:
    book = notebook(NAME)
    cells = json.loads((book.lab.root / NAME).read_text())["cells"]
    code = {
        index: "".join(cell["source"])
        for index, cell in enumerate(cells)
        if cell["cell_type"] == "code"
    }
    at = {
        name: next(index for index, source in code.items() if piece in source)
        for name, piece in PIECES.items()
    }
    at["stock"] = next(index for index, source in code.items() if source == "STOCK")

    def execute(*names: str) -> None:
        for name in names:
            book.run(at[name])
            book.wait_idle()

    execute("define")
    book.speed_up()
    execute("serve")
    link = book.cell(at["serve"]).get_by_role("link")
    expect(link).to_be_visible(timeout=MINUTE)
    book.shot("serve-card-light")

    # The page, in a window of its own.
    page.goto(link.get_attribute("href") or "")
    expect(page.get_by_label("Your message")).to_be_focused(timeout=MINUTE)
    page.keyboard.type('Call order for "sencha", 500 grams')
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Allow", exact=True).click()
    expect(page.locator(".nb-log")).to_contain_text(
        "500 g of sencha are on their way", timeout=MINUTE
    )
    screenshot(page, "serve-page-light")
    execute("stock")
    assert "'sencha': 500" in book.output(at["stock"])

    # A run of a program: in the page, in this notebook, and in another one, which stops it.
    execute("begin", "line", "watch")
    expect(book.widget(at["watch"]).locator(".nb-log")).to_contain_text(
        "oolong: minute 1 of 60", timeout=MINUTE
    )
    page.locator("section", has_text="Running now").get_by_role("link", name="teahouse").click()
    expect(page.locator(".nb-log")).to_contain_text("oolong: minute 1 of 60", timeout=MINUTE)
    page.emulate_media(color_scheme="dark")
    screenshot(page, "serve-watched-dark")
    book.theme("dark")
    book.shot("serve-watch-dark")
    line = re.search(r'nbagent\.show\("http.*?"\)', book.output(at["line"]))
    assert line is not None
    other = notebook(cells=(f"import nbagent\n{line[0]}",))
    other.run(0)
    expect(other.widget(0).locator(".nb-log")).to_contain_text(
        "oolong: minute 1 of 60", timeout=MINUTE
    )
    other.widget(0).get_by_role("button", name="Stop").click()
    expect(page.locator(".nb-status")).to_contain_text("Stopped", timeout=MINUTE)
    expect(other.widget(0).locator(".nb-status")).to_contain_text("Stopped", timeout=MINUTE)
