"""Agents from NEAR AI's `metadata.json`.

Source: https://docs.near.ai, "Agent streaming" and "Quickstart". The pages print the file without
its first brace.
"""

import json
from typing import Annotated, Any

import msgspec

from nbagent.agent.agent import Agent
from nbagent.agent.delivery import Delivery
from nbagent.errors import ConfigError


class _Welcome(msgspec.Struct, frozen=True):
    title: str = ""
    description: str = ""


class _Defaults(msgspec.Struct, frozen=True):
    model: str | None = None
    model_max_tokens: Annotated[int, msgspec.Meta(gt=0)] | None = None
    model_temperature: float | None = None


class _AgentPart(msgspec.Struct, frozen=True):
    show_streaming_message: bool = True
    welcome: _Welcome = _Welcome()
    defaults: _Defaults = _Defaults()


class _Details(msgspec.Struct, frozen=True):
    agent: _AgentPart = _AgentPart()


class _Metadata(msgspec.Struct, frozen=True):
    name: Annotated[str, msgspec.Meta(min_length=1)]
    details: _Details
    description: str = ""


def metadata_in(text: str) -> dict[str, Any] | None:
    """Return the content of a `metadata.json`; None if a text is none."""
    whole = "{" + text if text.lstrip().startswith('"') else text
    try:
        found = json.loads(whole)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "details" in found else None


def agent_of_metadata(metadata: dict[str, Any], file: str, model: str) -> Agent:
    """Return the agent that a `metadata.json` describes.

    Its program, `agent.py`, is not part of it, nor is the address of its model's provider.

    Args:
        metadata: content of the file.
        file: name of the file, for messages.
        model: of an agent that names none.

    Raises:
        ConfigError: a value is not valid.
    """
    try:
        read = msgspec.convert(metadata, _Metadata)
    except msgspec.ValidationError as error:
        raise ConfigError(file, [(1, str(error))]) from None
    agent, defaults = read.details.agent, read.details.agent.defaults
    settings = {"max_tokens": defaults.model_max_tokens, "temperature": defaults.model_temperature}
    return Agent(
        defaults.model or model,
        name=read.name,
        description=read.description,
        welcome=": ".join(filter(None, (agent.welcome.title, agent.welcome.description))),
        api="chat",
        model_settings={name: value for name, value in settings.items() if value is not None},
        delivery=None if agent.show_streaming_message else Delivery(streaming=False),
    )
