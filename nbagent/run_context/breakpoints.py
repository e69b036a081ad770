"""`Breakpoints`: the points at which a run stops for its reader."""

import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

StopRule: TypeAlias = str | Iterable[str] | Callable[[str, dict[str, Any]], bool]
"""Name of a tool, several of them, `"*"` for every tool, or a function of a call's name and
arguments.
"""

StopOnResult: TypeAlias = Callable[[str, dict[str, Any], Any], bool]
"""Returns True for a result to stop at; called with a call's name, its arguments and its result."""

EVERY = "*"
"""Name that stands for every tool."""


class Breakpoints:
    """Points at which a run stops for its reader. All methods are safe on any thread.

    Args:
        stop_at: calls to stop before; see `StopRule`. None is no call.
        step: stop before every call and every request to the model.
        on_error: stop after each call that failed.
        on_result: stop after each call whose result the function finds wrong.

    Attributes:
        on_change: called after `add`, `remove` or `step` changed something.
        are_used: True once code of the run has looked for them. A stream from elsewhere does not.

    Raises:
        TypeError: `stop_at` or `on_result` is of another type.
    """

    def __init__(
        self,
        stop_at: StopRule | None = None,
        *,
        step: bool = False,
        on_error: bool = False,
        on_result: StopOnResult | None = None,
    ) -> None:
        self._lock = threading.Lock()
        self._tools: frozenset[str] = frozenset()
        self._predicate: Callable[[str, dict[str, Any]], bool] | None = None
        self._step = step
        self._on_error = on_error
        self._on_result = on_result
        self.on_change: Callable[[], None] = lambda: None
        self.are_used = False
        if on_result is not None and not callable(on_result):
            raise TypeError(
                "stop_on_result must be a function of a call's name, arguments and result; got "
                f"{type(on_result).__name__}"
            )
        if stop_at is not None:
            self._set(stop_at)

    def _set(self, stop_at: StopRule) -> None:
        if isinstance(stop_at, str):
            self._tools = frozenset([stop_at])
        elif callable(stop_at):
            self._predicate = stop_at
        else:
            given: Any = stop_at
            names = list(given) if isinstance(given, Iterable) else [given]
            if wrong := [each for each in names if not isinstance(each, str)]:
                raise TypeError(
                    "stop_at must be a tool's name, several of them, '*', or a function of a "
                    "call's name and arguments; "
                    f"got {wrong[0]!r}"
                )
            self._tools = frozenset(names)

    @property
    def tools(self) -> frozenset[str]:
        """Names of the tools to stop at; `"*"` is every tool."""
        return self._tools

    @property
    def step(self) -> bool:
        """True if the run stops before every call and every request to the model."""
        return self._step

    @step.setter
    def step(self, step: bool) -> None:
        self._step = step
        self.on_change()

    def add(self, tool: str) -> None:
        """Stop before each call of a tool from now on."""
        with self._lock:
            self._tools |= {tool}
        self.on_change()

    def remove(self, tool: str) -> None:
        """Stop no more before the calls of a tool. One that has no breakpoint is no error."""
        with self._lock:
            self._tools -= {tool}
        self.on_change()

    def clear(self) -> None:
        """Stop nowhere any more."""
        with self._lock:
            self._tools, self._predicate, self._on_result = frozenset(), None, None
            self._step = self._on_error = False
        self.on_change()

    def copy_from(self, other: "Breakpoints") -> None:
        """Stop where other breakpoints stop now."""
        with self._lock:
            self._tools, self._predicate, self._on_result = (
                other._tools,
                other._predicate,
                other._on_result,
            )
            self._step, self._on_error = other._step, other._on_error
        self.on_change()

    def at_request(self) -> bool:
        """Return True if the run stops before a request to the model."""
        self._note_use()
        return self._step

    def at_call(self, tool: str, arguments: dict[str, Any]) -> str | None:
        """Return the reason to stop before a call; None if the run goes on."""
        self._note_use()
        if self._tools and (tool in self._tools or EVERY in self._tools):
            return "breakpoint"
        if self._step:
            return "step"
        if self._predicate is None:
            return None
        try:
            return "stop_at" if self._predicate(tool, arguments) else None
        except Exception as error:
            return f"stop_at raised {type(error).__name__}: {error}"

    def at_error(self) -> bool:
        """Return True if the run stops after a call that failed."""
        return self._on_error

    def at_result(self, tool: str, arguments: dict[str, Any], result: Any) -> str | None:
        """Return the reason to stop after a call with a result; None if the run goes on."""
        if self._on_result is None:
            return None
        try:
            return "stop_on_result" if self._on_result(tool, arguments, result) else None
        except Exception as error:
            return f"stop_on_result raised {type(error).__name__}: {error}"

    def _note_use(self) -> None:
        if not self.are_used:
            self.are_used = True
            self.on_change()
