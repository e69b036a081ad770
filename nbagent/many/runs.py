"""`Runs`: the rows of a map, live and afterwards."""

import asyncio
import concurrent.futures
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import msgspec

from nbagent.errors import NbagentError
from nbagent.gate import Gate
from nbagent.gate.secrets import known
from nbagent.many.compare import RunsComparison
from nbagent.many.engine import Engine
from nbagent.many.frame import frame_of
from nbagent.many.inspect_log import write_log
from nbagent.many.intervals import Interval
from nbagent.many.outcome import Outcome
from nbagent.many.progress import Progress
from nbagent.many.rate import RowGate
from nbagent.many.row import Row
from nbagent.many.scores import scores_of
from nbagent.many.store import RowStore, StoredEvents
from nbagent.many.summary import summary_html, summary_line
from nbagent.many.table import Table
from nbagent.many.totals import Budget, Totals
from nbagent.run import Run
from nbagent.runtime import work
from nbagent.runtime.loop import loop

if TYPE_CHECKING:
    import pandas as pd


class Selection(Sequence[Run]):
    """Some rows of a map, in their order: `runs.failed`, `runs.where(…)`.

    Args:
        rows: the rows.
        runs: that they belong to.
    """

    def __init__(self, rows: Sequence[Row], runs: "Runs") -> None:
        self.rows = rows
        self._runs = runs

    def retry(self) -> "Runs":
        """Run these rows again, in the same table. Those that go on are left alone.

        Returns:
            All rows of the map, to be awaited.
        """
        return self._runs.run_again(self.rows)

    def df(self) -> "pd.DataFrame":
        """Return these rows as a table; see `Runs.df`."""
        return frame_of(self.rows)

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> "Selection": ...
    def __getitem__(self, index: int | slice) -> "Run | Selection":
        if isinstance(index, slice):
            return Selection(self.rows[index], self._runs)
        return self._runs.run_of(self.rows[index])

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Run]:
        return (self._runs.run_of(row) for row in self.rows)

    def __repr__(self) -> str:
        return f"<{len(self.rows)} rows of {self._runs!r}>"


class Runs(Sequence[Run]):
    """The runs of `nbagent.map`: a row each, in the order of the data.

    `await` it for the end of all rows, or use it while they go on. `runs[17]` is the run of a row,
    to be read, debugged, forked and kept as a test as any other one.

    Args:
        rows: the rows.
        engine: runs them.
        gate: lets them begin.
        store: keeps those that have ended.
        budget: says when no more rows begin.
        scores: names of the checks.
        redact: rules for what the table may show, as for `nbagent.show`.
        home: loop that they run on.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        engine: Engine,
        gate: RowGate,
        store: RowStore,
        budget: Budget,
        scores: Sequence[str],
        redact: Any,
        home: asyncio.AbstractEventLoop | None,
    ) -> None:
        self.rows = rows
        self._engine = engine
        self._gate = gate
        self._store = store
        self._budget = budget
        self._redact = redact
        self._home = home or loop()
        self._done: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._done.set_result(None)
        self._progress = Progress(
            partial(Table, self, engine, gate, scores, redact),
            self.summary,
            lambda: bool(engine.active),
            self._home,
        )
        engine.on_change = self._progress.changed

    # --- life ---

    def start(self) -> "Runs":
        """Run the rows that wait."""
        if not self._done.done():
            return self
        self._engine.stop_reason = None
        self._done = asyncio.run_coroutine_threadsafe(self._work(), self._home)
        return self

    async def _work(self) -> None:
        try:
            await self._engine.work(self.rows)
        finally:
            self._progress.end()

    def run_again(self, rows: Iterable[Row]) -> "Runs":
        """Run some rows again that have ended, and those that have not begun.

        Raises:
            NbagentError: the map goes on; its end is to be waited for first.
        """
        if not self._done.done():
            raise NbagentError("the map goes on: wait for its end, then run rows again")
        for row in rows:
            if row.outcome is not None:
                self._engine.totals.forget(row.outcome)
            row.again()
        return self.start()

    def cancel(self) -> None:
        """Stop the map: no more rows begin, and those that go on are stopped."""
        self._home.call_soon_threadsafe(self._engine.stop, "stopped by you")

    def pause(self) -> None:
        """Let no more rows begin, until `go_on`."""
        self._on_home(self._gate.pause)

    def go_on(self) -> None:
        """Let rows begin again after `pause`."""
        self._on_home(self._gate.go_on)

    def _on_home(self, act: Callable[[], object]) -> None:
        def do() -> None:
            act()
            self._progress.changed()

        self._home.call_soon_threadsafe(do)

    def show(self) -> None:
        """Show the table in the notebook's cell that is executed now. `nbagent.map` does this."""
        self._progress.show()

    @property
    def done(self) -> bool:
        """True if no row goes on or waits for its turn."""
        return self._done.done()

    def wait(self, timeout: float | None = None) -> "Runs":
        """Block until all rows have ended. An interrupt stops the map.

        In a cell, `await runs` is better: it leaves the kernel free.

        Args:
            timeout: seconds to wait at most; None waits for ever.

        Raises:
            TimeoutError: rows go on after that time.
            NbagentError: the rows run on the loop that would be blocked here.
        """
        if _is_running(self._home) and not self._done.done():
            raise NbagentError("the rows run on this loop: await runs")
        try:
            work.block(self._done, timeout)
            self._done.result(0)
        except KeyboardInterrupt:
            self.cancel()
            raise
        return self

    def __await__(self) -> Generator[Any, None, "Runs"]:
        return self._wait().__await__()

    async def _wait(self) -> "Runs":
        try:
            await asyncio.shield(asyncio.wrap_future(self._done))
        except asyncio.CancelledError:  # the cell was interrupted
            self.cancel()
            raise
        return self

    # --- results ---

    @property
    def failed(self) -> Selection:
        """The rows that have ended without an answer."""
        return Selection([row for row in self.rows if row.has_failed], self)

    def where(self, test: "Callable[[Outcome], bool] | None" = None, **values: Any) -> Selection:
        """Return the rows that have ended and fit.

            runs.where(status="incomplete")
            runs.where(lambda row: row.seconds > 30)

        Args:
            test: a function of a row's outcome.
            values: of fields of `Outcome`, or of checks by their names.
        """
        fitting = [
            row for row in self.rows if row.outcome is not None and _fits(row.outcome, test, values)
        ]
        return Selection(fitting, self)

    @property
    def totals(self) -> Totals:
        """Sums over the rows that have ended."""
        return self._engine.totals

    def df(self) -> "pd.DataFrame":
        """Return the rows as a table under the data's own index: `frame.join(runs.df())`.

        Columns are those of `nbagent.many.frame.COLUMNS`, the checks, and the fields of the answer
        where a form was asked for. With several agents the columns are grouped by agent; with
        `repeat=` the index has the repetition as a second level, and `agreement` is the share of an
        item's rows whose answer is the most frequent one.

        Raises:
            MissingExtra: pandas is not installed.
        """
        return frame_of(self.rows)

    def to_jsonl(self, path: str | Path) -> None:
        """Write the rows that have ended to a file, a line of JSON each: label, agent, repeat and
        the fields of `Outcome`.

        Raises:
            OSError: the file cannot be written.
        """
        with Path(path).open("wb") as file:
            for row in self.rows:
                if row.outcome is None:
                    continue
                place = {"label": row.item.label, "agent": row.agent, "repeat": row.repeat}
                fields = {**place, **msgspec.structs.asdict(row.outcome)}
                file.write(msgspec.json.encode(fields, enc_hook=str) + b"\n")

    def to_parquet(self, path: str | Path) -> None:
        """Write `df()` to a file of Parquet, through pandas.

        Raises:
            MissingExtra: pandas is not installed.
            ImportError: pandas finds no engine for Parquet: `pip install pyarrow`.
            OSError: the file cannot be written.
        """
        self.df().to_parquet(path)

    def to_inspect(self, path: str | Path) -> None:
        """Write the rows that have ended to a log of Inspect AI, such as `"day.eval"`: `inspect
        view` and `inspect_ai.log.read_eval_log` open it. Repetitions are its epochs.

        Raises:
            OSError: the file cannot be written.
        """
        write_log(Path(path), self.rows, self.run_of, self.scores, self._masker())

    @property
    def scores(self) -> dict[str, Interval]:
        """The mean of each check with its 95 % interval, by name; with `repeat=` also that of the
        agreement.
        """
        return scores_of(self.rows)

    def compare(
        self, other: "Runs", by: str | None = None, *, lower_is_better: bool = False
    ) -> RunsComparison:
        """Return what differs in another map, as `nbagent.compare(runs, other)` does.

        Args:
            other: a map of the same data.
            by: name of the check that says which row is better; see `RunsComparison`.
            lower_is_better: True if that is the row with the lower value, as of an error.

        Raises:
            TypeError: `other` is no map.
            NbagentError: one of the maps has no such check.
        """
        if not isinstance(other, Runs):
            raise TypeError(f"a map is compared with a map; got {type(other).__name__}")
        return RunsComparison(self, other, by, lower_is_better=lower_is_better)

    def summary(self) -> str:
        """Return the state of the map in one line: `124 / 200 · 3 failed · 81,204 tokens`.

        After the end it has the means of the checks, with their 95 % intervals.
        """
        engine = self._engine
        asking = sum(row.is_asking for row in list(engine.active))
        line = summary_line(
            self.rows, self.totals, self._gate, self._budget, asking, engine.stop_reason
        )
        scores = {} if self._engine.is_working else self.scores
        return " · ".join([line, *(f"{name} {each.text()}" for name, each in scores.items())])

    @property
    def notices(self) -> list[str]:
        """Faults beside the rows themselves, such as a store that cannot be written."""
        return list(self._engine.notices)

    def run_of(self, row: Row) -> Run:
        """Return the run of a row: the live one, or read back from the store.

        Raises:
            NbagentError: the row has not begun, or could not.
        """
        if row.run is not None:
            return row.run
        if row.outcome is None:
            raise NbagentError(f"row {row.name} has not begun")
        events = self._store.events(row.key)
        if not events:
            raise NbagentError(f"row {row.name} has no run: {row.outcome.error}")
        return Run(StoredEvents(events, row.name), name=row.name).wait()

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> Selection: ...
    def __getitem__(self, index: int | slice) -> Run | Selection:
        if isinstance(index, slice):
            return Selection(self.rows[index], self)
        return self.run_of(self.rows[index])

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Run]:
        return (self.run_of(row) for row in self.rows)

    def __repr__(self) -> str:
        return f"<Runs {self.summary()}>"

    def _repr_html_(self) -> str:
        return summary_html(self.rows, self.summary(), self.notices, self._masker())

    def _masker(self) -> Callable[[str], str]:
        gate = Gate(redact=self._redact)
        gate.mask_secrets(known())
        return gate.mask

    def _ipython_display_(self) -> None:
        self.show()


def _fits(outcome: Outcome, test: Callable[[Outcome], bool] | None, values: Any) -> bool:
    for name, value in values.items():
        own = outcome.scores.get(name, _MISSING)
        if own is _MISSING:
            own = getattr(outcome, name)
        if own != value:
            return False
    return test is None or bool(test(outcome))


_MISSING = object()


def _is_running(home: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is home
    except RuntimeError:
        return False
