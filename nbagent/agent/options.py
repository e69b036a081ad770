"""`AgentOptions`: the plain options of an agent, each with its default and the values it takes.

An option is declared here and as a keyword of `nbagent.Agent`, which describes it. From here it is
a key of a configuration file (`config/schema.py`), and a field of the parameters that a run reads
(`run/params.py`).
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Self, TypeAlias, get_type_hints

import msgspec
from msgspec import Meta

from nbagent.agent.option_values import dotted, misfits
from nbagent.errors import NbagentError

MIN_RESULT_CHARS = 100
"""The smallest limit of a result: it holds a beginning, an end, and the note of the cut."""

Count: TypeAlias = Annotated[int, Meta(ge=1, description="a whole number of at least 1")]
Seconds: TypeAlias = Annotated[float, Meta(gt=0, description="a positive number of seconds")]
Dollars: TypeAlias = Annotated[float, Meta(gt=0, description="a positive number of US dollars")]
Price: TypeAlias = Annotated[float, Meta(ge=0, description="a number of US dollars from 0 on")]
Chars: TypeAlias = Annotated[
    int, Meta(ge=MIN_RESULT_CHARS, description=f"at least {MIN_RESULT_CHARS} characters")
]
Settings: TypeAlias = Annotated[
    Mapping[str, Any], Meta(description='parameters by name, such as {"temperature": 0}')
]


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """Prices of a model, in US dollars per million tokens.

    Attributes:
        input: of input.
        output: of output.
        cache_read: of input that the server has in its cache; None for that of input.
    """

    input: Price
    output: Price
    cache_read: Price | None = None

    @classmethod
    def of(cls, prices: Any) -> Self | None:
        """Return the prices that a mapping has; None for None.

        Raises:
            NbagentError: one is missing, unknown or negative.
        """
        if prices is None or isinstance(prices, cls):
            return prices
        _check("prices", prices, cls)
        return msgspec.convert(dict(prices), cls)


@dataclass(kw_only=True, eq=False, repr=False)
class AgentOptions:
    """Options whose values are plain: texts, numbers, true or false.

    `nbagent.Agent` describes them.

    Raises:
        NbagentError: a value is not one that its option takes; the message names both.
    """

    instructions: str = ""
    description: str = ""
    welcome: str = ""
    max_steps: Count = 10
    timeout: Seconds | None = None
    idle_timeout: Seconds | None = None
    parallel: bool = True
    result_chars: Chars = 20_000
    model_settings: Settings | None = None
    max_total_tokens: Count | None = None
    max_cost: Dollars | None = None
    prices: Prices | None = None
    max_repeats: Count | None = 3
    concurrency: Count | None = None

    def __post_init__(self) -> None:
        for name, annotation in _annotations().items():
            _check(name, getattr(self, name), annotation)


def check_max_cost(options: AgentOptions) -> None:
    """Check that an agent with a limit of cost has prices.

    The parameters of a run may lack them: after a hand-off, its limits are those of another agent.

    Raises:
        NbagentError: it has none.
    """
    if options.max_cost is not None and options.prices is None:
        raise NbagentError(
            "max_cost needs the model's prices, in US dollars per million tokens: "
            'prices={"input": …, "output": …}'
        )


def values_of(options: AgentOptions) -> dict[str, Any]:
    """Return the values of options by name, for another object that has these options."""
    return {name: getattr(options, name) for name in _annotations()}


@cache
def _annotations() -> dict[str, Any]:
    hints = get_type_hints(AgentOptions, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(AgentOptions)}


def _check(name: str, value: Any, annotation: Any) -> None:
    for misfit in misfits(value, annotation, (name,)):
        wrong = f"{dotted(misfit.path)} must be {misfit.takes}, got {misfit.value!r}"
        raise NbagentError(misfit.text or wrong)
