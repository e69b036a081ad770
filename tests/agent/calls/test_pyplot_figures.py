"""Figures that tools draw with pyplot: each is in its call's panel once, and nowhere else."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import pytest
from agent.server import Server, say
from agent.test_agent import agent_of, collect, of

from nbagent import events as e
from nbagent.mime.parts import parts_of

matplotlib.use("Agg")


def plot() -> str:
    """Plots."""
    plt.plot([1, 2])
    return "plotted"


def plot_only() -> None:
    """Plots."""
    plt.plot([1, 2])


def aside() -> str:
    """Plots, and says so."""
    plt.subplots()
    return "plotted"


def figure() -> Any:
    """Plots."""
    made, axes = plt.subplots()
    axes.plot([1, 2])
    return made


def axes() -> Any:
    """Plots."""
    return plt.subplots(2, 2)[1]


def pair() -> Any:
    """Plots."""
    return {"n": 1}, figure()


def saved() -> str:
    """Plots, and closes the figure itself."""
    plt.plot([1, 2])
    plt.close()
    return "saved"


def blank() -> str:
    """Makes a figure with nothing in it."""
    plt.figure()
    return "blank"


async def waits() -> str:
    """Plots, in a coroutine."""
    plt.plot([1, 2])
    await asyncio.sleep(0)
    return "plotted"


async def results(*tools: Callable[..., Any]) -> list[e.ToolResult]:
    calls = [(f"c{number}", tool.__name__, "{}") for number, tool in enumerate(tools)]
    with Server(say("chat", "", calls, number=1), say("chat", "Done.")) as server:
        events = await collect(agent_of(server, tools=list(tools)).stream("plot"))
    return of(events, e.ToolResult)


def pictures(result: e.ToolResult) -> int:
    assert result.display is not None
    images = [payload for mime, payload in result.display.data.items() if mime.startswith("image/")]
    assert all(base64.b64decode(image).startswith(b"\x89PNG") for image in images)
    return len(images)


@pytest.mark.parametrize(
    ("tool", "count"),
    [
        (plot, 1),
        (plot_only, 1),
        (figure, 1),
        (axes, 1),
        (pair, 1),
        (waits, 1),
        (saved, 0),
        (blank, 0),
    ],
)
async def test_a_figure_is_kept_once_and_closed(tool: Callable[..., Any], count: int) -> None:
    (result,) = await results(tool)
    assert result.status == "ok", result.error
    assert pictures(result) == count
    assert plt.get_fignums() == []
    assert all("pyplot_figures" not in hook for hook in matplotlib.rcParams["figure.hooks"])


async def test_a_text_is_shown_above_the_figure_drawn_beside_it() -> None:
    (result,) = await results(plot)
    assert result.display is not None
    assert [list(part) for part in parts_of(result.display.data)] == [["text/plain"], ["image/png"]]
    assert result.content == "plotted"


async def test_figures_of_calls_at_the_same_time_are_told_apart_and_ones_own_are_left_alone() -> (
    None
):
    own = plt.figure()
    own.subplots()
    assert [pictures(result) for result in await results(aside, figure, axes)] == [1, 1, 1]
    assert plt.get_fignums() == [own.number]
    plt.close(own)
