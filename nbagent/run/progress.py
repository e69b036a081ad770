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
        done: streams that have ended, of several in one run.
        streams: number of streams; 1 unless several are shown together.
    """

    status: str
    chars: int
    tools: int
    tokens: int | None
    done: int = 0
    streams: int = 1

    @property
    def steps(self) -> int:
        """Number that a bar shows: of streams that have ended, or of characters of the text if
        there is only one stream.
        """
        if self.streams == 1:
            return self.chars
        return self.done


class Meter:
    """A renderer that counts the ops that it is given to draw, and reports the counts.

    Args:
        bar: a function that gets a `Progress`; or a bar, of tqdm (`update`) or IPython's own
            (`progress`): they count characters of text, of several streams those that have ended.
        streams: number of streams in the run.

    Raises:
        TypeError: `bar` is none of these.
    """

    def __init__(self, bar: Any, streams: int = 1) -> None:
        self._report = _reporter(bar)
        self._bar = bar
        self._streams = streams
        self._lanes: set[str] = set()  # ids of the lanes' blocks
        self._done = 0
        if streams > 1 and getattr(bar, "total", streams) is None:  # tqdm's, made without a total
            bar.total = streams
        self._texts: dict[str, int] = {}  # characters of each text, by block id
        self._chars = 0
        self._run: dict[str, Any] = {}

    def draw(self, seq: int, ops: list[list[Any]]) -> None:
        """Count the texts, tool calls and tokens of a batch, and report."""
        for op in ops:
            match op:
                case ["open", id, _, {"kind": "text"} as props]:
                    self._count(id, len(props.get("text", "")))
                case ["open", id, "run", {"kind": "agent"}]:
                    self._lanes.add(id)
                case ["close", id] if id in self._lanes:
                    self._done += 1
                case ["open", "run", _, props] | ["set", "run", props]:
                    self._run.update(props)
                case ["append", id, "text", text] if id in self._texts:
                    self._count(id, self._texts[id] + len(text))
                case ["set", id, {"text": text}] if id in self._texts:  # replaces the streamed text
                    self._count(id, len(text))
        tokens = self._run.get("usage", {}).get("output")
        status, tools = self._run.get("status", "running"), self._run.get("tools", 0)
        self._report(Progress(status, self._chars, tools, tokens, self._done, self._streams))

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
        bar.update(progress.steps - counted)
        counted = progress.steps

    def move(progress: Progress) -> None:
        bar.progress = min(progress.steps, bar.total)

    if hasattr(bar, "progress") and hasattr(bar, "total"):
        return move
    if callable(getattr(bar, "update", None)):
        return update
    if callable(bar):
        report: Callable[[Progress], object] = bar
        return report
    raise TypeError(
        "progress() takes a function or a progress bar (tqdm's, IPython's); got "
        f"{type(bar).__name__}"
    )
