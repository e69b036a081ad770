"""`DemoApi`: OpenAI's API as the demo model answers it, whatever carries the requests."""

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Self

import msgspec

from nbagent.demo import chat, responses
from nbagent.demo.conversation import MODEL, ApiError, Completion, Item, Json, Request
from nbagent.demo.script import play
from nbagent.events import Event, ReasoningDelta, TextDelta, ToolArgsDelta

MAX_PAUSE_S = 0.05
"""Seconds of the longest sleep within a pause; then the speed is read again."""

_END = object()
_MAX_KEPT_RESPONSES = 100
_MODEL_CARD = {"id": MODEL, "object": "model", "created": 0, "owned_by": "nbagent"}
_METHODS = {
    "/v1/responses": "POST",
    "/v1/chat/completions": "POST",
    "/v1/models": "GET",
    f"/v1/models/{MODEL}": "GET",
}


class ApiResponse(NamedTuple):
    """Response to a request: JSON, or a stream.

    Attributes:
        status: HTTP status.
        body: the JSON; of a stream it is empty.
        frames: the stream in pieces, with None before each token, where its pause is; None if the
            response is JSON.
    """

    status: int
    body: Json
    frames: Iterator[bytes | None] | None = None


class DemoApi:
    """The demo model behind OpenAI's API: `POST /v1/responses`, `POST /v1/chat/completions` (each
    streamed or whole) and `GET /v1/models`.

    Args:
        tokens_per_second: speed of a stream; `float("inf")` for no pauses.

    Attributes:
        requests: number of requests to the model so far.
        open_streams: number of streams that are being written.
        disconnects: number of streams whose client left before the end.
    """

    def __init__(self, tokens_per_second: float = 80.0) -> None:
        self.requests = 0
        self.open_streams = 0
        self.disconnects = 0
        self.tokens_per_second = tokens_per_second
        self._changed = threading.Condition()
        self._closed = False
        self._memory: dict[str, tuple[Item, ...]] = {}  # history up to each response, by its id

    @property
    def tokens_per_second(self) -> float:
        """Speed of the streams, above 0. A change takes effect at once, also for open streams."""
        return self._rate

    @tokens_per_second.setter
    def tokens_per_second(self, rate: float) -> None:
        if math.isnan(rate) or rate <= 0:
            raise ValueError(
                f'tokens_per_second is {rate!r}, but must be above 0; float("inf") is as fast as '
                "can be"
            )
        self._rate = float(rate)

    def wait_for(self, condition: Callable[[Self], bool], timeout: float | None = None) -> bool:
        """Block until `condition(self)` is true, for at most `timeout` seconds; return whether it
        is.

        For example `server.wait_for(lambda server: server.disconnects == 1, timeout=5)`: the
        counters wake it.
        """
        with self._changed:
            return self._changed.wait_for(lambda: condition(self), timeout)

    def complete(self, request: Request) -> Completion:
        """Return the answer to a request: the script's. A subclass may have its own."""
        return play(request)

    def accepted(self, body: Json) -> Json:
        """Return the body of a request as it is read.

        A subclass may take other models than the demo's.
        """
        return body

    def answer(self, method: str, path: str, body: bytes) -> ApiResponse:
        """Return the answer to a request."""
        try:
            if (allowed := _METHODS.get(path)) is None:
                raise ApiError(f"Invalid URL ({method} {path})", status=404)
            if allowed != method:
                raise ApiError(f"Not allowed to {method} on {path}, only to {allowed}.", status=405)
            if path.endswith(MODEL):
                return ApiResponse(200, _MODEL_CARD)
            if method == "GET":
                return ApiResponse(200, {"object": "list", "data": [_MODEL_CARD]})
            return self._reply(path == "/v1/responses", msgspec.json.decode(body, type=Json))
        except ApiError as error:
            return ApiResponse(error.status, error.body())
        except (msgspec.MsgspecError, RecursionError) as error:
            reason = f"We could not parse the JSON body of your request: {error}"
            return ApiResponse(400, ApiError(reason).body())

    @contextmanager
    def streaming(self, frames: Iterator[bytes | None]) -> Iterator[None]:
        """Count a stream that is being written within. If frames are left, its client has gone."""
        self._count(open_streams=1)
        try:
            yield
        finally:
            is_cut = not self._closed and next(frames, _END) is not _END
            self._count(open_streams=-1, disconnects=int(is_cut))

    def pause_left(self, begun: float) -> float:
        """Return the seconds that are left of the pause before a token; 0 or less if it is over.

        Args:
            begun: time of its begin, of `time.monotonic`.
        """
        return begun + 1 / self.tokens_per_second - time.monotonic()

    def _reply(self, on_responses: bool, body: Json) -> ApiResponse:
        created = int(time.time())
        self._count(requests=1)
        try:
            taken = self.accepted(body)
            request = responses.read(taken, self._memory) if on_responses else chat.read(taken)
            completion = self.complete(request)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise ApiError(
                f"The demo model could not read the request: {error!r}", status=500
            ) from error
        if on_responses and body.get("store") is not False:
            self._remember(request, completion)
        writer = responses.Writer(body) if on_responses else chat.Writer(body)
        if body.get("stream"):
            return ApiResponse(200, {}, _frames(completion.events(request, created), writer))
        return ApiResponse(200, writer.whole(completion, request, created))

    def _remember(self, request: Request, completion: Completion) -> None:
        """Keep a response, for requests that go on from it by its id."""
        if len(self._memory) >= _MAX_KEPT_RESPONSES:
            self._memory.pop(next(iter(self._memory)), None)
        answer = Item("assistant", completion.text)
        self._memory[f"resp_{request.key}"] = (*request.history, answer, *completion.calls)

    def _count(self, **steps: int) -> None:
        with self._changed:
            for name, step in steps.items():
                setattr(self, name, getattr(self, name) + step)
            self._changed.notify_all()


def _frames(
    events: Iterable[Event], writer: chat.Writer | responses.Writer
) -> Iterator[bytes | None]:
    for event in events:
        if isinstance(event, (ReasoningDelta, TextDelta, ToolArgsDelta)):
            yield None
        yield from map(writer.frame, writer.feed(event))
