"""`send`: a request to a model sent again with changes, and its answer beside the first one."""

import copy
import dataclasses
from collections.abc import Generator, Mapping
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.debug.compare import compare
from nbagent.debug.rows import Comparison
from nbagent.errors import NbagentError
from nbagent.render.differences import difference_lines
from nbagent.render.durations import worked
from nbagent.render.markup.text import escape_line
from nbagent.run import Run
from nbagent.run.diff import difference
from nbagent.run.options import GateOptions, pick
from nbagent.run.question import unmasked
from nbagent.run.requests import Request
from nbagent.run.requests.sender import items_of
from nbagent.run.tool_call import ToolCallList


class Answers:
    """The answer to a request that was sent again, beside that to the first one.

    It is sent at once. `await` and `wait` return the same object when the answer is complete. As
    the last line of a cell it is waited for, and shows both answers with their differences marked.

    Attributes:
        request: that was sent first.
        before: the first answer, as a run; of a request that is no longer kept whole, an empty one.
        run: the new answer, as a run of its own; `run.cancel()` stops it.
        changes: the difference of the two requests, as `nbagent.run.diff.difference` returns it.
    """

    def __init__(self, request: Request, before: Run, run: Run, changes: dict[str, Any]) -> None:
        self.request = request
        self.before = before
        self.run = run
        self.changes = changes

    @property
    def text(self) -> str:
        """The text of the new answer so far."""
        return self.run.text

    @property
    def tools(self) -> ToolCallList:
        """The calls in the new answer; nothing calls their functions."""
        return self.run.tools

    @property
    def usage(self) -> e.Usage:
        """The tokens of the new answer, as its response reports them."""
        return self.run.usage

    @property
    def seconds(self) -> float | None:
        """The seconds that the new answer took; None while it comes."""
        return worked(self.run.snapshot()[0])

    @property
    def error(self) -> BaseException | None:
        """The error with which the service refused the request, or that broke the connection."""
        return self.run.error

    @property
    def comparison(self) -> Comparison:
        """The differences of the two answers so far; see `nbagent.compare`."""
        made = compare(self.before, self.run)
        total = dataclasses.replace(made.rows[0], seconds=(self.request.seconds, self.seconds))
        return Comparison(made.names, [total, *made.rows[1:]])

    def wait(self, timeout: float | None = None) -> "Answers":
        """Block until the answer is complete; see `Run.wait`.

        Raises:
            TimeoutError: it is still coming after `timeout` seconds.
        """
        self.run.wait(timeout)
        self.before.wait()
        return self

    def __await__(self) -> Generator[Any, None, "Answers"]:
        return self._wait().__await__()

    async def _wait(self) -> "Answers":
        await self.run
        await self.before
        return self

    def __repr__(self) -> str:
        lines = "; ".join(difference_lines(self.changes)) or "unchanged"
        return f"<Answers to request {self.request.number}, {lines}: {self.comparison!r}>"

    def _repr_html_(self) -> str:
        return self.wait().to_html()

    def to_html(self) -> str:
        """Return both answers so far as HTML, with their differences marked."""
        changes = ", ".join(difference_lines(self.changes)) or "unchanged"
        head = f"Request {self.request.number} sent again: {changes}"
        html: str = self.comparison._repr_html_()
        return f"<p>{escape_line(head)}</p>\n{html}"


def send(
    request: Request, *, messages: Any, tools: Any, model: str | None, settings: Mapping[str, Any]
) -> Answers:
    """Send a request again; see `Request.send`."""
    body, exchange = request.body_as_sent(), request.exchange
    if exchange.send_again is None:
        raise NbagentError(
            f"the client of request {request.number} is not known: make the request with "
            "nbagent.Agent, or with a client that was given to nbagent.watch"
        )
    given = dict(settings)
    if messages is not None:
        given[body.path] = messages
    if tools is not None:
        given["tools" if body.tools is None else body.tools[0]] = tools
    if model is not None:
        if "model" not in body.settings:
            raise NbagentError(
                f"request {request.number} names its model in its address, {request.url}, and not "
                "in its fields: send(model=…) cannot change it"
            )
        given["model"] = model
    sent, shown = request.unmasked_body(), request.body
    made = {**sent, **{name: _value(name, given[name], shown, sent) for name in given}}
    for name in given:
        if made[name] in (None, []):
            del made[name]
    options = pick(request.shown_with, GateOptions)
    stream = exchange.send_again(msgspec.json.encode(made))
    run = Run(stream, name=f"request {request.number}, sent again", **options)
    run.start()
    first = items_of(exchange.url, exchange.status, exchange.decode(exchange.wire))
    before = Run(first, name=f"request {request.number}", **options)
    before.start()
    return Answers(request, before, run, difference(shown, request.masked(made)))


def _value(name: str, given: Any, shown: Mapping[str, Any], sent: Mapping[str, Any]) -> Any:
    """Return the new value of a field: what its function returns, or what is given, with the
    masked texts in it that were left alone as they were sent.

    Raises:
        AnswerError: a masked text was changed.
    """
    if not callable(given):
        return unmasked(given, shown.get(name), sent.get(name))
    value = copy.deepcopy(sent.get(name))
    made = given(value)
    if made is None:  # it has changed the value in place
        return value
    return made
