"""The runs that this process has shown: those that go on (`nbagent.runs`), and the last one
(`nbagent.last`).
"""

import functools
import threading
import weakref
from collections.abc import Iterator, Sequence
from typing import overload

from nbagent.render.markup.table import html_table
from nbagent.run.run import Run

_lock = threading.Lock()
# by id, in the order of showing
_shown: "weakref.WeakValueDictionary[str, Run]" = weakref.WeakValueDictionary()
_last: Run | None = None


def register(run: Run) -> None:
    """Note that a run is shown.

    The last one is kept alive, until another is shown or until it is closed; the others are not.
    """
    global _last
    with _lock:
        is_new = run.id not in _shown
        _shown[run.id] = _last = run
    if is_new:
        run.on_close(functools.partial(_forget, run.id))


def last() -> Run | None:
    """Return the run that was shown last; None if there is none, or if it was closed."""
    return _last


def _forget(run_id: str) -> None:
    global _last
    with _lock:
        if _last is not None and _last.id == run_id:
            _last = None


class RunningRuns(Sequence[Run]):
    """The shown runs that go on, the oldest first. It changes as runs begin and end.

    nbagent.runs                # a table of what runs
    nbagent.runs[0].cancel()    # stops one
    nbagent.runs.cancel()       # stops all
    """

    def _running(self) -> list[Run]:
        with _lock:
            shown = list(_shown.values())
        return [run for run in shown if not run.done]

    def cancel(self) -> None:
        """Stop them all."""
        for run in self._running():
            run.cancel()

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> list[Run]: ...
    def __getitem__(self, index: int | slice) -> Run | list[Run]:
        return self._running()[index]

    def __len__(self) -> int:
        return len(self._running())

    def __iter__(self) -> Iterator[Run]:
        return iter(self._running())

    def __repr__(self) -> str:
        return "\n".join(f"{index}: {run!r}" for index, run in enumerate(self)) or "No run goes on."

    def _repr_html_(self) -> str:
        rows = [
            [str(index), run.name, run.status, f"nbagent.runs[{index}].cancel()"]
            for index, run in enumerate(self)
        ]
        if not rows:
            return "No run goes on."
        return html_table(["", "run", "status", "to stop it"], rows)


runs = RunningRuns()
"""The shown runs that go on."""
