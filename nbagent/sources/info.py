"""`SourceInfo`: what is known of a stream before it is read."""

from collections.abc import Sequence
from typing import Any

import msgspec

from nbagent.transcript import NameOrigin


class SourceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a stream before it is read.

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
        streams: how many streams it joins.
        is_chat: whether it is a chat: answer after answer, until it is closed.
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
    streams: int = 1
    is_chat: bool = False
    about: str = ""
    offers: Sequence[str] = ()
