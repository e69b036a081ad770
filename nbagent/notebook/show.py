"""`show()`: shows a stream live, in a notebook or in a terminal."""

import contextlib
import sys
from collections.abc import Callable
from typing import Any, Literal, Unpack

from nbagent.errors import UnknownSource
from nbagent.run import Run, registry
from nbagent.run.lanes import Lanes, streams_in
from nbagent.run.options import RunOptions, check_names, named_options, pick
from nbagent.runtime.ipython import ipython_kernel
from nbagent.sources.connect import connect, is_address
from nbagent.sources.hints import text_refusal
from nbagent.sources.request import IDLE_TIMEOUT_S, RequestOptions

CLOSE_TIMEOUT_S = 1.0
"""Seconds that an interrupted script waits for its stream's connection to close, since the process
may end next.
"""


_MEANT = {
    "title": "name",
    "label": "name",
    "theme": "face",
    "filter": "hide",
    "system": "adapter",
    "provider": "adapter",
}
"""Options that other libraries have, and their names here."""


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

    In a notebook this draws a widget under the cell and returns at once, with the stream running
    on; `await` the result, or `.wait()` for it, to hold the cell until the end. Elsewhere it prints
    to the terminal, and in a script without an event loop it returns when the stream has ended.

    Args:
        source: the stream of a known system (a model's API, an agent framework, an agent protocol),
            as its SDK gives it or as dicts, or its address (`"https://…"`, `"wss://…"`,
            `"grpc://…"`); `agent.stream(…)`; `nbagent.replay(…)`; or any iterator or async iterator
            of nbagent events, or of strings, which are pieces of the answer or each time the whole
            answer so far. Several streams, in a list, a tuple or a dict, are shown side by side; a
            dict names them: `show({"Oslo": stream, "Rome": another})`. A run that goes on or has
            ended is drawn again, and returned; with options its events are shown as a run of their
            own.
        more: other streams to show beside it, each in a lane of its own, all in one run. One that
            fails leaves the others running.
        name: the run's name in the header; by default that of the agent, else of the model or
            stream, else of its function.
        prompt: the user's message that the stream answers, shown above it; streams of
            `agent.stream` contain it.
        reveal: what may be seen: `"answer"` only, also `"tools"`, also `"thinking"` (the default),
            or `"all"` with raw items. What is hidden never reaches the browser or the notebook
            file; in this process `run.private` has it.
        thinking_first: the stream's text begins inside a thought and only `</think>` ends it, as
            with models whose prompt template has already opened the tag (DeepSeek-R1 and Qwen
            behind some servers).
        hide: hidden aspects by tool name, `"*"` for every tool: `{"search": "args", "*":
            "result"}`. An aspect is `"args"`, `"result"`, `"all"`, or several of them.
        commentary: False hides the text that the model writes before it calls a tool. Only the end
            of its response shows whether it calls one, so each text waits until then, unless the
            service sends its `phase`.
        redact: regular expressions (text or compiled), and functions that take a text and return
            the text to show. A match becomes bullets, wherever the stream cuts it. A function gets
            whole texts, so these no longer stream.
        tags: thoughts and calls that a model writes into its text, beside those that are always
            recognised: names of families that cannot be told from an answer for sure, of `"json"`,
            `"pythonic"` and `"react"`, and tags of your own, such as `("<plan>", "</plan>",
            "thought")`; or a mapping, `{"plan": "thought"}`. A kind is `"thought"` or `"tool"`.
        timeout: seconds for the whole run, which then fails and keeps its results so far; None for
            any time. A `fallback` that starts at that moment may take as long again.
        idle_timeout: seconds of silence after which the run fails in the same way; None for any
            time, and 300 for an address. Any byte ends the silence of an address, also that of a
            keep-alive comment; the silence of an iterator ends with its next item.
        fallback: asked for the whole answer if the stream fails before any part of it has come: a
            function that returns a text, a response object, another stream or an awaitable, as
            `lambda: agent.generate(question)` or an `async def` does.
        fallback_after_output: ask it also if the stream breaks off later. What has come stays, the
            whole answer follows it, and `run.answer` is that answer.
        stable: leave times out of the saved transcript, so that a notebook in version control
            changes only where its answers do. With the environment variable `NBAGENT_STABLE=1` this
            holds for all runs, and no live view is shown.
        height: pixels of the transcript, which scrolls in them, also when it has ended; `"full"`
            for its whole height at any time. By default it scrolls while it goes on, and opens when
            it has ended. This and the next three are set for a whole notebook by
            `nbagent.set_options`.
        panels: kinds of panels that are open, of `"thinking"`, `"tools"` and `"agents"`; the others
            are closed unless they failed or wait for the reader. By default a panel is open while
            something comes, and folds then.
        final_only: show the answer when it is whole, not while it is written.
        interval: seconds between two updates of the view; 0.1 by default.
        adapter: the system of the stream, such as `"openai.chat"`; by default detected by its first
            items. Or a function from an item to what it means: an event of `nbagent.events`, a
            text, several of these, or None.
        answer: answers the questions that the run asks its reader: a function that is called with
            each `Question`, in a thread (an `async def` on the loop that runs here). It returns
            True or False, changed arguments, an input, a text as the reason of a denial, or None,
            which leaves the question to the reader.
        on_fork: goes on in a fork of a run of another framework, by click too: a function of all
            that the model is told, to a stream, such as `lambda messages:
            Runner.run_streamed(agent, messages)`; see `run.fork`.
        resume: goes on with a stream that ends while it waits for answers: a function that is
            called with all of them (`Answers`; its `value` is in the form that the system takes)
            and returns the next stream, which is shown in this run: `lambda answers:
            graph.astream(Command(resume=answers.value), config)`.
        send: carries an answer to a stream that stays open while it waits: a function that is
            called with each answer, in the form of the system or as an event. It may be an `async
            def`.
        stop_at: stop before calls of a tool: its name, several names, `"*"` for every tool, or a
            function of a call's name and arguments. The call's panel then asks how to go on, and
            `run.waiting` has the question. Breakpoints hold for agents of `nbagent.Agent`, and for
            functions under `@nbagent.tool` inside any other framework.
        step: stop before every call and every request to the model.
        stop_on_error: stop after each call that failed.
        stop_on_result: stop after each call whose result is wrong: a function of its name,
            arguments and result that returns True for such a one.
        concurrency: how many of several streams are read at a time; the others wait for their turn.
        face: `"widget"` or `"console"`; by default the one that fits.
        options: those of the run, described above; for an address also the request's, as
            `nbagent.connect` takes them: `json=…`, `headers=…`, …

    Returns:
        The run: `run.text`, `run.tools[0].result`, `run.events`, `run.cancel()`, …

    Raises:
        UnknownSource: `source` is not a stream, or a text that is no address, or no `adapter` has
            that name.
        ValueError: `reveal` or `face` is none of its choices, or a rule or another option is not
            valid.
        TypeError: there is no such option, or a request's option is given without an address.
        MissingExtra: the address needs an extra that is not installed; the message names it.
    """
    check_names("show", options, ShowOptions, _MEANT)
    if face not in (None, "widget", "console"):
        raise ValueError(f"face must be 'widget', 'console' or None (whichever fits); got {face!r}")
    if isinstance(source, Run) and not more and not options:
        return draw(source, face)
    request: RequestOptions = pick(options, RequestOptions)
    watched: RunOptions = pick(options, RunOptions)
    given = [named for each in (source, *more) for named in _named(each)]
    sources = _connected([each for _, each in given], request, watched)
    if more or streams_in(source) is not None:
        lanes = Lanes(
            sources,
            names=[name for name, _ in given],
            adapter=watched.get("adapter"),
            concurrency=concurrency,
            idle_timeout=watched.get("idle_timeout"),
        )
        sources = [lanes]
    return draw(Run(sources[0], **watched), face, has_handler=watched.get("answer") is not None)


def _connected(sources: list[Any], request: RequestOptions, watched: RunOptions) -> list[Any]:
    """Return the streams, with those at addresses in place of the addresses.

    Raises:
        TypeError: a request's option is given without an address.
    """
    if request and not any(map(is_address, sources)):
        raise TypeError(
            f"{', '.join(request)}: show() takes request options only with an address, such as "
            "'https://…'"
        )
    timeout, idle_timeout = watched.get("timeout"), watched.get("idle_timeout")
    idle = IDLE_TIMEOUT_S if idle_timeout is None else idle_timeout
    return [
        connect(each, **request, timeout=timeout, idle_timeout=idle) if is_address(each) else each
        for each in sources
    ]


def _named(source: Any) -> list[tuple[str | None, Any]]:
    """Return the streams of a source and their names: several for a dict, list or tuple of them, of
    a run its events.

    Raises:
        UnknownSource: it is a text that is no address.
    """
    if isinstance(source, str) and not is_address(source):
        raise UnknownSource(text_refusal(source))
    if isinstance(source, Run):
        return [(source.name, source.stream())]
    streams = streams_in(source)
    if streams is None:
        return [(None, source)]
    return [(name or own, each) for name, stream in streams for own, each in _named(stream)]


def draw(run: Run, face: Literal["widget", "console"] | None, *, has_handler: bool = False) -> Run:
    """Draw a run where the caller is, and start it.

    In a script without an event loop, wait for its end.

    Args:
        run: the run. A chat is not waited for.
        face: `"widget"` or `"console"`; by default the one that fits.
        has_handler: whether a function answers the run's questions, so that they are not asked at
            the prompt.
    """
    draw = None if face == "console" else _notebook(face)
    registry.register(run)
    if draw is not None:
        draw(run)
        run.start()
        return run
    from nbagent import terminal

    try:
        return terminal.draw(run, has_handler=has_handler)
    except KeyboardInterrupt:
        run.cancel()
        with contextlib.suppress(TimeoutError):
            run.wait(CLOSE_TIMEOUT_S)
        raise


def draw_below(run: Run, other: Run) -> None:
    """Draw a run below the cell that shows another one, and start it.

    A notebook that takes no output outside its cells, such as marimo's, shows it when a cell does.
    """
    registry.register(run)
    if ipython_kernel() is not None:
        from nbagent.notebook.jupyter import draw

        draw(run, below=other)
    run.start()


def _notebook(face: str | None) -> Callable[[Run], None] | None:
    """Return the function that draws a run in this notebook; None if there is no notebook and no
    widget was asked for.
    """
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
