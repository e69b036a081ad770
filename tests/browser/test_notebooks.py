"""The other notebooks, as a reader meets them: each run from top to bottom in JupyterLab, and looked at."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from browser.lab import Notebook
from playwright.sync_api import expect

NOTEBOOKS = {
    "02-any-framework.ipynb": {
        "remote = ": "I know nothing by myself",
        "weather = ": "It will be sunny in Oslo",
        "graph = ": "The capital of the UK is London.",
        "handoff = ": "Handed over from Root to Symphony Composer",
        "claude = ": "The 10th Fibonacci number is 34",
        "vercel = ": "search_code",
        "unknown = ": "celsius",
        "mine = ": "It warms by 0.1 °C a step.",
    },
}
"""What stands in the output of the cell with that piece of code."""


def code_of(notebook: Notebook, name: str) -> dict[int, str]:
    cells: list[dict[str, Any]] = json.loads((notebook.lab.root / name).read_text())["cells"]
    return {index: "".join(cell["source"]) for index, cell in enumerate(cells) if cell["cell_type"] == "code"}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_from_top_to_bottom(name: str, notebook: Callable[..., Notebook]) -> None:
    opened = notebook(name)
    code = code_of(opened, name)
    for index, source in code.items():
        opened.run(index)
        opened.wait_idle()
        views = source.count("await nbagent.show(")
        done = opened.cell(index).locator(".nb-status", has_text="Done in")
        for view in range(views):
            expect(done.nth(view)).to_be_visible(timeout=60_000)
        assert "Traceback" not in opened.output(index)
        for piece, said in NOTEBOOKS[name].items():
            if piece in source:
                expect(opened.cell(index).locator(".jp-OutputArea")).to_contain_text(said)
                opened.cell(index).scroll_into_view_if_needed()
                opened.shot(f"{name.partition('.')[0]}-{piece.split()[0]}")
