"""Progress of a run, reported to a function or a progress bar."""

from typing import Any

import pytest
from IPython.display import ProgressBar

from nbagent import events as e
from nbagent.run import Run
from nbagent.run.lanes import Lanes
from nbagent.run.progress import Progress

EVENTS: list[e.Event] = [
    e.ToolStart(id="t", name="f"),
    e.ToolResult(id="t", content=1),
    e.TextStart(id="a"),
    e.TextDelta(id="a", delta="Hello"),
    e.TextEnd(id="a"),
    e.RunEnd(status="completed", usage=e.Usage(output=3)),
]


def test_a_function_hears_of_the_start_and_of_the_end() -> None:
    reports: list[Progress] = []
    run = Run(iter(EVENTS))
    run.progress(reports.append).start()
    run.wait()
    assert reports[-1] == Progress("completed", chars=5, tools=1, tokens=3)
    assert [progress.chars for progress in reports] == sorted(
        progress.chars for progress in reports
    )


def test_a_text_that_came_whole_or_was_replaced_counts_as_it_is() -> None:
    reports: list[Progress] = []
    whole = [
        e.TextEnd(id="b", text="Hello"),
        e.TextDelta(id="a", delta="Helo"),
        e.TextEnd(id="a", text="Hello"),
    ]
    run = Run(iter(whole))
    run.progress(reports.append).start()
    run.wait()
    assert reports[-1].chars == len("HelloHello")


class FakeBar:
    """The methods of tqdm's bars that nbagent calls."""

    def __init__(self) -> None:
        self.n = 0
        self.total: int | None = None
        self.closed = False

    def update(self, count: int) -> None:
        self.n += count

    def close(self) -> None:
        self.closed = True


def test_a_bar_of_tqdm_counts_characters_and_is_closed() -> None:
    bar = FakeBar()
    run = Run(iter(EVENTS))
    run.progress(bar).start()
    run.wait()
    assert (bar.n, bar.closed) == (5, True)


def test_of_several_streams_those_that_have_ended_are_counted() -> None:
    bar, reports = FakeBar(), list[Progress]()
    run = Run(Lanes([iter(["Hello"]), iter(["Ho"]), iter(EVENTS)]))
    run.progress(bar).progress(reports.append).start()
    run.wait()
    assert (bar.n, bar.total) == (3, 3)
    assert (reports[-1].done, reports[-1].streams, reports[-1].chars) == (3, 3, 12)


def test_ipythons_bar_moves(capsys: pytest.CaptureFixture[str]) -> None:
    bar = ProgressBar(4)
    run = Run(iter(EVENTS))
    run.progress(bar).start()
    run.wait()
    assert bar.progress == 4


@pytest.mark.parametrize("bar", [3, "bar"])
def test_what_is_neither_is_refused(bar: Any) -> None:
    with pytest.raises(TypeError, match="a function or a progress bar"):
        Run(iter(EVENTS)).progress(bar)
