"""`ModelOptions`: parameters of a model's answer, as the client of one run asks for them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from nbagent.errors import NbagentError

Json = dict[str, Any]

_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
"""Names of the limit of a response's tokens."""


class UnknownToModel(NbagentError):
    """The API of an agent's model has no such option.

    Args:
        name: of the option in `ModelOptions`.
        api: name of the API.

    Attributes:
        name: as given.
    """

    def __init__(self, name: str, api: str) -> None:
        super().__init__(f"{name} is not known to this agent's model, which is asked by {api}")
        self.name = name


class ModelOptions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Options of each response of a run, in place of the agent's own; None leaves these.

    The names are those of Chat Completions
    (https://platform.openai.com/docs/api-reference/chat/create).

    Attributes:
        max_tokens: tokens of a response at most. A lower limit of the agent's own stays.
        max_completion_tokens: the same, under its newer name.
    """

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    parallel_tool_calls: bool | None = None

    def given(self) -> Json:
        """Return the options that are given, by name."""
        made: Json = msgspec.to_builtins(self)
        return made


def for_chat(own: Mapping[str, Any], options: ModelOptions) -> Json:
    """Return the parameters of a request to Chat Completions.

    Args:
        own: the agent's.
        options: the client's.
    """
    given = options.given()
    return {**own, **given, **_lower_limit(own, given)}


def for_responses(own: Mapping[str, Any], options: ModelOptions) -> Json:
    """Return the parameters of a request to the Responses API.

    Args:
        own: the agent's.
        options: the client's.

    Raises:
        UnknownToModel: it has none of one of these names.
    """
    made, given = dict(own), options.given()
    for name, value in given.items():
        match name:
            case "temperature" | "top_p" | "parallel_tool_calls":
                made[name] = value
            case "reasoning_effort":
                made["reasoning"] = {**(own.get("reasoning") or {}), "effort": value}
            case "verbosity":
                made["text"] = {**(own.get("text") or {}), "verbosity": value}
            case "max_tokens" | "max_completion_tokens":
                made["max_output_tokens"] = value
            case _:
                raise UnknownToModel(name, "Responses")
    return {**made, **_lower_limit(own, given)}


def _lower_limit(own: Mapping[str, Any], given: Json) -> Json:
    """Return the lower one of two limits, under the agent's own name; nothing if there are not
    two.
    """
    mine = [name for name in _LIMITS if own.get(name) is not None]
    theirs = [given[name] for name in _LIMITS if name in given]
    if not mine or not theirs:
        return {}
    without: Json = dict.fromkeys(name for name in given if name in _LIMITS)
    return {**without, mine[0]: min(own[mine[0]], *theirs)}
