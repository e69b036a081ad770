"""Partners of a chat, the side that answers: a session of an agent, or a function (an address is
one).
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from nbagent.errors import NbagentError
from nbagent.protocol.parts import Usage
from nbagent.protocol.shared import LIMITS
from nbagent.render.json_text import clip
from nbagent.render.messages import NO_ANSWER
from nbagent.sources.connect import connect, is_address
from nbagent.sources.hints import type_name
from nbagent.sources.request import RequestOptions

Json: TypeAlias = dict[str, Any]
Ask: TypeAlias = Callable[[list[Json]], Any]
"""Returns the stream of an answer to messages in the form of Chat Completions, the newest last."""


class Partner(Protocol):
    """The side that answers in a chat.

    Attributes:
        name: of the chat.
        about: what the side does, in one line; "" if it is not known.
        offers: names of its tools.
    """

    name: str
    about: str = ""
    offers: Sequence[str] = ()

    @property
    def messages(self) -> list[Json]:
        """The conversation so far, as messages of Chat Completions."""
        ...

    @property
    def usage(self) -> Usage | None:
        """Tokens of the conversation so far; None if they are unknown."""
        ...

    def ask(self, content: str | list[Json]) -> Any:
        """Return the stream of the answer to a prompt."""
        ...

    def add(self, messages: Sequence[Json]) -> None:
        """Take the messages of an answer that has ended; the prompt is the first."""

    def rewind(self, count: int) -> None:
        """Go back to the first `count` messages."""


class SessionPartner:
    """A session of an agent.

    Args:
        session: it keeps what is said.
    """

    def __init__(self, session: Any) -> None:
        self.session = session
        self.name = str(session.agent.name)
        agent = session.agent
        self.about = _first_line(agent.welcome or agent.description or agent.instructions)
        self.offers: Sequence[str] = [str(tool.name) for tool in session.agent.tools]

    @property
    def messages(self) -> list[Json]:
        """The conversation so far."""
        return list(self.session.messages)

    @property
    def usage(self) -> Usage:
        """Tokens of the conversation so far."""
        usage: Usage = self.session.usage
        return usage

    def ask(self, content: str | list[Json]) -> Any:
        """Return the stream of the session's answer."""
        if isinstance(content, str):
            return self.session.stream(content)
        return self.session.stream([{"role": "user", "content": content}])

    def add(self, messages: Sequence[Json]) -> None:
        """Do nothing: the session has kept them."""

    def rewind(self, count: int) -> None:
        """Go on in a session of the same name with the first messages; the longer one is kept under
        another name.
        """
        shorter, name = self.session.fork(at=count), self.session.name
        spare = shorter.name
        shorter.rename(f"{spare} …")
        self.session.rename(spare)
        shorter.rename(name)
        self.session = shorter


class FunctionPartner:
    """A function from the messages so far to the stream of an answer.

    Args:
        ask: the function.
        name: of the chat.
    """

    def __init__(self, ask: Ask, name: str) -> None:
        self.name = name
        self.about = ""
        self.offers: Sequence[str] = ()
        self.messages: list[Json] = []
        self.usage: Usage | None = None
        self._ask = ask

    def ask(self, content: str | list[Json]) -> Any:
        """Return the stream of the answer."""
        return self._ask([*self.messages, {"role": "user", "content": content}])

    def add(self, messages: Sequence[Json]) -> None:
        """Keep the messages of an answer.

        One that did not come gets a note: many servers want the roles to alternate.
        """
        self.messages += messages
        if self.messages[-1]["role"] == "user":
            self.messages.append({"role": "assistant", "content": NO_ANSWER})

    def rewind(self, count: int) -> None:
        """Forget the later messages."""
        del self.messages[count:]


def _first_line(text: Any) -> str:
    """Return the first line of an agent's description or instructions; "" if they are no text."""
    if not isinstance(text, str):
        return ""
    return clip(text.strip().partition("\n")[0], LIMITS["label_line_chars"])


def _has_methods(source: Any, *names: str) -> bool:
    return all(callable(getattr(source, name, None)) for name in names)


def partner_of(source: Any, request: RequestOptions, name: str | None) -> Partner:
    """Return the partner behind what `nbagent.chat` is given.

    Args:
        source: an agent, a session, an address, or a function from messages to the stream of an
            answer.
        request: options of the requests to an address.
        name: of the chat; None for that of the source.

    Raises:
        NbagentError: the source is none of these.
    """
    if is_address(source):
        body = {"stream": True, **(request.get("json") or {})}
        others: Any = {name: value for name, value in request.items() if name != "json"}
        return FunctionPartner(
            lambda messages: connect(source, **others, json={**body, "messages": messages}),
            name or str(source),
        )
    if _has_methods(source, "session", "stream"):
        return SessionPartner(source.session())
    if _has_methods(source, "fork", "stream"):
        return SessionPartner(source)
    if callable(source):
        own = getattr(source, "__name__", "<")
        if own.startswith("<"):  # of a lambda
            own = "chat"
        return FunctionPartner(source, name or own)
    if isinstance(source, str):
        raise NbagentError(
            "chat() takes an agent, a session, an address, or a function from messages to a "
            f"stream; got the text {source!r}. "
            f"If that is a model: nbagent.chat(nbagent.Agent({source!r}))"
        )
    raise NbagentError(
        "chat() takes an agent, a session, an address, or a function from messages to a stream; "
        f"got {type_name(source)}"
    )
