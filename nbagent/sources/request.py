"""A request for a stream: an address, and the options of `nbagent.connect`."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import parse_qsl, unquote, urlsplit

from nbagent.gate import secrets
from nbagent.printable import printable_line
from nbagent.runtime.timeouts import positive_seconds

if TYPE_CHECKING:
    import httpx2

Auth = tuple[str, str] | Callable[..., Any]
Content = str | bytes | Sequence[str | bytes]

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


IDLE_TIMEOUT_S = 300.0
"""Default of `idle_timeout`: seconds for which a service may send nothing."""


class RequestOptions(TypedDict, total=False):
    """The options of `nbagent.connect` that `nbagent.show` takes with an address, described
    there.
    """

    method: str | None
    headers: Mapping[str, str] | None
    auth: Auth | None
    params: Mapping[str, Any] | None
    json: Any
    content: Content | None
    connect_timeout: float
    reconnect: bool
    subprotocols: Iterable[str]
    client: "httpx2.AsyncClient | None"


@dataclasses.dataclass(frozen=True, repr=False)
class Request:
    """A request for a stream.

    Its fields are the arguments of `nbagent.connect`, described there; its repr shows no secret.

    Creating one registers the credentials in it, so that they are masked from then on.

    Raises:
        ValueError: the address names no host, a time is not positive, or there are two bodies.
        TypeError: the client is not an async one.
    """

    url: str
    method: str | None = None
    headers: Mapping[str, str] | None = None
    auth: Auth | None = None
    params: Mapping[str, Any] | None = None
    json: Any = None
    content: Content | None = None
    connect_timeout: float = 10.0
    idle_timeout: float = IDLE_TIMEOUT_S
    timeout: float | None = None
    reconnect: bool = True
    subprotocols: Iterable[str] = ()
    client: "httpx2.AsyncClient | None" = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        secrets.register(*_credentials(self, parts.password, parse_qsl(parts.query)))
        if not parts.hostname:
            raise ValueError(
                "connect() needs an address with a host, such as https://example.com/chat; got "
                f"{self.name!r}"
            )
        if self.json is not None and self.content is not None:
            raise ValueError("connect() takes a body as json= or as content=, not both")
        if self.client is not None and not hasattr(self.client, "aclose"):
            raise TypeError(
                f"client= must be an httpx2.AsyncClient; got {type(self.client).__name__}"
            )
        for name in ("connect_timeout", "idle_timeout", "timeout"):
            positive_seconds(name, getattr(self, name))

    def __repr__(self) -> str:
        return printable_line(f"<{self.verb} {urlsplit(self.url).scheme}://{self.name}>")

    @property
    def name(self) -> str:
        """Host, port and path: the address without user name, password and query, which may be
        secret.
        """
        parts = urlsplit(self.url)
        return f"{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")

    @property
    def verb(self) -> str:
        """The HTTP method: as given; by default POST with a body and GET without."""
        if self.method:
            return self.method.upper()
        if self.json is not None or self.content is not None:
            return "POST"
        return "GET"

    @property
    def is_idempotent(self) -> bool:
        """True if sending the request twice has the same effect as sending it once."""
        return self.verb in _IDEMPOTENT


def _credentials(request: Request, password: str | None, query: list[tuple[str, str]]) -> list[str]:
    """Return the credentials in a request: in its headers, query, address and `auth`."""
    found = secrets.credentials_in(request.headers or {})
    found += secrets.credentials_in({**dict(query), **(request.params or {})})
    if password:
        found += [password, unquote(password)]
    if isinstance(request.auth, tuple):
        found.append(request.auth[1])
    return found
