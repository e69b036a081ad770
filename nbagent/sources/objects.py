"""Chooses the reader of a stream that is a Python object: an async iterator, a plain one, a
response of openai's client.

The place where a stream is read decides what can stall it:

- an `OwnedStream` (the agent, a replay, an address) is read on nbagent's own loop, which no cell
  blocks;
- a user's async iterator on the loop on which `show` was called, since its connections and locks
  belong there;
- a plain iterator in a worker thread.

All readers use the caller's context variables, and close the stream when reading ends, however it
ends: cancelling a stream closes its connection.
"""

import asyncio
import inspect
import os
from typing import Any

from nbagent.errors import UnknownSource
from nbagent.runtime import work
from nbagent.runtime.loop import OwnedStream, running_loop
from nbagent.runtime.loop import loop as own_loop
from nbagent.sources.ag2_chat import stream_of_chat
from nbagent.sources.ag2_turn import events_of_turn, is_turn
from nbagent.sources.hints import (
    FINAL_RESULTS,
    hint_for,
    meaning_of,
    messages_refusal,
    text_refusal,
    type_name,
)
from nbagent.sources.reader import Reader
from nbagent.sources.task_reader import TaskReader, as_async, events_of
from nbagent.sources.thread_reader import ThreadReader
from nbagent.sources.tool_runner import async_turns_of, is_tool_runner, turns_of

_OF_STREAMS = ("__next__", "__anext__", "__aiter__", "__enter__", "__aenter__", "stream_events")
"""Methods of which a stream has one, and an item none."""


def reader_for(
    source: Any, loop: asyncio.AbstractEventLoop | None = None, *, typed: bool = False
) -> Reader:
    """Return a reader for a stream.

    Args:
        source: an async iterable, an awaitable that gives one (`client.responses.create(…,
            stream=True)` not yet awaited), an async or plain context manager around one
            (`client.responses.stream(…)`), a run with `stream_events()`, a turn of AG2, an
            iterable, a string, or one whole response object.
        loop: that an asynchronous stream is read on, if it is not nbagent's own; by default the one
            that runs here.
        typed: whether the items of the openai SDK are objects; if not they are JSON, which is
            cheaper.

    Raises:
        UnknownSource: it is none of these.
    """
    if _is_graph(source):
        raise _no_stream(source)
    if callable(getattr(source, "stream_events", None)):
        # A run of the OpenAI Agents SDK, or a workflow of LlamaIndex.
        return TaskReader(events_of(source), _home(loop))
    source = stream_of_chat(source)
    if is_turn(source):
        return TaskReader(events_of_turn(source), _home(loop))
    if is_tool_runner(source):
        source = async_turns_of(source) if hasattr(source, "__anext__") else turns_of(source)
    if isinstance(source, OwnedStream) and not source.stays:
        return TaskReader(source, own_loop())
    if _is_async(source):
        return TaskReader(source, _home(loop), typed=typed)
    _check_is_no_question(source)
    if _is_whole(source):
        return ThreadReader([source])  # one item, whose iterator would give its fields
    if not _is_iterable(source):
        raise _no_stream(source)
    if work.in_page():
        return TaskReader(as_async(source), own_loop())
    return ThreadReader(source, typed=typed)


def _check_is_no_question(source: Any) -> None:
    """Check that a source is no prompt and no messages: shown, they would look like an answer.

    Raises:
        UnknownSource: it is one of these.
    """
    if isinstance(source, str) and meaning_of(source):
        raise UnknownSource(text_refusal(source))
    refusal = messages_refusal(source)
    if refusal:
        raise UnknownSource(refusal)


def _home(loop: asyncio.AbstractEventLoop | None) -> asyncio.AbstractEventLoop:
    """Return the loop that an asynchronous stream is read on."""
    return loop or running_loop() or own_loop()


def _is_whole(source: Any) -> bool:
    """Return True for a text or a whole response."""
    is_plain = isinstance(source, (str, dict)) or hasattr(source, "model_dump")
    return is_plain or type_name(source) in FINAL_RESULTS


def _is_iterable(source: Any) -> bool:
    """Return True if the source is read item by item; not for a path or a table."""
    if isinstance(source, os.PathLike):
        return False
    if hasattr(source, "__array__") or hasattr(source, "__dataframe__"):
        return False
    return hasattr(source, "__iter__") or hasattr(source, "__enter__")


def is_stream(value: Any) -> bool:
    """Return True for an object that is read, such as an iterator, rather than for an item of a
    stream.

    Items have fields, and some iterate over them; none is an iterator.
    """
    return inspect.isawaitable(value) or any(hasattr(type(value), name) for name in _OF_STREAMS)


def _no_stream(source: Any) -> UnknownSource:
    return UnknownSource(
        "show() needs a stream: an iterator, an async iterator or a response of one of the known "
        "systems; got "
        f"{type(source).__name__}.{_hint(source)}"
    )


def _is_graph(source: Any) -> bool:
    """Return True for a runnable or an agent, which may have iterators and context managers of its
    own but is no stream.
    """
    if callable(getattr(source, "astream", None)):
        return True
    methods = (getattr(source, name, None) for name in ("run", "run_stream_events"))
    return all(map(callable, methods))


def _is_async(source: Any) -> bool:
    """Return True if a source is read asynchronously.

    CrewAI's outputs have both kinds of iterator, of which one works.
    """
    if hasattr(source, "__iter__") and getattr(source, "_async_iterator", source) is None:
        return False
    return (
        hasattr(source, "__aiter__") or inspect.isawaitable(source) or hasattr(source, "__aenter__")
    )


def _hint(source: Any) -> str:
    """Return a sentence on what the user may have meant, or ""."""
    if hint := hint_for(type_name(source)):
        return hint
    if isinstance(source, os.PathLike):
        return " To play a recording, show nbagent.replay(path)."
    if callable(getattr(source, "stream", None)):
        return " Show what its stream(…) returns."
    if callable(source):
        return " Call the function, and show what it returns."
    return ""
