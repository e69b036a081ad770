"""Progress of a run, reported to a function or to a progress bar."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Progress(NamedTuple):
    """Progress of a run.

    Attributes:
        status: `"running"`, or how the run ended.
        chars: characters of text so far.
        tools: tool calls so far.
        tokens: output tokens so far; None if the service reports them only at the end.
    """

    status: str
    chars: int
    tools: int
    tokens: int | None


class Meter:
    """A renderer that counts the ops that it is given to draw, and reports the counts.

    Args:
        bar: a function that gets a `Progress`; or a bar, of tqdm (`update`, in characters) or IPython's own (`progress`).

    Raises:
        TypeError: `bar` is none of these.
    """

    def __init__(self, bar: Any) -> None:
        self._report = _reporter(bar)
        self._bar = bar
        self._texts: dict[str, int] = {}  # characters of each text, by block id
        self._chars = 0
        self._run: dict[str, Any] = {}

    def draw(self, seq: int, ops: list[list[Any]]) -> None:
        """Count the texts, tool calls and tokens of a batch, and report."""
        for op in ops:
            match op:
                case ["open", id, _, {"kind": "text"} as props]:
                    self._count(id, len(props.get("text", "")))
                case ["open", "run", _, props] | ["set", "run", props]:
                    self._run.update(props)
                case ["append", id, "text", text] if id in self._texts:
                    self._count(id, self._texts[id] + len(text))
                case ["set", id, {"text": text}] if id in self._texts:  # replaces the streamed text
                    self._count(id, len(text))
        tokens = self._run.get("usage", {}).get("output")
        self._report(Progress(self._run.get("status", "running"), self._chars, self._run.get("tools", 0), tokens))

    def _count(self, id: str, chars: int) -> None:
        self._chars += chars - self._texts.get(id, 0)
        self._texts[id] = chars

    def close(self) -> None:
        """Close the bar."""
        close = getattr(self._bar, "close", None)
        if callable(close):
            close()


def _reporter(bar: Any) -> Callable[[Progress], object]:
    counted = 0

    def update(progress: Progress) -> None:
        nonlocal counted
        bar.update(progress.chars - counted)
        counted = progress.chars

    def move(progress: Progress) -> None:
        bar.progress = min(progress.chars, bar.total)

    if hasattr(bar, "progress") and hasattr(bar, "total"):
        return move
    if callable(getattr(bar, "update", None)):
        return update
    if callable(bar):
        report: Callable[[Progress], object] = bar
        return report
    raise TypeError(f"progress() takes a function or a progress bar (tqdm's, IPython's); got {type(bar).__name__}")
