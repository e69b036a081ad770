"""`Limits`: how much a server takes of its clients."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from nbagent.errors import NbagentError, did_you_mean


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Limits of a server. A request beyond one is refused, and the response names the limit.

        nbagent.serve(agent, limits=nbagent.Limits(max_body_bytes=16 * 1024 * 1024, max_runs=20))

    Those marked * are kept by `nbagent.serve` and `nbagent serve` only: an application that another
    server runs has that server's connections.

    Attributes:
        max_body_bytes: bytes of a request's body, of a message of a WebSocket, and of one over
            gRPC.
        max_prompt_chars: characters of a prompt, its conversation and what its client adds for the
            model: instructions, tools and a form.
        max_headers: header lines of a request.
        max_headers_bytes: bytes of a request's headers.
        max_connections: connections at a time, or half of the files that the process may open if
            these are fewer. A further one takes the place of one that idles or whose client is
            slow, or of one of an address that has more than half; if there is none, it is refused.*
        max_runs: runs that go on at a time in this process. With Redis, further ones wait for a
            process with room. Those that wait for an answer do not count; there are as many of them
            at most, and the one that waits longest is stopped.
        max_sessions: sessions in an agent's store.
        answer_timeout_s: seconds in which a question of a run must be answered; then it is denied.
        requests_per_s: requests of a client's address per second, in the long run. A stream is one.
            Of clients behind a proxy on the server's machine, or at an address in the environment
            variable `FORWARDED_ALLOW_IPS`, it is the address in `X-Forwarded-For`.
        requests_at_once: requests of a client's address at once.
        streams_at_once: streams and WebSockets of a client's address at a time, so that one with
            many readers leaves room for its own other requests and for all others: half of
            `max_connections`, by default.
        messages_per_s: messages of a WebSocket per second, in the long run.
        messages_at_once: messages of a WebSocket at once.
        head_timeout_s: seconds in which the head of a request must have come, from its first byte
            on, or from the beginning of a connection.*
        body_timeout_s: seconds in which the body of a request must have come.*
        write_timeout_s: seconds in which a client must read on when it has left an answer of the
            server's unread.*
        idle_timeout_s: seconds after a response in which the next request must begin on its
            connection.*

    Raises:
        NbagentError: a limit is not a number above 0.
    """

    max_body_bytes: int = 4 * 1024 * 1024
    max_prompt_chars: int = 1_000_000
    max_headers: int = 100
    max_headers_bytes: int = 32 * 1024
    max_connections: int = 1_000
    max_runs: int = 100
    max_sessions: int = 100_000
    answer_timeout_s: float = 600.0
    requests_per_s: float = 500.0
    requests_at_once: int = 2_000
    streams_at_once: int = 500
    messages_per_s: float = 20.0
    messages_at_once: int = 200
    head_timeout_s: float = 10.0
    body_timeout_s: float = 60.0
    write_timeout_s: float = 60.0
    idle_timeout_s: float = 5.0

    def __post_init__(self) -> None:
        for name, type in NAMES.items():
            value = getattr(self, name)
            is_number = isinstance(value, type | int) and not isinstance(value, bool)
            if not is_number or not 0 < value < math.inf:
                kind = "a whole number" if type is int else "a number"
                raise NbagentError(f"the limit {name} is {kind} above 0, got {value!r}")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return the defaults with some limits changed.

        Args:
            values: limits by name, as numbers or as texts.

        Raises:
            NbagentError: there is no limit of a name, or one is not a number above 0.
        """
        for name in values:
            if name not in NAMES:
                hint = did_you_mean(name, NAMES) or f"; there are {', '.join(NAMES)}"
                raise NbagentError(f"there is no limit {name!r}{hint}")
        given: dict[str, Any] = {
            name: _number(value) if isinstance(value, str) else value
            for name, value in values.items()
        }
        return cls(**given)


NAMES: Mapping[str, Any] = {field.name: field.type for field in fields(Limits)}
"""Names of all limits, and their types."""

DEFAULTS = Limits()
"""Limits of a server without limits of its own."""


def _number(text: str) -> int | float | str:
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text
