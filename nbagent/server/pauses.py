"""Streams that end at a question: their client answers it with a request of its own, whose stream
goes on with the run.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypedDict

from starlette.requests import Request
from starlette.responses import Response

from nbagent.adapters.base.encoder import BaseEncoder, Item
from nbagent.adapters.base.encoder_protocol import Encoder
from nbagent.events import ApprovalRequest, Decision, Event
from nbagent.server.hosting.feed import Feed
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.hosting.position import Position
from nbagent.server.problem import Problem
from nbagent.server.stream_response import (
    KEEP_ALIVE,
    RUN_ID_HEADER,
    RunResponse,
    cancels_on_disconnect,
    place_of,
)

FOLLOW_TIMEOUT_S = 2.0
"""Seconds that the events of a run of another process have to come."""


PERMISSIONS = frozenset({"tool", "stop"})
"""Kinds of questions that are answered with yes or no."""

_YES = frozenset({"approve", "approved", "allow", "yes", "y", "ok", "true"})
_NO = frozenset({"deny", "denied", "no", "n", "false", ""})


class Pause(TypedDict):
    """The place of a question in a stream.

    Attributes:
        pause: id of the question in its run.
        closing: items that end a stream at which the question waits.
        opening: items that begin the stream of the request that has answered.
    """

    pause: str
    closing: list[Item]
    opening: list[Item]


class PauseAnswer(NamedTuple):
    """An answer to a question of a run; see `Run.respond`."""

    id: str
    decision: Decision
    value: Any = None
    reason: str | None = None


class PausingEncoder(BaseEncoder):
    """Base of encoders whose streams end at a question."""

    def pause(self, id: str, closing: Callable[[], None], opening: Callable[[], None]) -> None:
        """Emit the place of a question.

        Args:
            id: of the question.
            closing: emits what ends the stream.
            opening: emits what begins the next one.
        """
        made = Pause(pause=id, closing=self._made(closing), opening=self._made(opening))
        self.emit({**made})

    def _made(self, write: Callable[[], None]) -> list[Item]:
        before, self._items = self._items, []
        write()
        made, self._items = self._items, before
        return made


def permission_in(text: str) -> tuple[Decision, str | None]:
    """Return the decision that a text gives about a call, and the reason.

    A text that does not clearly allow it denies it, and is the reason of the denial.
    """
    word = text.strip().strip(".!").lower()
    if word in _YES:
        return "approve", None
    return "deny", None if word in _NO else text


async def question_of(run: HostedRun, id: str) -> ApprovalRequest:
    """Return a question of a run, whether it is answered or not.

    Raises:
        Problem: the run has none of that id (404).
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FOLLOW_TIMEOUT_S):
            while (found := _question_in(run.events, id)) is None and run.is_followed:
                await run.changed(len(run.events))
    if found is None:
        raise Problem(404, f"the run {run.id} has no question {id!r}")
    return found


def _question_in(events: Sequence[Event], id: str) -> ApprovalRequest | None:
    asked = (event for event in events if isinstance(event, ApprovalRequest))
    return next((event for event in asked if event.approval_id == id), None)


async def answer(run: HostedRun, given: PauseAnswer) -> None:
    """Answer a question of a run.

    If nobody waits for the answer any more, the client sees what came of the question.

    Raises:
        Problem: the answer does not fit, and the question still waits (409), or the run's process
            does not reply (503).
    """
    try:
        await run.respond(given.id, given.decision, given.value, reason=given.reason)
    except Problem:
        if run.waits_for(given.id):
            raise
    while run.waits_for(given.id):
        await run.changed(len(run.events))


async def pausing_response(
    host: Host,
    request: Request,
    start: Callable[[], Awaitable[HostedRun]],
    system: str,
    encoder: Callable[[], Encoder],
    answers: Sequence[PauseAnswer] = (),
) -> Response:
    """Return the response with a run up to its next question that waits.

    Args:
        host: has the runs.
        request: of the client.
        start: begins or finds the run of a client that does not go on by `Last-Event-ID`.
        system: name of the form of the stream.
        encoder: makes a `PausingEncoder`.
        answers: of the client to the questions before: its stream begins behind them.

    Raises:
        Problem: as for `stream_response` and `answer`.
    """
    run, after = await place_of(host, request, start)
    feed = run.encoded_by(system, encoder)
    opening: list[Item] = []
    for each in answers:
        await answer(run, each)
        for at, item in feed.so_far():
            if _is_pause(item) and item["pause"] == each.id and at > after:
                after, opening = at, item["opening"]
    headers = {**feed.encoder.headers, RUN_ID_HEADER: run.id}
    if not opening and feed.is_over(after):
        return Response(status_code=204, headers={RUN_ID_HEADER: run.id})

    async def body() -> AsyncGenerator[bytes, None]:
        for item in opening:
            yield feed.encoder.frame(item)
        async with contextlib.aclosing(_frames(run, feed, after)) as frames:
            async for frame in frames:
                yield frame
        if not run.ended:
            response.cancels = False  # it waits for an answer, and not for this client

    response = RunResponse(run, body(), headers, cancels=cancels_on_disconnect(host, request))
    return response


async def _frames(run: HostedRun, feed: Feed, after: Position) -> AsyncGenerator[bytes, None]:
    """Yield the stream behind a position up to the next question that waits."""
    async for piece in feed.items(after):
        if piece is None:
            yield KEEP_ALIVE
            continue
        at, item = piece
        if not _is_pause(item):
            yield feed.encoder.frame(item, at.id_in(run.id))
        elif run.waits_for(item["pause"]):
            for each in item["closing"]:
                yield feed.encoder.frame(each, at.id_in(run.id))
            return


def _is_pause(item: Any) -> bool:
    return isinstance(item, dict) and item.keys() == Pause.__annotations__.keys()
