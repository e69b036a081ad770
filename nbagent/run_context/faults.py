"""`faults`: errors, latency and cut streams that are injected into runs, to see what an agent makes
of them.
"""

import copy
import random
import threading
from collections.abc import Callable, Iterable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Self

from nbagent.printable import printable_line

EVERY_TOOL = "*"
"""Name that stands for every tool."""


class Faults:
    """Faults that are injected into the runs that begin in a `with` block, and shown there.

    Blocks inside one another add up.

        with nbagent.faults(tool="fetch_rates", error=TimeoutError(), every=2):
            nbagent.show(agent.stream("How did 2025 go?"))

    A run keeps the faults of its start, also after the block. Each run counts its calls and
    requests from 1. Which of them get the fault, all conditions together decide; without one all
    do.

    Args:
        tool: name of the tool in whose calls they are, `"*"` for every tool; of nbagent's agents,
            and under `@nbagent.tool` in any framework. None is requests of nbagent's agents to
            their model.
        error: raised in place of the call or the request: an exception, or its class.
        latency: seconds that pass before the call or the request.
        status: HTTP status with which the model's server refuses the request, such as 429.
        cut_after: chunks after which the connection to the model breaks.
        every: every so many calls or requests: the second, the fourth, … for 2.
        first: the first so many.
        times: so many faults at most.
        probability: share of the calls or requests, from 0 to 1, drawn by `seed`.
        seed: of `probability`; the same one draws the same.

    Raises:
        ValueError: an argument is out of range, or they do not go together.
        TypeError: an argument is of another type.
    """

    def __init__(
        self,
        tool: str | None = None,
        *,
        error: BaseException | type[BaseException] | None = None,
        latency: float | None = None,
        status: int | None = None,
        cut_after: int | None = None,
        every: int | None = None,
        first: int | None = None,
        times: int | None = None,
        probability: float | None = None,
        seed: int = 0,
    ) -> None:
        _check(tool, error, latency, status, cut_after)
        _check_counts(probability, every=every, first=first, times=times)
        self.tool = tool
        self.latency = latency
        self.status = status
        self.cut_after = cut_after
        self._error = error
        self._every, self._first, self._times = every, first, times
        self._probability, self._seed = probability, seed
        self._tokens: list[Token[tuple[Faults, ...]]] = []
        self._lock = threading.Lock()
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._seen = self._injected = 0

    def __enter__(self) -> Self:
        self._tokens.append(FAULTS.set((*FAULTS.get(), self)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        FAULTS.reset(self._tokens.pop())

    def fresh(self) -> "Faults":
        """Return the same faults, which have not seen a call yet."""
        made = copy.copy(self)
        made._lock, made._tokens = threading.Lock(), []
        made._random = random.Random(self._seed)  # noqa: S311 - no secret
        made._seen = made._injected = 0
        return made

    def next_is_due(self, tool: str | None) -> bool:
        """Count the next call of a tool, or the next request to the model (None).

        Return True if it gets the fault.
        """
        if tool != self.tool and (tool is None or self.tool != EVERY_TOOL):
            return False
        with self._lock:
            self._seen += 1
            due = self._is_due()
            self._injected += due
        return due

    def _is_due(self) -> bool:
        if self._every is not None and self._seen % self._every != 0:
            return False
        if self._first is not None and self._seen > self._first:
            return False
        if self._times is not None and self._injected >= self._times:
            return False
        # Last, since each draw moves on to the next one.
        return self._probability is None or self._random.random() < self._probability

    @property
    def label(self) -> str:
        """Line that reports an injected fault to the reader."""
        what = []
        if self.latency is not None:
            what.append(f"{self.latency:g} s of latency")
        if self._error is not None:
            what.append(_class_of(self._error).__name__)
        if self.status is not None:
            what.append(f"status {self.status}")
        if self.cut_after is not None:
            chunks = "chunk" if self.cut_after == 1 else "chunks"
            what.append(f"the stream is cut after {self.cut_after} {chunks}")
        return f"Injected: {', '.join(what)}"

    def error(self) -> BaseException | None:
        """Return a new error to raise; None if it is another fault."""
        if self._error is None:
            return None
        if isinstance(self._error, type):
            return self._error()
        try:
            made = copy.copy(self._error)
        except Exception:  # a class whose arguments are not those of its exceptions
            made = self._error
        return made.with_traceback(None)

    def __repr__(self) -> str:
        about = "requests to the model" if self.tool is None else f"calls of {self.tool}"
        return printable_line(f"<Faults in {about}: {self.label.removeprefix('Injected: ')}>")


FAULTS: ContextVar[tuple[Faults, ...]] = ContextVar("nbagent_faults", default=())
"""The faults that hold for the code that runs, the outermost block's first."""


faults = Faults
"""Name of the class in `nbagent`, where it reads as a verb."""


def due_faults(tool: str | None, given: Iterable[Faults] | None = None) -> list[Faults]:
    """Return the faults that the next call of a tool gets, or the next request to the model (None).

    Args:
        tool: its name.
        given: the faults that hold; those of the caller's context by default.
    """
    if given is None:
        given = FAULTS.get()
    return [each for each in given if each.next_is_due(tool)]


def faults_of_run() -> tuple[Faults, ...]:
    """Return the faults of the caller's context for a run of its own, which counts from 1."""
    return tuple(each.fresh() for each in FAULTS.get())


def _check(tool: Any, error: Any, latency: Any, status: Any, cut_after: Any) -> None:
    if tool is not None and not isinstance(tool, str):
        raise TypeError(f"faults: tool must be the name of a tool, or '*'; got {tool!r}")
    if error is not None and not issubclass(_class_of(error), Exception):
        raise TypeError(
            f"faults: error must be an exception, such as TimeoutError(); got {error!r}"
        )
    _check_number("latency", latency, _is_latency, "a positive number of seconds")
    _check_number("status", status, _is_status, "an HTTP status of an error, 400 to 599")
    _check_number("cut_after", cut_after, _is_count, "a number of chunks")
    if tool is not None and (status, cut_after) != (None, None):
        name = "status" if status is not None else "cut_after"
        raise ValueError(
            f"faults: {name}= is for requests to the model; leave tool={tool!r} out, or give "
            "error= or latency="
        )
    if (error, latency, status, cut_after) == (None, None, None, None):
        raise ValueError("faults: say which: error=, latency=, status= or cut_after=")
    if error is not None and status is not None:
        raise ValueError("faults: error= and status= are two ways to fail; give one of them")


def _class_of(error: Any) -> type[Any]:
    """Return a class as it is, and that of anything else."""
    return error if isinstance(error, type) else type(error)


def _check_counts(probability: Any, **counts: Any) -> None:
    for name, number in counts.items():
        _check_number(name, number, _is_positive, "a whole number of at least 1")
    _check_number("probability", probability, _is_probability, "between 0 and 1")


def _check_number(name: str, number: Any, fits: Callable[[Any], bool], what: str) -> None:
    if number is not None and not fits(number):
        raise ValueError(f"faults: {name} must be {what}, got {number!r}")


def _is_latency(number: Any) -> bool:
    return isinstance(number, (int, float)) and 0 < number < float("inf")


def _is_status(number: Any) -> bool:
    return isinstance(number, int) and 400 <= number <= 599


def _is_count(number: Any) -> bool:
    return isinstance(number, int) and number >= 0


def _is_positive(number: Any) -> bool:
    return isinstance(number, int) and number > 0


def _is_probability(number: Any) -> bool:
    return isinstance(number, (int, float)) and 0 <= number <= 1
