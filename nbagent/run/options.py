"""Options of `Run` and `nbagent.show`, each declared once, with its type. `nbagent.show` describes them."""

import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from nbagent.errors import did_you_mean
from nbagent.events.question import Handler
from nbagent.gate import Hide, Reveal
from nbagent.run.adapter import Converter

if TYPE_CHECKING:
    from nbagent.gate.patterns import Rule

F = TypeVar("F", bound=Callable[..., Any])


class GateOptions(TypedDict, total=False):
    """Options of a run's gate: the arguments of `Gate`, which has their defaults."""

    reveal: Reveal
    thinking_first: bool
    hide: Hide | None
    commentary: bool
    redact: "Iterable[Rule]"


class RunOptions(GateOptions, total=False):
    """Options of a run. One that is left out is None, and `fallback_after_output` False."""

    name: str | None
    timeout: float | None
    idle_timeout: float | None
    fallback: Callable[[], Any] | None
    fallback_after_output: bool
    adapter: str | Converter | None
    answer: Handler | None
    stable: bool


def is_stable(options: Mapping[str, object] = MappingProxyType({})) -> bool:
    """Return True if a run's saved transcript is to be the same in each execution: `stable=True`, or `NBAGENT_STABLE=1`."""
    return bool(options.get("stable")) or os.environ.get("NBAGENT_STABLE", "") not in ("", "0")


def pick(options: Mapping[str, object], kind: Any) -> Any:
    """Return those of the options that a TypedDict, `kind`, declares."""
    return {name: value for name, value in options.items() if name in kind.__optional_keys__}


def named_options(kind: Any) -> Callable[[F], F]:
    """Decorate a function with `**options: Unpack[kind]`: its signature names them, so that a notebook completes them.

    Their defaults are `...`, as in a stub file. The function itself has to refuse other names, with `check_names`.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        own = [parameter for parameter in signature.parameters.values() if parameter.kind is not parameter.VAR_KEYWORD]
        named = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=...) for name in kind.__annotations__]
        function.__signature__ = signature.replace(parameters=[*own, *named])  # type: ignore[attr-defined]
        return function

    return decorate


def check_names(function: str, options: Mapping[str, object], kind: Any, meant: Mapping[str, str] | None = None) -> None:
    """Check that a TypedDict, `kind`, declares all of a function's options.

    Args:
        function: its name.
        options: that were given.
        kind: the TypedDict.
        meant: names that other libraries use for some of the options.

    Raises:
        TypeError: it does not; the message is Python's own for such a call, with the option that may be meant.
    """
    for name in options.keys() - kind.__optional_keys__:
        known = (meant or {}).get(name)
        hint = f"; did you mean {known!r}?" if known else did_you_mean(name, kind.__optional_keys__)
        raise TypeError(f"{function}() got an unexpected keyword argument {name!r}{hint}")
