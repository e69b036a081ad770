"""`Request`: one request to a model as Python objects."""

import json
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nbagent.errors import NbagentError
from nbagent.events import Usage
from nbagent.events.jsonable import text_safe
from nbagent.gate.masking import ALL_CUTS, mask_json
from nbagent.mime.text import count
from nbagent.printable import printable_line
from nbagent.run.requests.body import Body
from nbagent.run.requests.log import Record, flat_tools
from nbagent.run.requests.request_table import requests_table
from nbagent.run.requests.tokens import Tokens, weights_of
from nbagent.run.requests.wire import Mask, masked_wire, told_usage
from nbagent.run_context import HTTPExchange
from nbagent.runtime.late_imports import late_import

if TYPE_CHECKING:
    from nbagent.debug.send import Answers

_CONTINUED = ("previous_response_id", "conversation")
"""Settings by which a service adds the messages that it keeps."""

HIDDEN = (
    "what the model was sent is hidden in this run, as it holds all that is said: show it with "
    "reveal='thinking' or 'all', "
    "without hide= and commentary=False"
)


class Request:
    """One request to a model, and its response so far; made by `run.requests`.

    Patterns and credentials are masked in it.

    Args:
        record: of the request.
        mask: masks patterns and credentials.
        hidden: whether its content is hidden. Its figures are not.
        shown_with: the options of its run.
    """

    def __init__(
        self,
        record: Record,
        mask: Mask,
        *,
        hidden: bool = False,
        shown_with: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self._record = record
        self._exchange = record.exchange
        self._mask = mask
        self.is_hidden = hidden
        self.shown_with = shown_with

    # --- figures ---

    @property
    def number(self) -> int:
        """Number of the request in the run, from 1."""
        return self._record.number

    @property
    def step(self) -> int:
        """Step that the request belongs to, from 1: of its agent, or of its lane.

        One that is sent again has the same.
        """
        return self._record.step

    @property
    def agent(self) -> str | None:
        """Name of the agent; None if the request is not one of nbagent's own agent."""
        return self._exchange.agent

    @property
    def inside(self) -> str | None:
        """Id of the agent, as the run's events have it, if it works inside a call; else None."""
        return self._exchange.inside

    @property
    def lane(self) -> str | None:
        """Id of the lane that it belongs to; None if the run has none."""
        return self._exchange.lane

    @property
    def url(self) -> str:
        """Address, without credentials."""
        return self._mask(self._exchange.url)

    @property
    def model(self) -> str:
        """Name of the model; "" if the request does not have one."""
        body = self._record.body
        if body is None or "model" not in body.settings:
            return ""
        return self._mask(str(json.loads(body.settings["model"])))

    @property
    def status(self) -> int | None:
        """HTTP status of the response; None if there is none yet, or the connection broke."""
        return self._exchange.status

    @property
    def problem(self) -> str | None:
        """The exception that broke the exchange, as a text; None if none did."""
        if self._exchange.problem is None:
            return None
        return self._mask(self._exchange.problem)

    @property
    def started(self) -> float:
        """Time at which it was sent, in seconds since the epoch."""
        return self._exchange.started

    @property
    def seconds(self) -> float | None:
        """Seconds until the end of the response; None before."""
        return self._exchange.seconds

    @property
    def usage(self) -> Usage | None:
        """Input and output tokens as the response reports them; None if it does not, or goes on."""
        record = self._record
        if not record.is_read and self._exchange.ended is not None:
            record.usage, record.is_read = told_usage(self._text()), True
        return record.usage

    @property
    def is_first(self) -> bool:
        """True if there is no request before it in its conversation."""
        return self._record.change.first

    @property
    def changes(self) -> str:
        """Description of what is new since the request before it in its conversation: `"+2
        messages, tools unchanged"`.
        """
        change = self._record.change
        if change.first:
            return f"begins with {count(len(change.new), 'message')}"
        messages: list[str] = []
        if change.removed:
            messages.append(f"−{count(change.removed, 'message')}")
        if change.new:
            messages.append(f"+{count(len(change.new), 'message')}")
        parts = [" ".join(messages) or "no new message"]
        if change.tools is None:
            parts.append("tools unchanged")
        elif not self.is_hidden:
            parts.append(f"tools {' '.join(map(self._mask, change.tools)) or 'in another order'}")
        if change.settings:
            parts.append(f"other {', '.join(change.settings)}")
        return ", ".join(parts)

    @cached_property
    def tokens(self) -> Tokens:
        """Input tokens by part; see `Tokens`."""
        usage = self.usage or Usage()
        return Tokens(self._weights, usage.input, is_continued=self._is_continued)

    @property
    def total_tokens(self) -> int:
        """Input tokens: as the response reports them, or an estimate by the characters."""
        usage = self.usage
        if usage is not None and usage.input is not None:
            return usage.input
        if self._record.weight is None:
            self._record.weight = sum(self._weights.values())
        return Tokens({"": self._record.weight}, None).total

    # --- content ---

    @property
    def messages(self) -> list[Any]:
        """The messages as they were sent, in the service's own form.

        Raises:
            NbagentError: they are hidden, or no longer kept; so the other properties of content.
        """
        return [self._read(each) for each in self._raw_messages()]

    @property
    def new(self) -> list[Any]:
        """The messages that the request before it in its conversation did not have."""
        messages = self._raw_messages()
        return [self._read(messages[index]) for index in self.new_indices]

    @property
    def new_indices(self) -> list[int]:
        """Indices of the messages in `new`."""
        change, system = self._record.change, len(self._body.system)
        new = [system + index for index in change.new]
        if change.first:
            return [*range(system), *new]
        return new

    @property
    def instructions(self) -> Any:
        """The field of the instructions, or the messages that instruct the model; None if there are
        none.
        """
        body = self._body
        if body.instructions is not None:
            return self._read(body.instructions[1])
        return [self._read(each) for each in body.system] or None

    @property
    def tools(self) -> list[Any]:
        """The schemas of the tools, in the service's own form."""
        body = self._body
        if body.tools is None:
            return []
        _, tools = body.tools
        return flat_tools(self._read(tools))

    @property
    def settings(self) -> dict[str, Any]:
        """The other fields: model, temperature, form of the answer, …."""
        return {name: self._read(value) for name, value in self._body.settings.items()}

    @property
    def response(self) -> str:
        """The response so far, as it came on the wire.

        It ends by saying how much of it is not kept.
        """
        self._check_shown()
        exchange = self._exchange
        missing = exchange.size - exchange.kept
        text = masked_wire(self._text(), self._mask, is_cut=missing > 0 or exchange.ended is None)
        if missing:
            if text:
                text += "\n"
            text += f"… {count(missing, 'more byte')} not kept"
        return text_safe(text)

    @property
    def body(self) -> dict[str, Any]:
        """The JSON of the request, all parts together."""
        made: dict[str, Any] = self.masked(self.unmasked_body())
        return made

    @property
    def size(self) -> int:
        """Bytes of the response so far, as they came."""
        return self._exchange.size

    def message(self, index: int) -> Any:
        """Return one of the messages."""
        return self._read(self._raw_messages()[index])

    def send(
        self, *, messages: Any = None, tools: Any = None, model: str | None = None, **settings: Any
    ) -> "Answers":
        """Send the request again, by the client that sent it, with some of its fields changed.

            request.send(model="gpt-5")                             # both answers, in a cell
            request.send(messages=lambda told: told[:-1])           # without the last message
            answers = await request.send(tools=[], temperature=0)
            answers.text, answers.usage, answers.seconds

        The answer is shown beside the first one, and is not added to the run. No tool is called.
        Fields have the names and the form of the service. A text that is masked here is sent as it
        was, if it is left alone.

        Args:
            messages: in place of those that were sent; or a function that gets them, not masked,
                and returns those to send, or changes them.
            tools: in place of those that were sent, or a function, as for `messages`; an empty list
                for none.
            model: name of the model.
            settings: other fields, such as `temperature=0` or `instructions="…"`; None leaves a
                field out.

        Returns:
            Both answers. The new one comes meanwhile: `await` the object, or call `wait()`.

        Raises:
            NbagentError: the content of requests is hidden in the run, or no longer kept; the
                client is not known; or the service takes its model from the address.
            AnswerError: a masked text was changed.
        """
        made: Answers = late_import("send")(
            self, messages=messages, tools=tools, model=model, settings=settings
        )
        return made

    @property
    def exchange(self) -> HTTPExchange:
        """The request on the wire, and its response: nothing in it is masked."""
        return self._exchange

    def unmasked_body(self) -> dict[str, Any]:
        """Return the JSON of the request as it was sent: nothing in it is masked."""
        body = self._body
        made = {name: json.loads(value) for name, value in body.settings.items()}
        if body.instructions is not None:
            made[body.instructions[0]] = json.loads(body.instructions[1])
        messages = [json.loads(each) for each in self._raw_messages()]
        made[body.path] = messages[0] if body.is_single else messages
        if body.tools is not None:
            made[body.tools[0]] = json.loads(body.tools[1])
        return made

    def masked(self, value: Any) -> Any:
        """Return a JSON value with its patterns and credentials masked."""
        return mask_json(value, self._mask, numbers=True)

    def body_as_sent(self) -> Body:
        """Return the parts as JSON; credentials and patterns are not masked in them."""
        return self._body

    def head(self, text: str, chars: int) -> str:
        """Return the beginning of a text of the request, masked, on one line."""
        words = " ".join(text.split())
        if len(words) <= chars:
            return self._mask(words)
        return self._mask(f"{words[: chars - 1]}…", cuts=ALL_CUTS)

    @property
    def record(self) -> Record:
        """The record, in which nothing is masked."""
        return self._record

    @property
    def outcome(self) -> str:
        """The status of its response, or what went wrong, in a few words; "…" while it comes."""
        if self.problem is not None:
            return f"{self.status or ''} {self.problem.partition(':')[0]}".strip()
        if self.status is None:
            return "…"
        return str(self.status)

    # --------------------------------------------------------------------------------

    @property
    def _body(self) -> Body:
        self._check_shown()
        if self._record.body is None:
            raise NbagentError(
                f"request {self.number} is no longer kept: a run keeps the newest ones only"
            )
        return self._record.body

    def _check_shown(self) -> None:
        if self.is_hidden:
            raise NbagentError(HIDDEN)

    def _raw_messages(self) -> list[bytes]:
        return [*self._body.system, *self._body.messages()]

    @property
    def _is_continued(self) -> bool:
        body = self._record.body
        return body is not None and any(name in body.settings for name in _CONTINUED)

    @property
    def _weights(self) -> dict[str, int]:
        body = self._record.body
        return {} if body is None else weights_of(body)

    def _read(self, raw: bytes) -> Any:
        return self.masked(json.loads(raw))

    def _text(self) -> str:
        wire = self._exchange.wire
        try:
            return self._exchange.decode(wire).decode("utf-8", "replace")
        except Exception as error:
            return (
                f"[{len(wire):,} bytes in an encoding that could not be undone: "
                f"{type(error).__name__}]"
            )

    def __repr__(self) -> str:
        return printable_line(
            f"<Request {self.number} to {self.model or self.url}, {self.outcome}: {self.changes}>"
        )

    def _repr_html_(self) -> str:
        return requests_table([self])
