"""`ComparedRun`: a run or a recording, as it is compared with others."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from nbagent.debug.steps import Item, items_of
from nbagent.events import ToolResult
from nbagent.gate.masking import mask_json
from nbagent.gate.secrets import known
from nbagent.mime.text import MASK
from nbagent.sources import recording
from nbagent.transcript import Transcript

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


class ComparableRun(Protocol):
    """The part of a run that is compared."""

    @property
    def name(self) -> str:
        """Name of the run."""
        ...

    @property
    def tools(self) -> Sequence[Any]:
        """The tool calls, with their live results."""
        ...

    def snapshot(self) -> list[dict[str, Any]]:
        """Return the transcript as plain JSON."""
        ...


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """A run or a recording.

    Attributes:
        name: of the run.
        root: props of its root block.
        items: what is compared.
        mask: masks what must not be seen.
        file: name of the recording's file; None for a run.
        fork: its place in the tree of forks, such as `run 2, rates(year=2023)`; None without one.
    """

    name: str
    root: Mapping[str, Any]
    items: Sequence[Item]
    mask: Callable[[str], str]
    file: str | None = None
    fork: str | None = None

    @property
    def seconds(self) -> float | None:
        """Seconds that the run took; None if that is not known."""
        begun, ended = self.root.get("started"), self.root.get("ended")
        if begun is None or ended is None:
            return None
        return float(ended - begun)

    @property
    def tokens(self) -> int | None:
        """Tokens that the model has read and written; None if they are not known."""
        usage = self._usage
        found = [usage[name] for name in ("input", "output") if isinstance(usage.get(name), int)]
        return sum(found) if found else None

    @property
    def cost(self) -> float | None:
        """Dollars that the run has cost; None if that is not known."""
        cost = self._usage.get("cost")
        return None if cost is None else float(cost)

    @property
    def _usage(self) -> Mapping[str, Any]:
        return self.root.get("usage") or {}


def compared_run(run: Any, number: int) -> ComparedRun:
    """Return what is compared of a run, or of the recording at a path.

    Args:
        run: the run or the path.
        number: of the argument, from 1.

    Raises:
        TypeError: it is neither.
        OSError, ValueError: the recording cannot be read.
    """
    if isinstance(run, str | os.PathLike):
        return _recorded(Path(run))
    if not callable(getattr(run, "snapshot", None)) or not hasattr(run, "tools"):
        raise TypeError(
            f"compare takes runs, or paths of recordings; argument {number} is "
            f"{type(run).__name__}: {run!r:.100}"
        )
    blocks = run.snapshot()
    results = {call.id: call.result for call in run.tools if call.error is None}
    tree = getattr(run, "fork_tree", None)
    return ComparedRun(
        name=str(run.name),
        root=blocks[0],
        items=items_of(blocks, results),
        mask=getattr(run, "masker", known().mask),
        fork=None if tree is None else tree.place_of(run),
    )


def _recorded(path: Path) -> ComparedRun:
    transcript = Transcript(path.name)
    values: dict[str, Any] = {}
    for event in recording.load(os.fspath(path)):
        transcript.feed(event)
        if isinstance(event, ToolResult) and not event.preliminary:
            values[transcript.block_id(event.id, "tool")] = event.content
    blocks = mask_json(transcript.snapshot(), known().mask)
    return ComparedRun(
        name=str(blocks[0].get("name")),
        root=blocks[0],
        items=items_of(blocks, values),
        mask=known().mask,
        file=path.name,
    )


@contextmanager
def masked(runs: Sequence[ComparedRun]) -> Iterator[None]:
    """Mask in what is made of values meanwhile whatever must not be seen of one of the runs."""

    def mask(text: str) -> str:
        for run in runs:
            text = run.mask(text)
        return text

    token = MASK.set(mask)
    try:
        yield
    finally:
        MASK.reset(token)


def distinct_names(runs: Sequence[ComparedRun]) -> tuple[str, ...]:
    """Return the names of runs; those that are the same each with what tells the runs apart:
    recording, place in the tree of forks, model, start or position.
    """
    names = [run.name for run in runs]
    if len(set(names)) == len(names):
        return tuple(names)
    marks: list[list[str | None]] = [
        [run.file for run in runs],
        [run.fork for run in runs],
        [run.root.get("model") for run in runs],
        [_clock(run.root.get("started")) for run in runs],
        [_ordinal(number) for number in range(len(runs))],
    ]
    telling = next(each for each in marks if None not in each and len(set(each)) == len(each))
    return tuple(f"{name} ({mark})" for name, mark in zip(names, telling, strict=True))


def _ordinal(number: int) -> str:
    if number < len(_ORDINALS):
        return _ORDINALS[number]
    return f"{number + 1}th"


def _clock(started: Any) -> str | None:
    """Return the time of day at which a run started."""
    if started is None:
        return None
    return datetime.fromtimestamp(float(started), UTC).astimezone().strftime("%H:%M:%S")
