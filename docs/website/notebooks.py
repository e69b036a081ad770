"""The notebooks, executed, as pages."""

import asyncio
import contextlib
import html
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from nbagent.render.markup.mathml import mathml
from website import lite

IN_A_PAGE = (
    "01-tour.ipynb",
    "04-leakage-control.ipynb",
    "05-your-own-agent.ipynb",
    "06-debug-a-tool.ipynb",
)
"""Notebooks that JupyterLite runs: others need sockets or frameworks."""

AT_A_TIME = 2
"""Kernels."""

TIMEOUT_S = 300
"""Seconds that a cell may take."""

PAUSE_S = 5.0
"""Seconds between a cell that leaves a run to go on and the next one, as a reader takes them. The
static copy of the run as it is after three of them is on the page.
"""

_FORMULA = re.compile(r"\$\$(?P<block>[^$]+)\$\$|(?<![\\$\w])\$(?P<line>[^\s$][^$\n]*)\$(?![\w$])")
_STYLE = (
    "<style>table{border:0;border-collapse:collapse;font-size:.9em}"
    "td,th{padding:.2em .7em;border:0;border-bottom:1px solid rgba(128,128,128,.25)}"
    "img,svg{max-width:100%}</style>"
)


def write(notebooks: Path, folder: Path) -> None:
    """Execute the notebooks of a folder, and write each as a page.

    They have no live view: the static copy of each run is what a reader of the saved file sees.
    """
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name) / "notebooks"
        shutil.copytree(notebooks, work)
        paths = sorted(work.glob("*.ipynb"))
        for path, notebook in zip(paths, asyncio.run(_executed(paths)), strict=True):
            text = page(notebook, path.name)
            (folder / f"{path.stem}.md").write_text(text, "utf-8")


async def _executed(paths: list[Path]) -> list[Any]:
    room = asyncio.Semaphore(AT_A_TIME)
    return await asyncio.gather(*(_execute(path, room) for path in paths))


async def _execute(path: Path, room: asyncio.Semaphore) -> Any:
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(notebook, timeout=TIMEOUT_S, resources=resources, record_timing=False)

    async def pause(cell: Any, cell_index: int, **kwargs: Any) -> None:
        if not re.search(r"(?<!await )nbagent\.show\(|^%%agent", cell.source):
            return
        assert client.kc is not None
        # nbclient itself passes over what comes between two cells
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PAUSE_S):
                while True:
                    message = await client.kc.iopub_channel.get_msg()
                    if message["msg_type"] == "update_display_data":
                        client.process_message(message, cell, cell_index)

    client.on_cell_executed = pause
    async with room:
        await client.async_execute(env={**os.environ, "NBAGENT_STABLE": "1"})
    return notebook


def page(notebook: Any, name: str) -> str:
    """Return an executed notebook as Markdown."""
    parts: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source if parts else _with_button(cell.source, name))
        elif cell.cell_type == "code":
            parts.append(f"```python\n{cell.source}\n```")
            parts.extend(_output(output) for output in cell.outputs)
    note = f"*This page is the notebook `notebooks/{name}`, executed when the site was built.*"
    return "\n\n".join([*parts, note]) + "\n"


def _with_button(text: str, name: str) -> str:
    """Return a notebook's beginning, with a button below its title that opens it in JupyterLite."""
    if name not in IN_A_PAGE:
        return text
    title, _, rest = text.partition("\n")
    address = f"../lite/{lite.address(name)}"
    button = f'<a class="md-button md-button--primary" href="{address}">Try it in the browser</a>'
    return f"{title}\n\n{button} Nothing is installed: Python runs in the page.\n{rest}"


def _output(output: Any) -> str:
    if output.output_type == "stream":
        return _text(output.text)
    if output.output_type == "error":
        raise ValueError(f"{output.ename}: {output.evalue}")
    data = output.data
    if "image/png" in data:
        png = data["image/png"].replace("\n", "")
        return _shadow(f'<img alt="A figure" src="data:image/png;base64,{png}">')
    if "text/html" in data:
        return _shadow(_FORMULA.sub(_formula, data["text/html"]))
    return _text(data.get("text/plain", ""))


def _text(text: str) -> str:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text).rstrip("\n")
    return f'<pre class="output">{html.escape(plain)}</pre>'.replace("\n", "&#10;")


def _shadow(markup: str) -> str:
    """Return HTML that the site's styles do not reach.

    It is one line, which Markdown leaves alone.
    """
    one_line = f"{_STYLE}{markup}".replace("\n", "&#10;")
    return f'<div class="output"><template shadowrootmode="open">{one_line}</template></div>'


def _formula(found: re.Match[str]) -> str:
    block, line = found.group("block", "line")
    return mathml(html.unescape(block or line), display=block is not None) or found[0]
