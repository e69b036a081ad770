"""A notebook of replays gives the same outputs each time, except for the ids that distinguish two
views in one page.
"""

import json
import re
from pathlib import Path
from typing import Any

import nbformat
from kernels.preloaded import PreloadedKernelManager
from nbclient import NotebookClient

RECORDINGS = Path(__file__).parents[3] / "notebooks" / "recordings"
# A body's items have no times. On a busy machine one may take long enough to show how long, so here
# all come at once.
STOPPED_CLOCK = """
import sys, types
for name in ("nbagent.run.state", "nbagent.sources.recording.replay"):
    sys.modules[name].time = types.SimpleNamespace(time=lambda: 1763749000.0)
"""
CELLS = [
    f"import nbagent\n{STOPPED_CLOCK}",
    (
        "a = await "
        f"nbagent.show(nbagent.replay({str(RECORDINGS / 'openai-agents-handoff.jsonl')!r}))\n"
        f"a.tools"
    ),
    (
        "b = await "
        f"nbagent.show(nbagent.replay({str(RECORDINGS / 'vercel-ui-parallel-tools.sse')!r}))\n"
        "print(b.text)"
    ),
]
ID = re.compile(r"\b[0-9a-f]{16,32}\b")


def outputs() -> list[Any]:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    NotebookClient(
        notebook, timeout=60, kernel_manager_class=PreloadedKernelManager, kernel_name="python3"
    ).execute()
    outputs = json.dumps([output for cell in notebook.cells for output in cell.outputs])
    assert "Symphony Composer" in outputs
    assert "Done in <0.1s" in outputs  # the clock stands for all that reads it
    return json.loads(ID.sub("ID", outputs))  # type: ignore[no-any-return]


def test_a_notebook_of_replays_gives_the_same_outputs_each_time() -> None:
    assert outputs() == outputs()
