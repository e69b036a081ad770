"""Limits of one agent run besides time: tokens, cost, and calls that lead nowhere."""

import json
import math
from typing import Any

from msgspec.structs import replace

from nbagent.agent.options import AgentOptions, Prices
from nbagent.events import Usage

CHARS_PER_TOKEN = 4
"""Characters that are counted as a token where the server does not report its count."""

_PER_TOKENS = 1_000_000


class LimitReached(Exception):
    """A run has reached one of its limits. Its message says which one.

    Attributes:
        code: `"budget"` or `"loop"`.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def cost_of(usage: Usage, prices: Prices) -> float:
    """Return the cost of some tokens in US dollars."""
    total, written = usage.input or 0, usage.output or 0
    cached = min(usage.cache_read or 0, total)
    cached_price = prices.input if prices.cache_read is None else prices.cache_read
    dollars = (total - cached) * prices.input + cached * cached_price + written * prices.output
    return dollars / _PER_TOKENS


class Spending:
    """Tokens and cost of a run so far, and of the run that it is a part of.

    Args:
        name: of the agent, for the message.
        limits: the options of the run.
        outer: the spending of the run whose tool this run is; None for a run of its own.

    Attributes:
        usage: the tokens and their cost, those of sub-agents among them; None before the first.
    """

    def __init__(self, name: str, limits: AgentOptions, outer: "Spending | None" = None) -> None:
        self._name = name
        self._limits = limits
        self._outer = outer
        self.usage: Usage | None = None

    @property
    def is_limited(self) -> bool:
        """True if this run, or one that it is a part of, has a limit of tokens or cost."""
        own = self._limits.max_total_tokens is not None or self._limits.max_cost is not None
        return own or (self._outer is not None and self._outer.is_limited)

    def add(self, usage: Usage, prices: Prices | None = None) -> Usage:
        """Count the tokens of one response.

        Args:
            usage: the tokens.
            prices: of the model; None takes the cost that the server reports, if any.

        Returns:
            The tokens with their cost.
        """
        if prices is not None:
            usage = replace(usage, cost=cost_of(usage, prices))
        spending: Spending | None = self
        while spending is not None:
            spending.usage = usage if spending.usage is None else spending.usage + usage
            spending = spending._outer
        return usage

    def check(self) -> None:
        """Check the limits of this run, and of those that it is a part of.

        Raises:
            LimitReached: one is used up.
        """
        spent = self._used_up(self.usage or Usage())
        if spent:
            raise LimitReached(f"{self._name} has used up its budget: {spent}", "budget")
        if self._outer is not None:
            self._outer.check()

    def _used_up(self, usage: Usage) -> str:
        """Return the limit that is used up, in words; "" if none is."""
        tokens, cost, limits = _tokens(usage), usage.cost or 0.0, self._limits
        if tokens >= (limits.max_total_tokens or math.inf):
            return f"{tokens:,} tokens, of {limits.max_total_tokens:,} (max_total_tokens)"
        if cost >= (limits.max_cost or math.inf):
            return f"${cost:.4f}, of ${limits.max_cost:g} (max_cost)"
        return ""


def _tokens(usage: Usage) -> int:
    if usage.total is not None:
        return usage.total
    return (usage.input or 0) + (usage.output or 0)


def estimated(asked: Any, answered: str) -> Usage:
    """Return a rough count of the tokens of a response, for a server that sends no count.

    Args:
        asked: the request, as JSON.
        answered: the text and the calls of the response.
    """
    read = math.ceil(len(json.dumps(asked, default=str)) / CHARS_PER_TOKEN)
    written = math.ceil(len(answered) / CHARS_PER_TOKEN)
    return Usage(input=read, output=written, total=read + written)


class Repeats:
    """Counts how often in a row a model makes the same call with the same result.

    Args:
        name: of the agent, for the message.
        limit: how often it may; None for ever.
    """

    def __init__(self, name: str, limit: int | None) -> None:
        self._name = name
        self._limit = math.inf if limit is None else limit
        # counts of the calls of the response before this one
        self._before: dict[tuple[str, str, str], int] = {}
        self._now: dict[tuple[str, str, str], int] = {}

    def add(self, tool: str, arguments: str, result: str) -> str:
        """Count a call of the current response.

        Args:
            tool: its name.
            arguments: as the model wrote them.
            result: as the model reads it.

        Returns:
            A note for the model, once the limit is reached; else "".
        """
        call = (tool, _canonical(arguments), result)
        self._now[call] = count = self._before.get(call, 0) + 1
        if count < self._limit:
            return ""
        return (
            f"\n(You have made this call {count} times in a row, with the same result. Do "
            "something else, or answer.)"
        )

    def end_response(self) -> None:
        """End the current response.

        Raises:
            LimitReached: the model went on with a call after the note.
        """
        self._before, self._now = self._now, {}
        for (tool, arguments, _), count in self._before.items():
            if count > self._limit:
                raise LimitReached(
                    f"{self._name} is in a loop: it made the same call {count} times in a row, "
                    "with the same result: "
                    f"{tool}({arguments})",
                    "loop",
                )


def _canonical(arguments: str) -> str:
    """Return a call's arguments in one spelling, so that blanks and the order of names do not
    count.
    """
    try:
        return json.dumps(json.loads(arguments or "{}"), sort_keys=True)
    except (ValueError, RecursionError):
        return arguments
