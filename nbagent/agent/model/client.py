"""The `openai` client that reaches a model: the user's, that of a registered server, or one that
the environment configures.
"""

from collections.abc import Callable
from typing import Any, Protocol, get_args

import openai

from nbagent.agent.model.apis import ApiName
from nbagent.errors import NbagentError
from nbagent.sources.http import verification

_OTHERS_MODELS = (
    "claude",
    "gemini",
    "gemma",
    "llama",
    "mistral",
    "mixtral",
    "qwen",
    "deepseek",
    "grok",
    "command-",
    "phi-",
)
"""Beginnings of the names of other vendors' models."""


class Settings(Protocol):
    """The address and key of a registered model, and the way there."""

    @property
    def base_url(self) -> str:
        """The API's root, such as `http://127.0.0.1:1234/v1`."""
        ...

    @property
    def api_key(self) -> str:
        """The bearer token."""
        ...

    @property
    def transport(self) -> Any:
        """The `httpx2` transport that carries the requests; None for the network."""
        ...


_registered: dict[str, tuple[Callable[[], Settings], ApiName]] = {}


def register_model(
    name: str, factory: Callable[[], Settings], *, api: ApiName = "responses"
) -> None:
    """Register a server for a model name, for `Agent(model=name)` without a client.

    Args:
        name: the model's name, which is sent to the server too.
        factory: called at the agent's first run.
        api: the API that the server supports best.
    """
    _registered[name] = (factory, api)


def check_model(model: Any, client: Any, api: Any) -> None:
    """Check an agent's `model`, `client` and `api`.

    Raises:
        NbagentError: one is invalid; the message names the valid values.
    """
    if not isinstance(model, str) or not model:
        raise NbagentError(
            'model must be a name such as "gpt-5-mini", or nbagent.replay("run.jsonl"); got '
            f"{model!r}"
        )
    if client is not None and not isinstance(client, openai.AsyncOpenAI):
        raise NbagentError(
            f"client must be an openai.AsyncOpenAI, got {type(client).__name__}; "
            "make it with the same arguments: client=openai.AsyncOpenAI(base_url=…)"
        )
    if api is not None and api not in get_args(ApiName):
        raise NbagentError(f"api must be 'responses' or 'chat', got {api!r}")


def is_shareable(client: openai.AsyncOpenAI) -> bool:
    """Return True if the client made its HTTP client itself.

    An HTTP client of the user's is used as it is, for its proxies and certificates, and must then
    not be used on another loop.
    """
    return type(client._client).__name__ == "AsyncHttpxClientWrapper"


def _http_client(transport: Any = None) -> Any:
    """Return an HTTP client with openai's defaults, which loads no certificates again."""
    if transport is not None:
        return openai.DefaultAsyncHttpxClient(transport=transport)
    return openai.DefaultAsyncHttpxClient(verify=verification())


def client_of(
    model: str, given: openai.AsyncOpenAI | None
) -> tuple[openai.AsyncOpenAI, ApiName | None]:
    """Return the client for a model, and the API that its server supports best, if that is known.

    Args:
        model: the model's name.
        given: the user's client.
    """
    if given is not None and is_shareable(given):
        # HTTP connections belong to the event loop that first used them, and the user's loop is
        # another one.
        return given.copy(http_client=_http_client()), None
    if given is not None:
        return given, None
    if model not in _registered:
        return _from_environment(model), None
    factory, api = _registered[model]
    return _from_settings(factory()), api


def is_at_openai(client: openai.AsyncOpenAI) -> bool:
    """Return True if the client's requests go to OpenAI's own servers."""
    host = client.base_url.host
    return host == "openai.com" or host.endswith(".openai.com")


def check_is_openais(model: str) -> None:
    """Check that a model may be OpenAI's.

    Raises:
        NbagentError: it is another service's.
    """
    if model.lower().startswith(_OTHERS_MODELS):
        raise NbagentError(
            f"model {model!r} is not OpenAI's, where the request would go; for a server that "
            "has it give "
            "Agent(client=AsyncOpenAI(base_url=…, api_key=…)), or set OPENAI_BASE_URL"
        )


def _from_settings(settings: Settings) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        base_url=settings.base_url,
        api_key=settings.api_key,
        http_client=_http_client(settings.transport),
    )


def _from_environment(model: str) -> openai.AsyncOpenAI:
    try:
        return openai.AsyncOpenAI(http_client=_http_client())
    except openai.OpenAIError:
        raise NbagentError(
            f"model {model!r} needs a key: set OPENAI_API_KEY, or give "
            "Agent(client=AsyncOpenAI(base_url=…, api_key=…)); "
            'model="demo" needs neither'
        ) from None
