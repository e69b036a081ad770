"""Options of `Run` and `nbagent.show`, each declared once, with its type.

`nbagent.show` describes them.
"""

import inspect
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, TypeVar, Unpack, get_args

from nbagent.adapters.base.answers import Answers
from nbagent.errors import did_you_mean
from nbagent.events.question import Handler
from nbagent.gate import Gate, Hide, Reveal, Tags
from nbagent.protocol.blocks import RunProps
from nbagent.run.adapter import Converter
from nbagent.run_context import Breakpoints, StopOnResult, StopRule
from nbagent.sources.info import SourceInfo

if TYPE_CHECKING:
    from nbagent.gate.patterns import Rule

MAX_INTERVAL_S = 60.0
"""Seconds between two updates of a view, at most."""

F = TypeVar("F", bound=Callable[..., Any])


class GateOptions(TypedDict, total=False):
    """Options of a run's gate: the arguments of `Gate`, which has their defaults."""

    reveal: Reveal
    thinking_first: bool
    hide: Hide | None
    commentary: bool
    redact: "Iterable[Rule]"
    tags: Tags | None


Panel: TypeAlias = Literal["thinking", "tools", "agents"]
"""Kind of a panel that a reader may open and close."""


class ViewOptions(TypedDict, total=False):
    """Options of the drawing of a run. `set_options` sets them for all runs."""

    height: int | Literal["full"] | None
    panels: Collection[Panel] | None
    final_only: bool
    interval: float | None


class StopOptions(TypedDict, total=False):
    """Options of a run's breakpoints: the arguments of `Breakpoints`."""

    stop_at: StopRule | None
    step: bool
    stop_on_error: bool
    stop_on_result: StopOnResult | None


class RunOptions(GateOptions, ViewOptions, StopOptions, total=False):
    """Options of a run. One that is left out is None, and `fallback_after_output` False."""

    name: str | None
    prompt: str | None
    timeout: float | None
    idle_timeout: float | None
    fallback: Callable[[], Any] | None
    fallback_after_output: bool
    adapter: str | Converter | None
    answer: Handler | None
    resume: Callable[[Answers], Any] | None
    send: Callable[[Any], Any] | None
    on_fork: Callable[[list[Any]], Any] | None
    stable: bool


INHERITED = frozenset(
    {*GateOptions.__optional_keys__, *ViewOptions.__optional_keys__}
    | {"answer", "on_fork", "stable"}
)
"""Options that a fork of a run takes over: what may be seen, how it is drawn, who answers, and how
it is forked again.
"""


def is_stable(options: Mapping[str, object] = MappingProxyType({})) -> bool:
    """Return True if a run's saved transcript is to be the same in each execution: `stable=True`,
    or `NBAGENT_STABLE=1`.
    """
    return bool(options.get("stable")) or os.environ.get("NBAGENT_STABLE", "") not in ("", "0")


def pick(options: Mapping[str, object], kind: Any) -> Any:
    """Return those of the options that a TypedDict, `kind`, declares."""
    return {name: value for name, value in options.items() if name in kind.__optional_keys__}


def named_options(kind: Any) -> Callable[[F], F]:
    """Decorate a function with `**options: Unpack[kind]`: its signature names them, so that a
    notebook completes them.

    Their defaults are `...`, as in a stub file. The function itself has to refuse other names, with
    `check_names`.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        own = [
            parameter
            for parameter in signature.parameters.values()
            if parameter.kind is not parameter.VAR_KEYWORD
        ]
        named = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=...)
            for name in kind.__annotations__
        ]
        function.__signature__ = signature.replace(parameters=[*own, *named])  # type: ignore[attr-defined]
        return function

    return decorate


def check_names(
    function: str, options: Mapping[str, object], kind: Any, meant: Mapping[str, str] | None = None
) -> None:
    """Check that a TypedDict, `kind`, declares all of a function's options, and that its flags are
    True or False.

    Args:
        function: its name.
        options: that were given.
        kind: the TypedDict.
        meant: names that other libraries use for some of the options.

    Raises:
        TypeError: it does not; the message is Python's own for such a call, with the option that
            may be meant.
        ValueError: a flag is something else, which would count as True.
    """
    for name in options.keys() - kind.__optional_keys__:
        known = (meant or {}).get(name)
        if known:
            hint = f"; did you mean {known!r}?"
        else:
            hint = did_you_mean(name, kind.__optional_keys__)
        raise TypeError(f"{function}() got an unexpected keyword argument {name!r}{hint}")
    for name, value in options.items():
        if kind.__annotations__[name] is bool and value not in (True, False, None):
            raise ValueError(f"{name} must be True or False; got {value!r}")


_defaults: ViewOptions = {}


@named_options(ViewOptions)
def set_options(**options: Unpack[ViewOptions]) -> None:
    """Set how runs are drawn from now on, where `show` does not say otherwise.

        nbagent.set_options(height=300, panels=())

    Args:
        height: pixels of a transcript, which scrolls in them, also when it has ended; `"full"` for
            its whole height at any time. None: it scrolls while it goes on, and opens when it has
            ended.
        panels: kinds of panels that are open: `"thinking"`, `"tools"`, `"agents"`; the others are
            closed unless they failed or wait for the reader. None: a panel is open while something
            comes, and folds then.
        final_only: show the answer when it is whole, not while it is written.
        interval: seconds between two updates of the view; None is 0.1.

    Raises:
        ValueError: a value is none of these.
        TypeError: there is no such option.
    """
    check_names("set_options", options, ViewOptions)
    check_view(options)
    _defaults.update(options)


def view_options(options: Mapping[str, Any]) -> ViewOptions:
    """Return the options of a run's view: its own, else those of `set_options`.

    Raises:
        ValueError: a value is not valid; the message names it.
    """
    own: ViewOptions = pick(options, ViewOptions)
    check_view(own)
    return {**_defaults, **own}


def breakpoints_of(options: StopOptions) -> Breakpoints:
    """Return the breakpoints of a run.

    Raises:
        TypeError: an option is of another type.
    """
    return Breakpoints(
        options.get("stop_at"),
        step=bool(options.get("step")),
        on_error=bool(options.get("stop_on_error")),
        on_result=options.get("stop_on_result"),
    )


def opening_props(options: ViewOptions, gate: Gate, info: SourceInfo) -> RunProps:
    """Return the props that a run has from its beginning.

    Args:
        options: how it is drawn.
        gate: decides what may be seen of the agent.
        info: what is known of its source. A chat has ended until its first prompt.
    """
    props = RunProps()
    if info.is_chat:
        props = RunProps(status="completed", turns=0)
    if info.about and not gate.hides_requests:
        props.about = info.about
    if info.own_agent is not None:
        props.can_fork = props.can_keep = True
    if info.offers and not gate.hides_tools:
        props.offers = list(info.offers)
    height = options.get("height")
    if height == "full":
        props.height = 0
    elif height is not None:
        props.height = height
    if (panels := options.get("panels")) is not None:
        props.panels = list(panels)
    if options.get("final_only"):
        props.final_only = True
    return props


def check_on_fork(on_fork: object) -> bool:
    """Return True if a run says how its framework goes on in a fork.

    Raises:
        TypeError: `on_fork` is not a function.
    """
    if on_fork is not None and not callable(on_fork):
        raise TypeError(
            "on_fork= takes a function of the messages to a stream, such as lambda messages: "
            f"Runner.run_streamed(agent, messages); got {on_fork!r}"
        )
    return on_fork is not None


def check_view(options: ViewOptions) -> None:
    """Check the values of view options.

    Raises:
        ValueError: one is not valid; the message names it.
    """
    given: Mapping[str, Any] = options
    _check_height(given.get("height"))
    _check_panels(given.get("panels"))
    _check_interval(given.get("interval"))


def _check_height(height: Any) -> None:
    is_pixels = isinstance(height, int) and not isinstance(height, bool) and height > 0
    if height not in (None, "full") and not is_pixels:
        raise ValueError(f"height must be a positive number of pixels or 'full'; got {height!r}")


def _check_panels(panels: Any) -> None:
    if panels is None:
        return
    wrong = [panels]
    if isinstance(panels, Iterable) and not isinstance(panels, str):
        wrong = [each for each in panels if each not in get_args(Panel)]
    if wrong:
        raise ValueError(
            f"panels takes a list of {', '.join(map(repr, get_args(Panel)))}; got {wrong[0]!r}"
        )


def _check_interval(interval: Any) -> None:
    if interval is None:
        return
    if not isinstance(interval, (int, float)) or not 0 < interval <= MAX_INTERVAL_S:
        raise ValueError(
            f"interval must be more than 0 and at most {MAX_INTERVAL_S:g} seconds; got {interval!r}"
        )
