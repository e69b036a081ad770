"""Notebooks executed by a program, as `jupyter execute`, papermill and documentation tools do, and
what their files hold.
"""

import difflib
import os
import warnings
from collections.abc import Iterator
from typing import Any
from unittest import mock

import nbformat
import pytest
from campaign import figure
from kernels.preloaded import PreloadedKernelManager
from nbclient import NotebookClient
from nbconvert.exporters import HTMLExporter, LatexExporter

SETUP = "import nbagent"
ANSWER = (
    "run = await nbagent.show(iter(['One sentence that is the whole answer, number {}.']), "
    "name='ask')"
)
CALLED = """
import msgspec, nbagent, sys
from nbagent import events as e
async def called(*tools):
    agent = nbagent.Agent(model="demo", tools=[*tools])
    for tool in tools:
        types = ("tool.start", "tool.args", "tool.result")
        async for event in agent.stream(f"Call {tool.__name__}", types=types):
            yield msgspec.structs.replace(event, id=tool.__name__)
    yield e.TextDelta(id="x", delta="# Result\\n\\n$a^2$")
"""
FIRST = """
assert "matplotlib" not in sys.modules
def imported() -> None:
    "Draws."
    import matplotlib.pyplot as plt
    plt.plot([1, 2])
    plt.show()
def figure() -> object:
    "Draws."
    from matplotlib import pyplot as plt
    plt.plot([1, 2])
run = await nbagent.show(called(imported, figure), name="plots")
assert not any("nbagent" in type(finder).__module__ for finder in sys.meta_path)
"""
PLOTS = """
%matplotlib inline
import matplotlib.pyplot as plt
def drawn() -> str:
    "Draws."
    plt.plot([1, 2])
    return "drawn"
def shown() -> None:
    "Draws."
    plt.plot([1, 2])
    plt.show()
def returned() -> object:
    "Draws."
    return plt.subplots()[0]
run = await nbagent.show(called(drawn, shown, returned), name="plots")
"""


def executed(*cells: str, **options: Any) -> Any:
    """Return a notebook that was executed without a front end."""
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell, id=f"c{at}") for at, cell in enumerate(cells)]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        NotebookClient(
            made,
            timeout=60,
            kernel_manager_class=PreloadedKernelManager,
            record_timing=False,
            **options,
        ).execute()
    return made


def size_of(notebook: Any) -> int:
    return len(nbformat.writes(notebook).encode())


@pytest.fixture(scope="module")
def plots() -> Any:
    return executed(CALLED, FIRST, PLOTS, store_widget_state=False)


@pytest.fixture
def stable() -> Iterator[None]:
    with mock.patch.dict(os.environ, {"NBAGENT_STABLE": "1"}):
        yield


@pytest.mark.parametrize(
    ("cell", "count"), [(1, 2), (2, 3)], ids=["a tool imports pyplot", "pyplot is there"]
)
def test_each_figure_that_a_tool_draws_with_pyplot_is_in_the_file_once(
    plots: Any, cell: int, count: int
) -> None:
    outputs = plots.cells[cell].outputs
    # the view and the static copy, and no figure beside them
    assert [sorted(output["data"]) for output in outputs] == [
        ["application/vnd.jupyter.widget-view+json", "text/html", "text/plain"],
        ["text/html", "text/markdown", "text/plain"],
    ]
    assert outputs[1]["data"]["text/html"].count("<img ") == count


def test_an_export_without_html_holds_the_transcript(plots: Any) -> None:
    data = plots.cells[2].outputs[1]["data"]
    by_default = LatexExporter().default_config["NbConvertBase"]["display_data_priority"]  # type: ignore[no-untyped-call]
    chosen = next(mime for mime in by_default if mime in data)
    assert chosen == "text/markdown"
    assert "**Result**\n\n$a^2$" in data[chosen]
    assert "# " not in data[chosen]
    assert "**drawn** `()`" in data[chosen]


def test_web_pages_take_the_html(plots: Any) -> None:
    page = HTMLExporter().from_notebook_node(plots, {"metadata": {"name": "run"}})[0]  # type: ignore[no-untyped-call]
    assert page.count('aria-label="Agent transcript"') == 2
    assert "**Result**" not in page


@pytest.mark.proof
def test_ten_one_sentence_answers_take_less_than_ten_kilobytes_each() -> None:
    few, many = (
        executed(SETUP, *map(ANSWER.format, range(count)), store_widget_state=True)
        for count in (1, 11)
    )
    each = (size_of(many) - size_of(few)) / 10
    figure(
        "saved notebook",
        "bytes of a one-sentence answer, executed without a front end, with widget state",
        f"{each:,.0f}",
    )
    assert each < 10_000
    bare = executed(SETUP, *map(ANSWER.format, range(11)), store_widget_state=False)
    figure("saved notebook", "bytes of eleven of them without widget state", f"{size_of(bare):,}")
    assert size_of(bare) < 11 * 4_000


def test_two_executions_of_a_tutorial_are_the_same(stable: None) -> None:
    first, second = (
        nbformat.writes(
            executed(SETUP, ANSWER.format(1), f"{ANSWER.format(2)}\n{ANSWER.format(3)}")
        )
        for _ in range(2)
    )
    assert list(difflib.unified_diff(first.splitlines(), second.splitlines())) == []
    assert "number 3." in first
    assert "widget" not in first


def test_with_stable_the_saved_transcript_has_no_times() -> None:
    made = executed(
        SETUP, ANSWER.format(1).replace("name=", "stable=True, name="), store_widget_state=False
    )
    data = made.cells[1].outputs[1]["data"]
    assert ("ask</strong> · Done</p>" in data["text/html"], data["text/plain"].splitlines()[0]) == (
        True,
        "nbagent: ask · Done",
    )
    assert not any("first token" in text for text in data.values())
