"""`show()` in every context of a user: a script, a running loop, IPython, a notebook."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

import nbagent
from nbagent.errors import UnknownSource
from nbagent.run import Run


def python(script: str, *command: str) -> str:
    """Return the output of a script in a process of its own. Asserts that it ends without errors and warnings."""
    done = subprocess.run([sys.executable, *command, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_script_is_held_until_everything_is_printed() -> None:
    out = python("import nbagent; run = nbagent.show(iter(['Hello, ', 'you'])); print(run.status)")
    assert "Hello, you" in out
    assert out.splitlines()[-1] == "completed"


def test_a_script_does_not_load_ipython_or_the_widget() -> None:
    out = python("import nbagent, sys; nbagent.show(iter('a')); print('IPython' in sys.modules, 'anywidget' in sys.modules)")
    assert out.splitlines()[-1] == "False False"


def test_importing_nbagent_loads_neither_a_framework_nor_anything_that_only_some_need() -> None:
    out = python("import sys, nbagent; print(*{name.partition('.')[0] for name in sys.modules})")
    own = {"nbagent", "msgspec", "typing_extensions"}
    assert {name for name in out.split() if name not in sys.stdlib_module_names and not name.startswith("_")} - own == set()


def test_inside_a_running_loop_show_returns_at_once_and_await_holds() -> None:
    script = """
import asyncio, nbagent
async def stream():
    yield "Hello"
async def main():
    run = nbagent.show(stream())
    print(run.done, (await run).text)
asyncio.run(main())
"""
    out = python(script)
    assert "False Hello" in out
    assert out.count("Hello") == 2


def test_ipython_without_a_kernel_prints() -> None:
    out = python("import nbagent; run = nbagent.show(iter(['Hello'])); run", "-m", "IPython", "--no-banner", "--colors=nocolor")
    assert "Hello" in out


@pytest.mark.skipif(sys.platform == "win32", reason="no signal to send")
def test_interrupting_a_script_closes_the_stream_before_the_process_ends() -> None:
    script = """
import nbagent, threading
class Stream:
    closed = False
    async def __aiter__(self):
        import asyncio
        yield "Hello"
        await asyncio.Event().wait()
    async def aclose(self):
        print("closed", flush=True)
try:
    nbagent.show(Stream())
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    with subprocess.Popen([sys.executable, "-u", "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        seen = ""
        while not seen.endswith("Hello"):
            seen += process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        out = process.stdout.read()
    assert out.index("closed") < out.index("interrupted")
    assert process.returncode == 0


def test_what_is_no_stream_is_refused_before_anything_is_drawn(capsys: Any) -> None:
    with pytest.raises(UnknownSource, match="Call the function"):
        nbagent.show(print)
    with pytest.raises(UnknownSource, match=r"DataFrame\.$"):
        nbagent.show(pd.DataFrame({"a": [1]}))
    with pytest.raises(UnknownSource, match=r"nbagent\.replay\(path\)"):
        nbagent.show(Path("run.jsonl"))
    with pytest.raises(UnknownSource, match=r"stream\(…\)"):
        nbagent.show(nbagent.Agent("demo"))
    with pytest.raises(ValueError, match="'html'"):
        nbagent.show(iter("a"), face="html")  # type: ignore[arg-type]
    assert capsys.readouterr().out == ""


def test_where_marimo_asks_a_run_displays_what_draws_it() -> None:
    run = Run(iter(["Hello"]))
    assert run._display_() == repr(run)
    run.view = lambda: "a widget"
    assert run._display_() == "a widget"


WIDGET = "application/vnd.jupyter.widget-view+json"
CELLS = [
    "import asyncio, nbagent\nasync def stream():\n    yield 'Hello'",
    "run = nbagent.show(stream())\nawait run\nrun",
    "run",
    "nbagent.show(stream(), face='console').wait().status",
    "nbagent.show(iter('abc')).wait().text",
]


@pytest.mark.filterwarnings("default")
def test_a_notebook_draws_one_widget_in_each_cell_that_shows_the_run() -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    NotebookClient(notebook, timeout=60).execute()
    _, shown, again, printed, waited = [cell.outputs for cell in notebook.cells]
    assert [set(out["data"]) for out in (*shown, *again)] == 2 * [
        {WIDGET, "text/html", "text/plain"},
        {"text/html", "text/markdown", "text/plain"},
    ]
    widgets = [out["data"][WIDGET]["model_id"] for out in (*shown, *again) if WIDGET in out["data"]]
    assert len(set(widgets)) == 1
    assert "Hello" in "".join(out.get("text", "") for out in printed)
    assert printed[-1]["data"]["text/plain"] == "'completed'"
    assert waited[-1]["data"]["text/plain"] == "'abc'"
    assert "Hello" not in str({**widgets_state(notebook)[widgets[0]], "_esm": ""})  # nothing said is a synced trait


def widgets_state(notebook: Any) -> Any:
    state = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    return {model: each["state"] for model, each in state.items()}
