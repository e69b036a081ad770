"""`ModelServer`: a model on loopback that says in a test what it said in a recorded run."""

import itertools
import threading
from collections.abc import Iterable

import msgspec
import openai

from nbagent.demo.conversation import MODEL, ApiError, Completion, Item, Json, Request
from nbagent.demo.server import DemoServer
from nbagent.testing.replies import Reply

GONE = 410
"""HTTP status of a request beyond the last reply: one that no client sends again."""

REFUSED = 400
"""HTTP status of a reply that is an error: one that no client sends again."""


class ModelServer(DemoServer):
    """An HTTP server with OpenAI's two APIs that answers the nth request with the nth reply,
    whatever model it names.

        with ModelServer([Reply(calls=[Call("add", {"a": 1, "b": 2})]), Reply("3")]) as model:
            agent = nbagent.Agent("recorded", tools=[add], client=model.client())

    Args:
        replies: in order.
    """

    def __init__(self, replies: Iterable[Reply]) -> None:
        self._replies = list(replies)
        self._next = itertools.count()
        self._taking = threading.Lock()
        super().__init__(float("inf"))

    def add(self, reply: Reply) -> None:
        """Add a reply at the end."""
        self._replies.append(reply)

    def client(self) -> openai.AsyncOpenAI:
        """Return a client of this server. It sends no request twice."""
        return openai.AsyncOpenAI(base_url=self.base_url, api_key=self.api_key, max_retries=0)

    def accepted(self, body: Json) -> Json:
        """Return the body of a request, for any model."""
        return {**body, "model": MODEL}

    def complete(self, request: Request) -> Completion:
        """Return the next reply.

        Raises:
            ApiError: there is none, or it is an error.
        """
        with self._taking:
            number = next(self._next)
        if number >= len(self._replies):
            count = f"{len(self._replies)} repl{'y' if len(self._replies) == 1 else 'ies'}"
            raise ApiError(
                f"The recorded model has {count}, and this is request {number + 1}.", status=GONE
            )
        reply = self._replies[number]
        if reply.error:
            raise ApiError(reply.error, status=REFUSED)
        calls = (
            Item("call", _text(call.args), f"call_{number + 1}_{index}", call.name)
            for index, call in enumerate(reply.calls, 1)
        )
        return Completion(thought=reply.thinking, text=reply.text, calls=tuple(calls))


def _text(args: object) -> str:
    if isinstance(args, str):
        return args
    return msgspec.json.encode(args).decode()
