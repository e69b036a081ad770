"""Messages for typical mistakes in the use of an agent: what was meant, and how that is written."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from nbagent.errors import did_you_mean
from nbagent.other_names import OF_AGENT

F = TypeVar("F", bound=Callable[..., None])

ASK = (
    "await agent.generate(…) returns the answer, nbagent.show(agent.stream(…)) shows it as it comes"
)

_NAMES = (
    "stream",
    "generate",
    "fork",
    "as_tool",
    "handoffs",
    "description",
    "tools",
    "model",
    "name",
    "instructions",
    "max_steps",
    "timeout",
    "idle_timeout",
    "parallel",
    "session",
    "sessions",
    "memory",
    "store",
)
_OF_CLIENT = {
    "api_key",
    "base_url",
    "organization",
    "project",
    "http_client",
    "max_retries",
    "default_headers",
}

AWAITED = (
    "the events of a run are not awaited: await nbagent.show(agent.stream(…)) shows them and "
    "returns the run, async for event in agent.stream(…) reads them, and await agent.generate(…) "
    "returns the answer"
)

_OUTPUT = "it belongs to the prompt: agent.stream(…, output=…), agent.generate(…, output=…)"

_MEANT = {
    "budget": "a run's limits are max_total_tokens=… and max_cost=…",
    "output": _OUTPUT,
    "output_type": _OUTPUT,
    "fallback": (
        "it belongs to the view: nbagent.show(agent.stream(…), fallback=lambda: other.generate(…))"
    ),
    "agents": "other agents are tools: tools=[other], or take over: handoffs=[other]",
}
"""Options that other libraries have, and what they are here."""


def hint_for(name: str) -> str:
    """Return a hint in place of an attribute that an agent does not have."""
    if name in OF_AGENT:
        return OF_AGENT[name]
    similar = did_you_mean(name, _NAMES)
    if similar:
        return similar.removeprefix("; ")
    return ASK


def explain_options(init: F) -> F:
    """Decorate `__init__` so that its error for an unknown option says where that option goes."""
    known = inspect.signature(init).parameters

    @functools.wraps(init)
    def explained(self: Any, *args: Any, **options: Any) -> None:
        for name, value in options.items():
            if name not in known:
                text = f"{type(self).__name__}() got an unexpected keyword argument {name!r}"
                raise TypeError(text + _place_of(name, value, known))
        init(self, *args, **options)

    return cast(F, explained)


def _place_of(name: str, value: Any, known: Any) -> str:
    if name in _OF_CLIENT:
        return f"; it is the client's: client=openai.AsyncOpenAI({name}=…)"
    if name in _model_settings():
        shown = repr(value) if isinstance(value, (int, float)) else "…"
        return f"; parameters of the model go into model_settings={{{name!r}: {shown}}}"
    if name in _MEANT:
        return f"; {_MEANT[name]}"
    return did_you_mean(name, [each for each in known if each != "self"])


@functools.cache
def _model_settings() -> frozenset[str]:
    """Return the parameters of a request in either of OpenAI's APIs."""
    # Here, because openai loads them when they are first used.
    from openai.resources.chat.completions import AsyncCompletions
    from openai.resources.responses import AsyncResponses

    return frozenset(
        name
        for api in (AsyncResponses, AsyncCompletions)
        for name in inspect.signature(api.create).parameters
    ) - {"self", "model", "tools"}
