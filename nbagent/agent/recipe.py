"""`Recipe`: the arguments of an agent, as which it is pickled and made again elsewhere."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import openai

from nbagent.agent.options import values_of
from nbagent.errors import NbagentError

if TYPE_CHECKING:
    from nbagent.agent.agent import Agent

Recipe = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


def recipe_of(agent: "Agent") -> Recipe:
    """Return an agent as pickle takes it.

    Its sessions stay where they are. Its client is made again of its address, key, headers and
    limits; the agents that it hands over to are set afterwards, since they may hand over to it.

    Raises:
        NbagentError: its model is a recording.
    """
    model = agent._model
    if model.is_recorded:
        raise NbagentError(f"{agent!r} cannot be pickled: its model is a recording")
    arguments = {
        **values_of(agent),
        "model": model.name,
        "client": _client_arguments(model._client),
        "api": model._api,
        "name": agent.name,
        "tools": [*agent.tools, *agent._toolsets],
        "allow": sorted(agent.allow),
        "delivery": agent.delivery,
        "memory": agent.memory,
        "longterm": agent.longterm,
    }
    return made, (type(agent), arguments), {"handoffs": agent.handoffs}


def made(kind: type["Agent"], arguments: dict[str, Any]) -> "Agent":
    """Return the agent of a recipe."""
    client = arguments["client"]
    if client is not None:
        client = openai.AsyncOpenAI(**client)
    return kind(**{**arguments, "client": client})


def _client_arguments(client: openai.AsyncOpenAI | None) -> dict[str, Any] | None:
    """Return what a client is made of; None for the one of the environment."""
    if client is None:
        return None
    return {
        "api_key": client.api_key,
        "base_url": str(client.base_url),
        "organization": client.organization,
        "project": client.project,
        "timeout": client.timeout,
        "max_retries": client.max_retries,
        "default_headers": dict(client._custom_headers),
        "default_query": dict(client._custom_query),
    }
