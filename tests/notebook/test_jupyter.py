"""Widgets and static copies in the cells of a real kernel: what is shown, what is closed, what
stays.
"""

import contextlib
import gzip
import json
import re
from collections.abc import Iterator
from queue import Empty
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from kernels.preloaded import preload

SETUP = """
import threading, nbagent
from ipywidgets.widgets.widget import _instances
def widgets():
    names = sorted(type(widget).__name__ for widget in _instances.values())
    print(*(f"{names.count(name)} {name}" for name in dict.fromkeys(names)), sep=", ")
go = threading.Event()
def waiting():
    yield "begun"
    go.wait(30)
    yield " and done"
def on_other_thread(call):
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
"""
WIDGET = "application/vnd.jupyter.widget-view+json"


class Notebook:
    """Runs cells as JupyterLab does, each with its id, and keeps what came."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client
        self.copies: dict[str, str] = {}
        """HTML of the static copies by display id, as updated since."""
        self.metadata: dict[str, dict[str, Any]] = {}
        """Metadata of the static copies by display id, as updated since."""
        self.opened: list[dict[str, Any]] = []
        """`comm_open` messages."""
        self.messages: list[tuple[str, dict[str, Any]]] = []
        """Type and content of all messages."""

    def run(self, code: str, cell: str = "") -> list[dict[str, Any]]:
        """The cell's outputs: MIME bundles with `display_id` where there is one, streams as
        `text`.
        """
        session = self.client.session
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
        }
        message = session.msg(
            "execute_request", content, metadata={"cellId": cell} if cell else None
        )
        self.client.shell_channel.send(message)
        outputs: list[dict[str, Any]] = []
        while True:
            reply = self.client.get_iopub_msg(timeout=60)
            content, kind = reply["content"], reply["msg_type"]
            self.messages.append((kind, content))
            mine = reply["parent_header"].get("msg_id") == message["header"]["msg_id"]
            if kind == "update_display_data":
                self.copies[content["transient"]["display_id"]] = content["data"]["text/html"]
                self.metadata[content["transient"]["display_id"]] = content["metadata"]
            elif mine and kind in ("display_data", "execute_result"):
                id_ = content.get("transient", {}).get("display_id")
                if id_:
                    self.copies[id_] = content["data"]["text/html"]
                outputs.append(
                    {**content["data"], "display_id": id_, "metadata": content["metadata"]}
                )
            elif kind == "comm_open":
                self.opened.append({**content, "buffers": reply["buffers"]})
            elif mine and kind == "stream":
                outputs.append({"text": content["text"]})
            elif mine and kind == "error":
                raise AssertionError("\n".join(content["traceback"]))
            elif mine and kind == "status" and content["execution_state"] == "idle":
                return outputs

    def say(self, code: str) -> str:
        """Return the text that code prints."""
        return "".join(output.get("text", "") for output in self.run(code)).strip()


@pytest.fixture(scope="module")
def kernel() -> Iterator[BlockingKernelClient]:
    manager = KernelManager()
    preload(manager)
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


@pytest.fixture
def notebook(kernel: BlockingKernelClient) -> Iterator[Notebook]:
    """A fresh start in the kernel that the tests share: no widget, no event set."""
    notebook = Notebook(kernel)
    notebook.run(
        "%reset -f\nimport ipywidgets, sys\n"
        "for displays in getattr(sys.modules.get('nbagent.notebook.jupyter'), '_by_shell', "
        "{}).values():\n"
        "    for shown in tuple(displays._live): shown.close()\nipywidgets.Widget.close_all()"
    )
    notebook.run(SETUP)
    with contextlib.suppress(Empty):
        while True:
            kernel.get_iopub_msg(timeout=0)
    yield notebook
    notebook.run("go.set()")  # lets go of the threads that wait for it


def dom_key(output: dict[str, Any]) -> str:
    found = re.search(r'data-nbagent-twin="([\w-]+)" aria', output["text/html"])
    assert found is not None
    return found[1]


def test_a_run_makes_two_outputs_and_no_more_in_its_cell(notebook: Notebook) -> None:
    widget, copy = notebook.run(
        "run = nbagent.show(iter(['Hello']), name='agent')\nawait run\nrun", "c"
    )
    assert widget.pop(WIDGET)["model_id"]
    view = {"nbagent": {"view": dom_key(copy)}}
    assert widget == {
        "text/plain": "nbagent: agent",
        "text/html": "<span></span>",
        "display_id": None,
        "metadata": view,
    }
    assert "<p>Hello</p>" in notebook.copies[copy["display_id"]]
    assert set(copy) == {"text/html", "text/plain", "display_id", "metadata"}


def test_the_static_copy_is_small_at_first_and_whole_when_the_run_has_ended_in_a_later_cell(
    notebook: Notebook,
) -> None:
    _, copy = notebook.run("run = nbagent.show(waiting())", "c")
    assert "running when this copy was made" in notebook.copies[copy["display_id"]]
    notebook.run("go.set()\nawait run")
    assert "begun and done" in notebook.copies[copy["display_id"]]
    assert "Done in" in notebook.copies[copy["display_id"]]


def test_a_run_that_goes_on_is_written_down_now_and_then(notebook: Notebook) -> None:
    quick = "from nbagent.notebook import static_copy\nstatic_copy.FIRST_SAVE_S = {}\n"
    _, copy = notebook.run(quick.format("0.1") + "run = nbagent.show(waiting())", "c")
    notebook.run(
        "import time\nwhile not run.text: time.sleep(0.01)\ntime.sleep(0.5)\n" + quick.format("3.0")
    )
    assert "<p>begun</p>" in notebook.copies[copy["display_id"]]
    assert "running when this copy was made" in notebook.copies[copy["display_id"]]
    notebook.run("go.set()\nawait run")


NO_VIEW = "This page cannot draw the live view. Run <code>pip install anywidget</code>"
FALLBACK = """
import asyncio
from nbagent.notebook import jupyter, static_copy
static_copy.FIRST_SAVE_S = static_copy.FALLBACK_INTERVAL_S = 0.1
run = nbagent.show(waiting())
await asyncio.sleep(1)
"""
SLOW_AGAIN = "static_copy.FIRST_SAVE_S, static_copy.FALLBACK_INTERVAL_S = 3.0, 1.0\n"


def test_where_no_view_answers_the_static_copy_follows_the_run_and_says_why(
    notebook: Notebook,
) -> None:
    _, copy = notebook.run(FALLBACK, "c")
    followed = notebook.copies[copy["display_id"]]
    assert NO_VIEW in followed
    assert "<p>begun</p>" in followed
    notebook.run(
        "jupyter._displays()._live[-1]._widget._on_view_message({'t': 'ack', 'seq': 1})\nawait "
        "asyncio.sleep(0.5)"
    )
    assert "pip install" not in notebook.copies[copy["display_id"]]  # it was only slow
    notebook.run(f"{SLOW_AGAIN}go.set()\nawait run")
    assert "pip install" not in notebook.copies[copy["display_id"]]


def test_without_a_front_end_no_line_says_that_one_lacks_widgets(notebook: Notebook) -> None:
    _, copy = notebook.run(FALLBACK)  # nbclient and papermill send no cell's id
    assert "pip install" not in notebook.copies[copy["display_id"]]
    notebook.run(f"{SLOW_AGAIN}go.set()\nawait run")
    assert "begun and done" in notebook.copies[copy["display_id"]]


def test_each_copy_says_what_it_holds(notebook: Notebook) -> None:
    _, copy = notebook.run("run = nbagent.show(waiting())", "c")
    assert copy["metadata"] == {"nbagent": {"events": 0, "blocks": 1}}
    notebook.run("go.set()\nawait run")
    events = int(notebook.say("print(run.event_count)"))
    assert notebook.metadata[copy["display_id"]] == {"nbagent": {"events": events, "blocks": 2}}


def test_once_a_copy_is_sent_the_views_hear_how_many_events_it_holds(notebook: Notebook) -> None:
    notebook.run("run = nbagent.show(waiting())", "c")
    before = len(notebook.messages)
    notebook.run("from nbagent.notebook.jupyter import _displays\n_displays()._live[-1].update()")
    word = f'"copied": {notebook.say("print(run.event_count)")}'
    while True:
        notebook.run("pass")  # until the pump has sent it
        kinds = [
            kind if word not in json.dumps(content) else "word"
            for kind, content in notebook.messages[before:]
        ]
        if "word" in kinds:
            break
    assert kinds.index("update_display_data") < kinds.index("word")


def test_of_the_last_copy_only_later_views_hear(notebook: Notebook) -> None:
    notebook.run("run = nbagent.show(waiting())", "c")
    before = len(notebook.messages)
    notebook.run("go.set()\nawait run")
    assert notebook.say("print(run.snapshot()[0]['copied'] == run.event_count)") == "True"
    notebook.run("import asyncio\nawait asyncio.sleep(0.2)")
    sent = [content for kind, content in notebook.messages[before:] if kind == "comm_msg"]
    assert '"completed"' in json.dumps(sent)
    assert '"copied"' not in json.dumps(sent)


def test_a_page_that_has_not_got_the_outputs_can_read_them(notebook: Notebook) -> None:
    widget, copy = notebook.run("run = nbagent.show(waiting())", "c")
    notebook.run(
        "import json\nfrom nbagent.notebook.jupyter import _displays\nshown = "
        "_displays()._live[-1]._widget"
    )
    saved = json.loads(notebook.say("print(shown.page('outputs/1', 0, 60_000)[0])"))
    assert saved["cell"] == "c"
    assert saved["outputs"][0]["metadata"] == widget["metadata"]
    assert saved["outputs"][0]["data"][WIDGET] == widget[WIDGET]
    assert dom_key(saved["outputs"][1]["data"]) == dom_key(copy)
    notebook.run("go.set()\nawait run")
    read = (
        "first, size = shown.page('static-copy/3', 0, 200)\nwhole = first + "
        "shown.page('static-copy/3', len(first), 60_000)[0]"
    )
    notebook.run(read)
    assert (
        "begun and done"
        in json.loads(notebook.say("print(whole)"))["outputs"][0]["data"]["text/html"]
    )


def test_a_thread_draws_below_the_cell_that_was_executed_last(notebook: Notebook) -> None:
    notebook.run("pass", "b")
    widget, copy = notebook.run(
        "on_other_thread(lambda: globals().update(run=nbagent.show(iter('x'))))\nawait run", "c"
    )
    assert WIDGET in widget
    assert "<p>x</p>" in notebook.copies[copy["display_id"]]


def test_a_fork_by_click_is_drawn_below_its_run_whichever_cell_was_executed_last(
    notebook: Notebook,
) -> None:
    notebook.run("run = await nbagent.show(nbagent.Agent('demo').stream('Hello'))", "c")
    notebook.run("from nbagent.debug.acts import act\nfrom nbagent.protocol.messages import Fork")
    notebook.run("on_other_thread(lambda: act(run, Fork('k', request=1)))", "d")
    notebook.run("_ = await run.forks[0]", "e")
    shown = "nbagent.notebook.jupyter._displays()._live[-1]"
    assert notebook.say(f"import nbagent.notebook.jupyter; print({shown}.cells)") == "['c']"
    assert notebook.say(f"print({shown}._widget.client)") == "*"


def test_in_an_output_widget_the_copy_stands_below_the_cell(notebook: Notebook) -> None:
    _, view, copy = notebook.run(
        "import ipywidgets\nout = ipywidgets.Output()\ndisplay(out)\nwith out:\n    await "
        "nbagent.show(iter(['Hello']))",
        "c",
    )
    assert WIDGET in view  # of which JupyterLab gives it to the Output
    assert "<p>Hello</p>" in copy["text/html"]


def test_a_run_that_goes_on_is_stopped_when_its_only_cell_is_executed_again(
    notebook: Notebook,
) -> None:
    notebook.run("first = nbagent.show(waiting())", "c")
    notebook.run("second = nbagent.show(waiting())", "c")
    assert notebook.say(
        "print((await first).status, first.snapshot()[0]['stopped_by'], second.done)"
    ) == ("cancelled a new execution of its cell False")
    notebook.run("second", "d")
    notebook.run("pass", "c")
    assert notebook.say("print(second.done)") == "False"  # the other cell still shows it
    notebook.run("go.set()\nawait second")


SETTLE = """
import asyncio
from nbagent.runtime import loop

def settle():
    "Wait until the threads and tasks of runs that have ended are over: they hold the runs."
    for thread in threading.enumerate():
        if thread.name in ("nbagent-reader", "nbagent-end"):
            thread.join(10)
    for _ in range(3):  # a cancelled task ends some turns of the loop later
        loop.submit(asyncio.sleep(0)).result(10)
"""


def test_runs_that_were_shown_are_freed(notebook: Notebook) -> None:
    notebook.run(
        "import gc, weakref\nrefs = []\n"
        "for _ in range(30):\n"
        "    run = await nbagent.show(iter('x'))\n"
        "    refs.append(weakref.ref(run))\n"
        "    run.close()\n"
        "del run",
        "c",
    )
    notebook.run(SETTLE)
    alive = "settle(); gc.collect(); print(sum(ref() is not None for ref in refs))"
    assert notebook.say(alive) == "0"
    notebook.run("for _ in range(30): refs.append(weakref.ref(await nbagent.show(iter('x'))))", "d")
    # MAX_ENDED_WIDGETS, which can be opened in the page, and nbagent.last
    assert notebook.say(alive) == "21"
    notebook.run("pass", "d")
    assert notebook.say(alive) == "1"


def test_of_many_runs_in_a_cell_those_that_jupyterlab_draws_stay_live(notebook: Notebook) -> None:
    notebook.run("runs = [await nbagent.show(iter('x')) for _ in range(60)]", "c")
    notebook.run("from nbagent.notebook.jupyter import _displays")
    live = "print(*(runs.index(shown.run) + 1 for shown in _displays()._live))"
    assert notebook.say(live) == " ".join(map(str, range(6, 26)))


LARGE = """
import numpy as np
from nbagent import events as e
from nbagent.notebook import jupyter
shared = np.zeros(300_000_000, np.uint8)
def returning(result):
    yield e.ToolStart(id="t", name="load")
    yield e.ToolResult(id="t", content="an array", value=e.Live(result))
async def shown(result, name):
    return await nbagent.show(returning(result), name=name)
live = lambda: print(*(each.run.name for each in jupyter._displays()._live))
"""


def test_ended_runs_keep_256_mb_of_results_and_the_oldest_views_are_closed(
    notebook: Notebook,
) -> None:
    notebook.run(LARGE)
    copies = notebook.run(
        "for at in range(8): await shown(np.zeros(60_000_000, np.uint8), f'run {at}')", "c"
    )[1::2]
    assert notebook.say("live()") == "run 4 run 5 run 6 run 7"
    closed = ["The live view was closed" in notebook.copies[copy["display_id"]] for copy in copies]
    assert closed == [True] * 4 + [False] * 4
    assert all("load" in notebook.copies[copy["display_id"]] for copy in copies)
    notebook.run("await shown(np.zeros(900_000_000, np.uint8), 'larger than all may be')", "d")
    assert notebook.say("live()") == "larger than all may be"


def test_a_view_is_not_closed_for_an_object_that_other_runs_keep_too(notebook: Notebook) -> None:
    notebook.run(f"{LARGE}for at in range(3): await shown(shared, f'run {{at}}')", "c")
    assert notebook.say("live()") == "run 0 run 1 run 2"


def test_a_root_keeps_its_view_while_a_fork_is_shown(notebook: Notebook) -> None:
    notebook.run(f"{LARGE}jupyter.MAX_ENDED_WIDGETS = 2")
    notebook.run(
        "root = await nbagent.show(nbagent.Agent('demo').stream('Hello'), name='root')", "c"
    )
    notebook.run("fork = await root.fork(at=1)\nawait shown(None, 'next')", "d")
    assert notebook.say("live()") == "root demo next"
    notebook.run("for _ in range(3): await shown(None, 'later')", "e")
    notebook.run("jupyter.MAX_ENDED_WIDGETS = 20")
    assert notebook.say("live()") == "later later"


@pytest.mark.proof
def test_a_hundred_runs_leave_twenty_widgets(notebook: Notebook) -> None:
    notebook.run("running = nbagent.show(waiting())", "a")
    notebook.run("for _ in range(100): await nbagent.show(iter('x'))", "b")
    assert notebook.say("widgets()") == "1 FrontEnd, 21 TranscriptWidget"
    notebook.run("go.set()\nawait running")
    assert notebook.say("widgets()") == "1 FrontEnd, 20 TranscriptWidget"


def test_a_cell_executed_again_closes_what_it_showed_before(notebook: Notebook) -> None:
    show = "runs = [nbagent.show(iter('x')) for _ in range(3)]\nfor run in runs: await run"
    before = [dom_key(output) for output in notebook.run(show, "c")[1::2]]
    assert notebook.say("widgets()") == "1 FrontEnd, 3 TranscriptWidget"
    after = [dom_key(output) for output in notebook.run(show, "c")[1::2]]
    assert notebook.say("widgets()") == "1 FrontEnd, 3 TranscriptWidget"
    assert before == after  # the same notebook gives the same outputs
    assert len(set(before)) == 3
    notebook.run("pass", "c")
    assert notebook.say("widgets()") == "1 FrontEnd"


def test_what_another_cell_shows_too_stays(notebook: Notebook) -> None:
    notebook.run("run = nbagent.show(iter('x'))\nawait run", "c")
    shown = notebook.run("run", "d")[1]
    again = notebook.run("other = nbagent.show(iter('x'))\nawait other", "c")[1]
    assert notebook.say("widgets()") == "1 FrontEnd, 2 TranscriptWidget"
    assert dom_key(shown) != dom_key(again)  # or the live view of one would hide the other's copy
    notebook.run("pass", "d")
    assert notebook.say("widgets()") == "1 FrontEnd, 1 TranscriptWidget"


def test_dom_keys_differ_between_notebooks_with_the_same_cells(notebook: Notebook) -> None:
    keys = set()
    for session in ("'one.ipynb'", "'copy.ipynb'"):
        notebook.run(f"import os\nos.environ['JPY_SESSION_NAME'] = {session}")
        keys.add(dom_key(notebook.run("await nbagent.show(iter('x'))", "c")[1]))
    notebook.run("del os.environ['JPY_SESSION_NAME']")
    assert len(keys) == 2
    assert not any("ipynb" in each for each in keys)


def test_a_closed_run_keeps_its_static_copy_and_can_be_shown_again(notebook: Notebook) -> None:
    first, copy = notebook.run("run = nbagent.show(waiting())", "c")
    notebook.run("run.close()\nran = await run")
    assert notebook.say("widgets()") == "1 FrontEnd"
    assert "Stopped by you" in notebook.copies[copy["display_id"]]
    second, new = notebook.run("run", "d")
    assert second[WIDGET] != first[WIDGET]
    assert dom_key(new) != dom_key(copy)
    assert "Stopped by you" in new["text/html"]


def test_a_fork_that_is_shown_has_one_card(notebook: Notebook) -> None:
    notebook.run("run = await nbagent.show(nbagent.Agent('demo').stream('Hello'))", "c")
    assert len(notebook.run("fork = await nbagent.show(run.fork(at=1))", "d")) == 2
    assert notebook.say("widgets()") == "1 FrontEnd, 2 TranscriptWidget"


SHOW = "await nbagent.show(iter('x'))"


def test_the_front_end_is_sent_once_and_before_the_first_run(notebook: Notebook) -> None:
    for cell in "abc":
        notebook.run(SHOW, cell)
    front_end, *runs = notebook.opened
    (packed,) = front_end["buffers"]
    assert b"initialize" in gzip.decompress(packed)
    assert len(runs) == 3
    for run in runs:
        assert run["data"]["state"]["front_end"] == front_end["comm_id"]
        assert len(json.dumps(run["data"])) < 3_500


def test_after_every_widget_was_closed_the_front_end_is_sent_again(notebook: Notebook) -> None:
    notebook.run(SHOW, "a")
    notebook.run("import ipywidgets\nipywidgets.Widget.close_all()")
    notebook.run(SHOW, "b")
    assert [bool(opened["buffers"]) for opened in notebook.opened] == [
        True,
        False,
        True,
        False,
    ]
    assert notebook.say("widgets()") == "1 FrontEnd, 1 TranscriptWidget"


def test_names_that_are_reset_take_no_widget_along(notebook: Notebook) -> None:
    notebook.run(f"run = {SHOW}", "a")
    notebook.run("%reset -f")
    notebook.run(SETUP)
    assert notebook.say("widgets()") == "1 FrontEnd, 1 TranscriptWidget"
    notebook.run(SHOW, "b")
    assert len(notebook.opened) == 3


def test_a_thread_may_show_and_close(notebook: Notebook) -> None:
    notebook.run(
        "on_other_thread(lambda: globals().update(run=nbagent.show(iter('x'))))\nawait run", "c"
    )
    assert notebook.say("widgets()") == "1 FrontEnd, 1 TranscriptWidget"
    notebook.run("on_other_thread(run.close)")
    assert notebook.say("widgets()") == "1 FrontEnd"


def test_captured_output_of_another_cell_does_not_swallow_the_static_copy(
    notebook: Notebook,
) -> None:
    _, copy = notebook.run("run = nbagent.show(waiting())", "c")
    notebook.run("%%capture\ngo.set()\nrun.wait()")
    assert "begun and done" in notebook.copies[copy["display_id"]]


def test_what_is_hidden_is_in_no_output(notebook: Notebook) -> None:
    said = (
        "from nbagent import events as e\n"
        "stream = [e.ReasoningDelta(id='r', delta='CANARY-1'), e.ToolStart(id='t', name='f'),"
        " e.ToolArgs(id='t', args={'a': 'CANARY-2'}, args_text='CANARY-2'), e.ToolResult(id='t', "
        "content='CANARY-3'),"
        " e.TextDelta(id='x', delta='Hello')]\n"
        "await nbagent.show(iter(stream), reveal='answer')"
    )
    outputs = notebook.run(said, "c")
    assert "Hello" in str(notebook.copies)
    assert "CANARY" not in f"{outputs} {notebook.copies}"


def test_a_copy_that_is_sent_after_the_last_one_says_nothing_of_the_live_view(
    notebook: Notebook,
) -> None:
    notebook.run("run = nbagent.show(iter(['Hello']))\nawait run", "c")
    notebook.run(
        "from nbagent.notebook import jupyter\n"
        "jupyter._displays()._display_of(run).update('CANARY')"
    )
    assert "Hello" in str(notebook.copies)
    assert "CANARY" not in str(notebook.copies)
