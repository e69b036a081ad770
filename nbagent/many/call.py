"""`map()`: runs an agent, or any function from an item to a stream, over a column of data."""

import shutil
import tempfile
import weakref
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any, Literal, overload

from nbagent.errors import NbagentError
from nbagent.many.engine import Engine, Scorer, scorers_of
from nbagent.many.estimate import Estimate, estimate_of
from nbagent.many.items import Item, items_of, repeated
from nbagent.many.key import fingerprint_of, key_of
from nbagent.many.rate import RowGate
from nbagent.many.row import Row, prompt_problem
from nbagent.many.runs import Runs
from nbagent.many.store import RowStore
from nbagent.many.totals import Budget
from nbagent.many.worker_stream import WorkerStream
from nbagent.run import Run
from nbagent.runtime.loop import running_loop


@overload
def map(
    target: Any, data: Any, template: str | None = None, *, dry: Literal[True], **options: Any
) -> Estimate: ...
@overload
def map(target: Any, data: Any, template: str | None = None, **options: Any) -> Runs: ...
def map(
    target: Any,
    data: Any,
    template: str | None = None,
    *,
    concurrency: int | Literal["auto"] = "auto",
    output: Any = None,
    repeat: int = 1,
    check: Scorer | None = None,
    scorers: Iterable[Scorer] | Mapping[str, Scorer] = (),
    store: str | Path | None = None,
    version: str = "",
    max_cost: float | None = None,
    max_total_tokens: int | None = None,
    stop_after: float | None = None,
    executor: Executor | None = None,
    dry: bool = False,
    **options: Any,
) -> Runs | Estimate:
    """Run an agent over many items: a row each, several at a time.

        runs = await nbagent.map(agent, df["question"], store="day.db")
        df.join(runs.df())
        runs[17].tools, runs.failed.retry()

    A row that fails leaves the others running. With `store=`, each row is on disk when it ends:
    executing the cell again, also after the kernel's death, runs only those that have no answer
    yet. A row of the store counts only where the item, the agent (model, instructions, settings,
    the tools' source) and the repetition are the same.

    Args:
        target: an agent, a session's agent, or a function from an item to any stream that
            `nbagent.show` takes: `lambda question: Runner.run_streamed(agent, question)`. Several
            of them in a mapping by name: each item is run with each.
        data: a Series, a frame with a `template`, records, a mapping from labels to items, any
            iterable, or the path of a file of cases, `"cases.jsonl"` (`run.to_case`).
        template: text of each prompt, with the names of columns in braces: `"Is {product} from
            {country}?"`.
        concurrency: rows that are under way at a time. `"auto"` begins with 4, takes more while the
            service takes them, and fewer after it has refused a request (429).
        output: form of each answer, as for `agent.stream`; its fields are columns of `runs.df()`.
        repeat: how often each item is run.
        check: a function of an item and its run to a value, which is a column: True and False, a
            number, a text. It may be an `async def`.
        scorers: more of these, by their names.
        store: path of an SQLite file that keeps the rows. None keeps them in a temporary file, for
            as long as the result lives.
        version: a text of your own that is a part of the rows' keys. Of a function its source
            counts, and the texts, numbers, functions and agents that it reads by name; `version` is
            for what else it depends on.
        max_cost: US dollars for all rows together; when they are spent, no more rows begin.
        max_total_tokens: the same in tokens.
        stop_after: share of failed rows, from 0 to 1, after which no more rows begin.
        executor: a `concurrent.futures.Executor` whose threads, processes or machines run the rows;
            by default they run on nbagent's own loop.
        dry: True to run nothing, and return an estimate of the tokens and dollars.
        options: of each run, as for `nbagent.show`: `answer=`, `reveal=`, `timeout=`, …

    Returns:
        The rows, at once; `await` waits for their end. With `dry=True` the estimate.

    Raises:
        NbagentError: an argument is not valid; the message names it.
    """
    targets = _targets(target)
    _check(concurrency, repeat, stop_after)
    items = items_of(data, template)
    marks = {name: fingerprint_of(each, output, version) for name, each in targets.items()}
    rows = _rows(repeated(items, repeat), marks)
    for row in rows:
        row.is_of_agent = executor is None and _is_agent(targets[row.agent])

    checks = scorers_of(check, scorers)
    gate = RowGate(None if concurrency == "auto" else concurrency)
    kept, temporary = _store(store)
    budget = Budget(max_cost, max_total_tokens, stop_after)

    def begin(row: Row) -> Run:
        make = partial(_stream, targets[row.agent], row.item, output)
        if executor is None:
            return Run(make(), name=row.name, **options)
        source = WorkerStream(executor, make, row.key, kept.path, options)
        return Run(source, name=row.name, **options)

    engine = Engine(begin, gate, budget, kept, checks)
    _restore(rows, kept, engine)
    agents = {name: each for name, each in targets.items() if _is_agent(each)}
    if dry:
        estimate = estimate_of(rows, agents, output)
        kept.close()
        if temporary is not None:
            _remove(kept, temporary)
        return estimate
    # Agents run on nbagent's loop, which no cell blocks; a function may need the loop it is in.
    is_own = executor is not None or len(agents) == len(targets)
    home = None if is_own else running_loop()
    redact = options.get("redact", ())
    runs = Runs(rows, engine, gate, kept, budget, list(checks), redact, home)
    if temporary is not None:
        weakref.finalize(runs, _remove, kept, temporary)
    runs.start()
    runs.show()
    return runs


def _targets(target: Any) -> dict[str, Any]:
    """Return what each item is run with, by name; a single target has the name "".

    Raises:
        NbagentError: one is neither an agent nor a function.
    """
    targets: dict[str, Any] = dict(target) if isinstance(target, Mapping) else {"": target}
    for name, each in targets.items():
        if not (_is_agent(each) or callable(each)):
            what = f"{name!r} is" if name else "got"
            raise NbagentError(
                f"map() takes an agent, or a function from an item to a stream; {what} {each!r}"
            )
    return targets


def _rows(items: Iterable[tuple[Item, int]], marks: Mapping[str, str]) -> list[Row]:
    """Return the rows of the repeated items: one for each target, by its fingerprint."""
    rows: list[Row] = []
    seen: Counter[str] = Counter()
    for item, repetition in items:
        for name, mark in marks.items():
            key = key_of(mark, item.prompt, repetition)
            seen[key] += 1
            if seen[key] > 1:  # an item that is there twice has two answers
                key = f"{key}-{seen[key]}"
            rows.append(Row(len(rows), item, name, repetition, key))
    return rows


def _restore(rows: Iterable[Row], store: RowStore, engine: Engine) -> None:
    """Give the rows that the store has their outcomes."""
    found = store.outcomes(row.key for row in rows)
    for row in rows:
        if row.key in found:
            row.restore(found[row.key])
            engine.totals.restore(found[row.key])


def _check(concurrency: Any, repeat: Any, stop_after: Any) -> None:
    if concurrency != "auto" and (not isinstance(concurrency, int) or concurrency < 1):
        raise NbagentError(f'concurrency must be "auto" or at least 1, got {concurrency!r}')
    if not isinstance(repeat, int) or repeat < 1:
        raise NbagentError(f"repeat must be at least 1, got {repeat!r}")
    if stop_after is not None and not 0 <= stop_after <= 1:
        raise NbagentError(f"stop_after is a share from 0 to 1, got {stop_after!r}")


def _is_agent(target: Any) -> bool:
    return callable(getattr(target, "stream", None)) and hasattr(target, "fingerprint")


def _stream(target: Any, item: Item, output: Any) -> Any:
    """Return the stream of an item.

    Raises:
        NbagentError: an agent cannot be asked the item.
    """
    if not _is_agent(target):
        return target(item.value)
    problem = prompt_problem(item.prompt)
    if problem is not None:
        raise NbagentError(problem)
    prompt = item.prompt
    text = str(prompt) if isinstance(prompt, int | float) else prompt
    return target.stream(text, output=output)


def _store(path: str | Path | None) -> tuple[RowStore, str | None]:
    """Return the store, and the folder to be removed with it; None if it is the user's own file."""
    if path is not None:
        return RowStore(path), None
    folder = tempfile.mkdtemp(prefix="nbagent-map-")
    return RowStore(Path(folder) / "rows.db"), folder


def _remove(store: RowStore, folder: str) -> None:
    store.close()
    shutil.rmtree(folder, ignore_errors=True)
