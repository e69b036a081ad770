"""Base class of the form in which a system takes the answers to its questions:
`adapters/<system>/answers.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from msgspec.structs import replace

from nbagent.errors import AnswerError
from nbagent.events import ApprovalRequest, ApprovalResponse

_TYPES = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


class Answered(NamedTuple):
    """A question with its answer."""

    request: ApprovalRequest
    response: ApprovalResponse

    @property
    def is_approved(self) -> bool:
        """True if the call is allowed, or the input was given."""
        return self.response.decision == "approve"


class Answers(NamedTuple):
    """The answers to all questions of a stream that has paused, as `show(resume=…)` gets them.

    Attributes:
        value: the answers in the form that the system takes. For a system without a form of its
            own, the list `responses`.
        responses: the answers as events, in the order of the questions.
        last: the last item of the stream, such as Pydantic AI's result, which has the messages so
            far.
    """

    value: Any
    responses: list[ApprovalResponse]
    last: Any


class AnswerForm:
    """The form in which a system takes answers. This one is that of a system that has none.

    Each method is a function of its arguments. An adapter's `answers.py` overrides those that its
    system has a way for; what decoders put into a request's `meta` is there for them.
    """

    systems: ClassVar[tuple[str, ...]] = ()
    """Names of the systems, or of the forms of their streams."""
    has_messages: ClassVar[bool] = False
    """True if an answer may be sent as a message over the connection that asked: `message`."""
    has_posts: ClassVar[bool] = False
    """True if an answer may be sent by a request of its own while the stream goes on: `post`."""

    def asks(self, request: ApprovalRequest) -> bool:
        """Return True if the question is for the reader, False if the system answers it by
        itself.
        """
        return True

    def offer(self, request: ApprovalRequest) -> ApprovalRequest:
        """Return the request with what the system takes beside yes and no: a `schema` of changed
        arguments, `can_remember`.
        """
        return request

    def check(self, answered: Answered) -> None:
        """Check that the system can take an answer: arguments may be changed if there is a schema
        for them.

        Raises:
            AnswerError: it cannot; the message says why.
        """
        request, response = answered
        if response.value is None or not answered.is_approved:
            return
        if request.options is not None and response.value not in request.options:
            raise AnswerError(
                f"the answer must be one of {', '.join(map(repr, request.options))}; got "
                f"{response.value!r}"
            )
        if (
            request.kind == "tool"
            and request.schema is None
            and not request.options
            and response.value != request.args
        ):
            raise AnswerError(
                "the system takes no changed arguments: allow the call as it is, or deny it"
            )

    def value(self, answered: Sequence[Answered], last: Any) -> Any:
        """Return the answers to all questions in the system's form.

        Args:
            answered: in the order of the questions.
            last: the last item of the stream.
        """
        return [response for _, response in answered]

    def message(self, answered: Answered) -> Any:
        """Return the message that carries an answer over the connection that asked; None if the
        system has none.

        It is what the function `send=` gets, too, which for None gets the answer as an event.
        """
        return None

    def post(self, url: str, answered: Answered) -> tuple[str, Any]:
        """Return address and JSON body of the HTTP request that carries an answer.

        The stream at `url` goes on.
        """
        raise NotImplementedError

    def can_post(self, url: str) -> bool:
        """Return True if `post` knows where the answers to the stream at an address go."""
        return self.has_posts

    def reaches(self, request: ApprovalRequest) -> bool:
        """Return True if `post`, `message` or `next_request` can carry the answer of a question."""
        return True

    def stop_request(self, url: str) -> tuple[str, Any] | None:
        """Return address and JSON body of the HTTP request that stops the run whose stream is at an
        address.

        None if there is none: a service that ends a run whose reader leaves needs no such request.
        """
        return None

    def next_request(
        self, url: str, body: Any, answered: Sequence[Answered]
    ) -> tuple[str, Any] | None:
        """Return address and JSON body of the HTTP request that goes on with a paused run; None if
        the system has none.

        Args:
            url: of the request before.
            body: of the request before.
            answered: empty to ask whether there is a way.
        """
        return None

    def continues(self, source: Any) -> bool:
        """Return True if `next_stream` can go on with this source, or item, on its own."""
        return False

    async def next_stream(self, source: Any, value: Any) -> Any:
        """Return the stream that goes on with a paused run.

        Args:
            source: for which `continues` is true.
            value: the answers in the system's form.
        """
        raise NotImplementedError


def meta_of(request: ApprovalRequest) -> dict[str, Any]:
    """Return what the decoder has put into a request's `meta`; empty if it has put nothing."""
    return request.meta or {}


def editable(request: ApprovalRequest) -> ApprovalRequest:
    """Return the request of a call with a schema of its arguments, made from their values, so that
    they can be changed.
    """
    if request.schema is not None or not isinstance(request.args, Mapping) or not request.args:
        return request
    properties = {
        name: {"type": _TYPES[type(value)]} if type(value) in _TYPES else {}
        for name, value in request.args.items()
    }
    return replace(
        request, schema={"type": "object", "properties": properties, "required": list(request.args)}
    )
