"""`watch`: keeps the requests of a client in the run around them."""

from typing import Any, TypeVar

from nbagent.run.requests.transport import WatchedAsyncTransport, WatchedTransport

C = TypeVar("C")

_LIBRARIES = ("httpx", "httpx2")


def watch(client: C) -> C:
    """Keep each request to a model that a client sends inside a run, as `run.requests`; the
    inspector shows them.

        client = nbagent.watch(openai.AsyncOpenAI())
        nbagent.show(stream_of(client))

    The bytes pass as they come. Outside of runs nothing is kept. If a framework has begun before
    `show`, its requests belong to the one run that goes on. Uploads, lists of models, embeddings
    and WebSockets are left out.

    Args:
        client: an `openai` or `anthropic` client, or another SDK's that keeps its HTTP client in
            `_client`, or a `Client` or `AsyncClient` of `httpx` or `httpx2`. Clients derived from
            it (`with_options`, `copy`) share its connections, and are watched too.

    Returns:
        The client itself. A client that is watched already stays as it is.

    Raises:
        TypeError: it is none of these.
    """
    http, library = _http_client(client)
    watched: type[Any] = WatchedTransport
    if hasattr(http, "aclose"):
        watched = WatchedAsyncTransport
    if not isinstance(http._transport, watched):
        http._transport = watched(http._transport, library)
    for pattern, transport in http._mounts.items():  # proxies
        if transport is not None and not isinstance(transport, watched):
            http._mounts[pattern] = watched(transport, library)
    return client


def _http_client(client: Any) -> tuple[Any, str]:
    """Return the HTTP client in a client, and the name of its library."""
    for candidate in (client, getattr(client, "_client", None)):
        if not (hasattr(candidate, "_transport") and hasattr(candidate, "_mounts")):
            continue
        for kind in type(candidate).__mro__:
            library = kind.__module__.partition(".")[0]
            if library in _LIBRARIES:
                return candidate, library
    raise TypeError(
        "watch takes a client of openai, anthropic, httpx or httpx2, got "
        f"{type(client).__name__}; give a framework's model a "
        "watched one: ChatOpenAI(http_client=nbagent.watch(httpx.Client()))"
    )
