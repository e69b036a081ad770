"""`show()`: shows a stream live, in a notebook or in a terminal."""

import contextlib
import sys
from collections.abc import Callable
from typing import Any, Literal, Unpack

from nbagent.run import Run
from nbagent.run.lanes import Lanes
from nbagent.run.options import RunOptions, check_names, named_options, pick
from nbagent.runtime.ipython import ipython_kernel
from nbagent.runtime.loop import running_loop
from nbagent.sources.connect import connect, is_address
from nbagent.sources.request import IDLE_TIMEOUT_S, RequestOptions

CLOSE_TIMEOUT_S = 1.0
"""Seconds that an interrupted script waits for its stream's connection to close, since the process may end next."""


class ShowOptions(RunOptions, RequestOptions, total=False):
    """Options of the run, and of the request if the source is an address."""


@named_options(ShowOptions)
def show(
    source: Any,
    *more: Any,
    concurrency: int | None = None,
    face: Literal["widget", "console"] | None = None,
    **options: Unpack[ShowOptions],
) -> Run:
    """Show an agent's stream live, where you are.

    In a notebook this draws a widget under the cell and returns at once, with the stream running on; `await` the result, or
    `.wait()` for it, to hold the cell until the end. Elsewhere it prints to the terminal, and in a script without an event loop
    it returns when the stream has ended.

    Args:
        source: the stream of a known system (a model's API, an agent framework, an agent protocol), as its SDK gives it or as
            dicts, or its address (`"https://…"`, `"wss://…"`, `"grpc://…"`); `agent.stream(…)`; `nbagent.replay(…)`; or any
            iterator or async iterator of strings or nbagent events.
        more: other streams to show beside it, each in a lane of its own, all in one run. One that fails leaves the others
            running.
        name: the run's name in the header; by default the stream's own.
        reveal: what may be seen: `"answer"` only, also `"tools"`, also `"thinking"` (the default), or `"all"` with raw items.
            What is hidden never reaches the browser or the notebook file; in this process `run.private` has it.
        thinking_first: the stream's text begins inside a thought and only `</think>` ends it, as with models whose prompt
            template has already opened the tag (DeepSeek-R1 and Qwen behind some servers).
        hide: hidden aspects by tool name, `"*"` for every tool: `{"search": "args", "*": "result"}`. An aspect is `"args"`,
            `"result"`, `"all"`, or several of them.
        commentary: False hides the text that the model writes before it calls a tool. Only the end of its response shows
            whether it calls one, so each text waits until then, unless the service sends its `phase`.
        redact: regular expressions (text or compiled), and functions that take a text and return the text to show. A
            match becomes bullets, wherever the stream cuts it. A function gets whole texts, so these no longer stream.
        timeout: seconds for the whole run, which then fails and keeps its results so far; None for any time. A `fallback` that
            starts at that moment may take as long again.
        idle_timeout: seconds of silence after which the run fails in the same way; None for any time, and 300 for an address.
            Any byte ends the silence of an address, also that of a keep-alive comment; the silence of an iterator ends with
            its next item.
        fallback: asked for the whole answer if the stream fails before any part of it has come: a function, or an `async def`,
            that returns a text, a response object or another stream.
        stable: leave times out of the saved transcript, so that a notebook in version control changes only where its
            answers do. With the environment variable `NBAGENT_STABLE=1` this holds for all runs, and no live view is shown.
        adapter: the system of the stream, such as `"openai.chat"`; by default detected by its first items.
        concurrency: how many of several streams are read at a time; the others wait for their turn.
        face: `"widget"` or `"console"`; by default the one that fits.
        options: those of the run, described above; for an address also the request's, as `nbagent.connect` takes them:
            `json=…`, `headers=…`, …

    Returns:
        The run: `run.text`, `run.tools[0].result`, `run.events`, `run.cancel()`, …

    Raises:
        UnknownSource: `source` is not a stream, or no `adapter` has that name.
        ValueError: `reveal` or `face` is none of its choices, or a rule or another option is not valid.
        TypeError: there is no such option, or a request's option is given without an address.
        MissingExtra: the address needs an extra that is not installed; the message names it.
    """
    check_names("show", options, ShowOptions)
    if face not in (None, "widget", "console"):
        raise ValueError(f"face must be 'widget', 'console' or None (whichever fits); got {face!r}")
    request: RequestOptions = pick(options, RequestOptions)
    watched: RunOptions = pick(options, RunOptions)
    timeout, idle_timeout = watched.get("timeout"), watched.get("idle_timeout")
    idle = IDLE_TIMEOUT_S if idle_timeout is None else idle_timeout
    sources = [
        connect(each, **request, timeout=timeout, idle_timeout=idle) if is_address(each) else each for each in (source, *more)
    ]
    if request and not any(map(is_address, (source, *more))):
        raise TypeError(f"{', '.join(request)}: show() takes request options only with an address, such as 'https://…'")
    lanes = Lanes(sources, adapter=watched.get("adapter"), concurrency=concurrency, idle_timeout=idle_timeout) if more else None
    run = Run(lanes or sources[0], **watched)
    draw = None if face == "console" else _notebook(face)
    if draw is not None:
        draw(run)
        run.start()
        return run
    from nbagent.render.console import ConsoleRenderer

    run.attach(ConsoleRenderer())
    if running_loop() is not None:
        run.start()
        return run
    try:
        run.start()
        return run.wait()
    except KeyboardInterrupt:  # also between the two calls
        run.cancel()
        with contextlib.suppress(TimeoutError):
            run.wait(CLOSE_TIMEOUT_S)
        raise


def _notebook(face: str | None) -> Callable[[Run], None] | None:
    """Return the function that draws a run in this notebook; None if there is no notebook and no widget was asked for."""
    if _in_marimo():
        from nbagent.notebook.marimo import draw
    elif face == "widget" or ipython_kernel() is not None:
        from nbagent.notebook.jupyter import draw
    else:
        return None
    return draw


def _in_marimo() -> bool:
    """Return True if this thread executes a marimo notebook."""
    marimo = sys.modules.get("marimo")
    return marimo is not None and bool(marimo.running_in_notebook())
