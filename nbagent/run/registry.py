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
from nbagent.run.run_search import Matches, search

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
    nbagent.runs.search("1.09") # where a text stands, also in those that have ended
    """

    def _running(self) -> list[Run]:
        with _lock:
            shown = list(_shown.values())
        return [run for run in shown if not run.done]

    def cancel(self) -> None:
        """Stop them all."""
        for run in self._running():
            run.cancel()

    def search(self, text: str) -> Matches:
        """Return the places at which a text stands in the shown runs, the ended ones included, in
        upper or lower case.

            nbagent.runs.search("timeout")[0].run     # the run; .call, .kind, .field, .excerpt

        Prompts, answers, thoughts, and the arguments, results and errors of calls are searched, as
        far as the reader may see them. A run that nothing holds any more, neither a live view nor a
        variable, is gone.

        Raises:
            ValueError: the text is empty.
        """
        with _lock:
            shown = list(_shown.values())
        return search(shown, text)

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
