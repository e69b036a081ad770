"""`show()`: a stream in, a picture of it out."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, Unpack

from nbagent.gate import Hide, Reveal
from nbagent.run import Run
from nbagent.run.lanes import Lanes
from nbagent.sources.connect import connect, is_address
from nbagent.sources.request import IDLE_TIMEOUT, RequestOptions

if TYPE_CHECKING:
    from nbagent.gate.patterns import Rule

CLOSING = 1.0
"""Seconds that an interrupted script waits for its stream's connection to be closed: the process may end next."""


def show(
    source: Any,
    *more: Any,
    name: str | None = None,
    reveal: Reveal = "thinking",
    thinking_first: bool = False,
    hide: Hide | None = None,
    commentary: bool = True,
    redact: "Iterable[Rule]" = (),
    timeout: float | None = None,
    idle_timeout: float | None = None,
    fallback: Callable[[], Any] | None = None,
    concurrency: int | None = None,
    face: Literal["widget", "console"] | None = None,
    adapter: str | None = None,
    **options: Unpack[RequestOptions],
) -> Run:
    """Show an agent's stream live, where you are.

    In a notebook this draws a widget under the cell and returns at once, with the stream running on; `await` the result, or
    `.wait()` for it, to hold the cell until the end. Elsewhere it prints to the terminal, and in a script without an event loop
    it returns when the stream has ended.

    Args:
        source: what to watch: the stream of a known system (a model's API, an agent framework, an agent protocol), as its
            SDK gives it or as dicts, or its address (`"https://…"`, `"wss://…"`, `"grpc://…"`), `agent.stream(…)`,
            `nbagent.replay(…)`, or any iterator or async iterator of strings or nbagent events.
        more: other streams, to be watched beside it: each in a lane of its own, all in one run. One that fails leaves the
            others.
        name: the header's name for it.
        reveal: what may be seen: `"answer"` only, also `"tools"`, also `"thinking"` (the default), or `"all"` with raw items.
            What is hidden never reaches the browser or the notebook file; in this process `run.private` has it.
        thinking_first: the stream's text begins inside a thought and only `</think>` ends it, as with models whose prompt
            template has already opened the tag (DeepSeek-R1 and Qwen behind some servers).
        hide: what of which tool is hidden, with `"*"` for every tool: `{"search": "args", "*": "result"}`; `"args"`,
            `"result"`, `"all"`, or several of them.
        commentary: False hides what the model says before it calls a tool. Whether it will call one is known when its response
            is over, so that a text then waits until there, unless the service says what it is.
        redact: regular expressions (text or compiled), and functions from a text to what may be seen of it. What matches
            becomes bullets, wherever a stream cuts it. A function sees whole texts, so that these no longer stream.
        timeout: seconds that all may take. Then the run fails, with what has come; None for any time. A `fallback` that is
            asked at that moment may take as long again.
        idle_timeout: seconds in which something must come, likewise; of an address by default 300.
        fallback: called for the whole answer where the stream fails before anything has come of it: a function that gives a
            text, a response object or another stream, or an `async def`.
        concurrency: how many of several streams are read at a time; the others wait for their turn.
        face: `"widget"` or `"console"`; by default whichever fits.
        adapter: the system whose stream this is, such as `"openai.chat"`, where it is not found by itself.
        options: what is asked at an address and how, as `nbagent.connect` takes it: `json=…`, `headers=…`, `timeout=…`, …

    Returns:
        The run: `run.text`, `run.tools[0].result`, `run.events`, `run.cancel()`, …

    Raises:
        UnknownSource: `source` is not a stream, or no `adapter` has that name.
        ValueError: `reveal` or `face` is none of its choices, a rule cannot be followed, or an option makes no sense.
        TypeError: there are options, but `source` is not an address.
        MissingExtra: the address needs a package that is not installed.
    """
    if face not in (None, "widget", "console"):
        raise ValueError(f"face is 'widget' or 'console', or None for whichever fits; got {face!r}")
    idle = IDLE_TIMEOUT if idle_timeout is None else idle_timeout
    sources = [
        connect(one, **options, timeout=timeout, idle_timeout=idle) if is_address(one) else one for one in (source, *more)
    ]
    if options and not any(map(is_address, (source, *more))):
        raise TypeError(f"{', '.join(options)}: show() takes options of a request with an address only, such as 'https://…'")
    run = Run(
        Lanes(sources, adapter=adapter, concurrency=concurrency) if more else sources[0],
        name=name,
        reveal=reveal,
        thinking_first=thinking_first,
        hide=hide,
        commentary=commentary,
        redact=redact,
        timeout=timeout,
        idle_timeout=idle_timeout,
        fallback=fallback,
        adapter=adapter,
    )
    draw = None if face == "console" else _notebook(face)
    if draw is not None:
        draw(run)
        run.start()
        return run
    from nbagent.render.console import ConsoleRenderer

    run.attach(ConsoleRenderer())
    if _in_a_loop():
        run.start()
        return run
    try:
        run.start()
        return run.wait()
    except KeyboardInterrupt:  # which may come between the two, too
        run.cancel()
        with contextlib.suppress(TimeoutError):
            run.wait(CLOSING)
        raise


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _notebook(face: str | None) -> Callable[[Run], None] | None:
    """How the notebook that this is draws a run; None where there is no notebook and no widget was asked for."""
    if _in_marimo():
        from nbagent.notebook.marimo import draw
    elif face == "widget" or _in_jupyter():
        from nbagent.notebook.jupyter import draw
    else:
        return None
    return draw


def _in_jupyter() -> bool:
    """Whether this is a Jupyter kernel. IPython is only asked if somebody imported it: a plain script need not load it."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def _in_marimo() -> bool:
    """Whether this thread executes a marimo notebook."""
    marimo = sys.modules.get("marimo")
    return marimo is not None and bool(marimo.running_in_notebook())
