"""The notebooks besides the tour, each run from top to bottom: in JupyterLab and without a front
end.
"""

import html
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from browser.conftest import NOTEBOOKS as FOLDER
from browser.expectation import expect
from browser.lab import Notebook
from nbclient import NotebookClient

NOTEBOOKS = {
    "02-any-framework.ipynb": {
        "remote = ": "An outlier is a value far from all others",
        "weather = ": "It will be sunny in Oslo",
        "graph = ": "The capital of the UK is London.",
        "handoff = ": "Handed over from Root to Symphony Composer",
        "claude = ": "The 10th Fibonacci number is 34",
        "vercel = ": "search_code",
        "unknown = ": "celsius",
        "mine = ": "It warms by 0.1 °C a step.",
    },
    "03-streams-in-python.ipynb": {
        "run = ": "ToolResult(",
        "slow.buffered": "'A **moving average**",
        "together = ": "the line went dead",
        "stalled = ": "Nothing came for 0.5 s",
        "long.cancel()": "'cancelled'",
        "safe = ": "The median is the middle value",
        "run.tools_df()": "load_sales",
        "debug = ": "Raw(seq=2",
        "again = ": "played again",
        "damaged = ": "it was cut there",
    },
    "04-leakage-control.ipynb": {
        "answer = ": "thinking and tools hidden",
        "hidden = ": "Hello Ada.",
        "tools = ": "(hidden)",
        "masked = ": "Ada's card is •••••••••••••••••••, her mail •••••••••••••••.",
        "shown = ": "There are three open invoices.",
        "public.jsonl": "[False, True]",
        "keys = ": "(False, 'The key is sk•",
    },
}
"""Text in the output of the cell with that piece of code."""


OVER = re.compile("Done in|Failed|Incomplete|Stopped|streams")


def code_of(notebook: Notebook, name: str) -> dict[int, str]:
    cells: list[dict[str, Any]] = json.loads((notebook.lab.root / name).read_text())["cells"]
    return {
        index: "".join(cell["source"])
        for index, cell in enumerate(cells)
        if cell["cell_type"] == "code"
    }


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_without_a_front_end(name: str, tmp_path: Path) -> None:
    # notebooks write files beside themselves
    home = shutil.copytree(FOLDER, tmp_path / "notebooks")
    notebook = nbformat.read(home / name, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": home}}).execute()
    for cell in notebook.cells:
        shown = html.unescape(
            re.sub("<[^>]+>", "", json.dumps(cell.get("outputs"), ensure_ascii=False))
        )
        for piece, text in NOTEBOOKS[name].items():
            assert piece not in cell.source or text in shown


@pytest.mark.proof
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_from_top_to_bottom(name: str, notebook: Callable[..., Notebook]) -> None:
    opened = notebook(name)
    code = code_of(opened, name)
    for index, source in code.items():
        opened.run(index)
        opened.wait_idle()
        views = opened.cell(index).locator(".nbagent .nb-status")
        for view in range(source.count("await nbagent.show(")):
            expect(views.nth(view)).to_contain_text(OVER, timeout=60_000)
        assert "Traceback" not in opened.output(index)
        for piece, text in NOTEBOOKS[name].items():
            if piece in source:
                expect(opened.cell(index).locator(".jp-OutputArea")).to_contain_text(text)
                opened.cell(index).scroll_into_view_if_needed()
                opened.shot(f"{name.partition('.')[0]}-{piece.split()[0]}")
