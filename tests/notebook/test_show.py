"""`show()` in every context of a user: a script, a running loop, IPython, a notebook."""

import asyncio
import gc
import signal
import subprocess
import sys
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from kernels.preloaded import PreloadedKernelManager
from nbclient import NotebookClient

import nbagent
from nbagent import events
from nbagent.errors import UnknownSource
from nbagent.run import Run


def python(script: str, *command: str) -> str:
    """Return the output of a script in a process of its own.

    Asserts that it ends without errors and warnings.
    """
    done = subprocess.run(
        [sys.executable, *command, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_script_is_held_until_everything_is_printed() -> None:
    out = python("import nbagent; run = nbagent.show(iter(['Hello, ', 'you'])); print(run.status)")
    assert "Hello, you" in out
    assert out.splitlines()[-1] == "completed"


def test_a_script_does_not_load_ipython_or_the_widget() -> None:
    out = python(
        "import nbagent, sys; nbagent.show(iter('a')); print('IPython' in sys.modules, "
        "'anywidget' in sys.modules)"
    )
    assert out.splitlines()[-1] == "False False"


def test_importing_nbagent_loads_neither_a_framework_nor_anything_that_only_some_need() -> None:
    out = python("import sys, nbagent; print(*{name.partition('.')[0] for name in sys.modules})")
    own = {"nbagent", "msgspec", "typing_extensions"}
    assert {
        name
        for name in out.split()
        if name not in sys.stdlib_module_names and not name.startswith("_")
    } - own == set()


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
    out = python(
        "import nbagent; run = nbagent.show(iter(['Hello'])); run",
        "-m",
        "IPython",
        "--no-banner",
        "--colors=nocolor",
    )
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
    with subprocess.Popen(
        [sys.executable, "-u", "-c", script], stdout=subprocess.PIPE, text=True
    ) as process:
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


def test_a_prompt_is_no_stream_and_the_message_says_what_to_show() -> None:
    with pytest.raises(UnknownSource, match=r"'How did 2025 go\?' is a text.*agent\.stream\(…\)"):
        nbagent.show("How did 2025 go?")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Write a poem.", "agent.stream(…)"),
        ("day.jsonl", "nbagent.replay('day.jsonl')"),
        ("localhost:8000/chat", "'http://localhost:8000/chat'"),
    ],
)
def test_a_text_is_refused_with_what_was_meant(text: str, meant: str) -> None:
    with pytest.raises(UnknownSource) as refused:
        nbagent.show(text)
    assert meant in str(refused.value)
    assert "To show it, put it into a list." in str(refused.value)


def test_an_option_of_another_name_is_recognised() -> None:
    with pytest.raises(TypeError, match="'title'; did you mean 'name'\\?"):
        nbagent.show(["a"], title="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="'idle_timout'; did you mean 'idle_timeout'\\?"):
        nbagent.show(["a"], idle_timout=3)  # type: ignore[call-arg]


async def test_a_run_is_drawn_again(capsys: pytest.CaptureFixture[str]) -> None:
    go = asyncio.Event()

    async def stream() -> AsyncIterator[str]:
        yield "Hello"
        await go.wait()
        yield ", you"

    run = nbagent.show(stream(), face="console", name="greeter")
    assert nbagent.show(run, face="console") is run
    go.set()
    await run
    printed = capsys.readouterr().out
    assert printed.count("Hello") == 1  # two copies at a time would be mixed
    assert nbagent.show(run, face="console") is run
    again = capsys.readouterr().out
    assert again.index("Hello, you") < again.index("Done in")
    assert "Hello, you" in printed


async def test_with_options_or_beside_others_a_runs_events_are_shown_as_another_run() -> None:
    run = await nbagent.show(["Hello"], face="console", name="greeter")
    again = await nbagent.show(run, face="console", hide={})
    assert again is not run
    assert (again.name, again.text) == ("greeter", "Hello")
    beside = await nbagent.show(run, ["Ho"], face="console")
    assert [(lane.name, lane.text) for lane in beside.lanes] == [
        ("greeter", "Hello"),
        ("stream", "Ho"),
    ]


async def test_a_dict_of_streams_names_them() -> None:
    run = await nbagent.show({"Oslo": iter(["cold"]), 7: iter(["lucky"])}, face="console")
    assert [(lane.name, lane.text) for lane in run.lanes] == [("Oslo", "cold"), ("7", "lucky")]


async def test_a_dict_of_plain_data_is_one_item() -> None:
    run = await nbagent.show({"chunk": {"type": "text", "text": "Hi"}}, face="console")
    assert run.lanes == []


async def test_two_agents_in_one_generator_are_both_shown() -> None:
    agents = [nbagent.Agent("demo", name=name) for name in ("Socrates", "Plato")]

    async def both() -> AsyncIterator[events.Event]:
        for agent in agents:
            async for event in agent.stream("Hi"):
                yield event

    run = await nbagent.show(both(), face="console")
    assert (run.name, run.status) == ("Socrates", "completed")
    assert len({event.agent for event in run.events if isinstance(event, events.TextDelta)}) == 2
    assert run.text == f"{run.answer}\n\n{run.answer}"


async def test_the_last_run_that_was_shown_is_kept_until_it_is_closed() -> None:
    nbagent.show(["Hello"], face="console")
    last = nbagent.last
    assert last is not None
    assert (await last).text == "Hello"
    again = nbagent.show(["Ho"], face="console")
    assert nbagent.last is again
    again.close()
    assert nbagent.last is None


async def test_only_the_last_run_is_kept() -> None:
    first = weakref.ref(await nbagent.show(["Hello"], face="console"))
    await nbagent.show(["Ho"], face="console")
    for _ in range(100):
        await asyncio.sleep(0)  # its reader's thread may be the last to let go
        gc.collect()
        if first() is None:
            break
    assert first() is None


async def test_what_runs_is_listed_and_can_be_stopped() -> None:
    async def endless() -> AsyncIterator[str]:
        yield "Hi"
        await asyncio.Event().wait()

    shown = [nbagent.show(endless(), face="console", name=name) for name in ("a", "<b>")]
    assert list(nbagent.runs)[-2:] == shown
    assert "'a' running" in repr(nbagent.runs)
    assert "&lt;b&gt;" in nbagent.runs._repr_html_()
    nbagent.runs.cancel()
    assert [(await run).status for run in shown] == ["cancelled", "cancelled"]
    assert len(nbagent.runs) == 0
    assert repr(nbagent.runs) == "No run goes on."


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
    NotebookClient(notebook, timeout=60, kernel_manager_class=PreloadedKernelManager).execute()
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
    # nothing said is a synced trait
    assert "Hello" not in str({**widgets_state(notebook)[widgets[0]], "_esm": ""})


def widgets_state(notebook: Any) -> Any:
    state = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    return {model: each["state"] for model, each in state.items()}
