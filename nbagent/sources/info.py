"""`SourceInfo`: the facts that are known of a stream before it is read."""

import inspect
from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from nbagent.sources.asked import Asked, asked_of
from nbagent.transcript import NameOrigin


class SourceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about a stream that are known before it is read.

    A stream of nbagent's own has it as its attribute `info`, without the name.

    Attributes:
        name: of the stream.
        origin: where the name is from.
        own_agent: the `nbagent.Agent` whose stream it is; None for the streams of others.
        output: the form of the answer that was asked of that agent; None for a text.
        session: name of the session that the agent's answer belongs to; None if it stands alone.
        conversation: the exact history of the agent's run, which grows with it.
        keeps_times: whether a run shows the times that the events have, as those of a recording.
        started: begin of the run in seconds since the epoch; None for the time when it is shown.
        tools: names of the tools in its request.
        client_tools: names of the tools whose calls the client of the agent's run has to make.
        streams: how many streams it joins.
        is_chat: whether it is a chat: answer after answer, until it is closed.
        asked: what a framework was asked.
        about: what the agent of a chat does, in one line.
        offers: names of the tools of a chat's agent.
    """

    name: str = ""
    origin: NameOrigin = "stream"
    own_agent: Any = None
    output: Any = None
    session: str | None = None
    conversation: Any = None
    keeps_times: bool = False
    started: float | None = None
    tools: Sequence[str] = ()
    client_tools: Collection[str] = ()
    streams: int = 1
    is_chat: bool = False
    asked: Asked = Asked()
    about: str = ""
    offers: Sequence[str] = ()


def name_of(source: Any) -> str:
    """Return the name of a stream (for a generator, of its function), or "stream" if it has none.

    A call that is not awaited yet, `client.responses.create(model="gpt-5-mini", …)`, has the name
    of the model that it asks.
    """
    if inspect.iscoroutine(source) and source.cr_frame is not None:
        model = source.cr_frame.f_locals.get("model")
        if isinstance(model, str) and model:
            return model
    for attribute in ("name", "__name__"):
        name = getattr(source, attribute, None)
        if isinstance(name, str) and name and not name.startswith(("<", "_")):
            # A framework's internal name.
            return name
    return "stream"


def name_and_origin(source: Any) -> tuple[str, NameOrigin]:
    """Return the name of a stream, and where that is from: the stream's own name, else its
    function's.
    """
    name, own = name_of(source), getattr(source, "name", None)
    if isinstance(own, str) and own == name:
        return name, "stream"
    return name, "function"


def info_of(source: Any) -> SourceInfo:
    """Return what is known of any stream that `nbagent.show` takes."""
    name, origin = name_and_origin(source)
    given = getattr(source, "info", None)
    if isinstance(given, SourceInfo):
        return replace(given, name=name, origin=origin)
    return SourceInfo(name=name, origin=origin, asked=asked_of(source))
