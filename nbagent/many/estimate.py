"""`Estimate`: what a map would take, before it is run."""

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbagent.agent.run.limits import CHARS_PER_TOKEN, cost_of
from nbagent.events import Usage
from nbagent.many.outcome import Outcome
from nbagent.many.row import Row, prompt_problem


@dataclass(frozen=True)
class Estimate:
    """Tokens and dollars of the rows that a map would run: `nbagent.map(…, dry=True)`. Rows of its
    store are not among them.

    Where the store has rows of this map, the others are taken to be like them. Else the tokens are
    those that each row sends at least: instructions, tools and prompt of its first request, four
    characters a token.

    Attributes:
        rows: that would run.
        restored: rows that the store has.
        measured: rows of the store that told their tokens.
        input: tokens of the prompts; None if nothing tells them.
        output: tokens of the answers; None if the store has no rows.
        cost: US dollars, of the answers too if `output` is known; None if the prices are unknown.
    """

    rows: int
    restored: int
    measured: int
    input: int | None
    output: int | None
    cost: float | None

    def summary(self) -> str:
        """Return the estimate in one line."""
        parts = [f"{self.rows:,} rows to run"]
        if self.restored:
            parts.append(f"{self.restored:,} from the store")
        if self.input is None:
            parts.append("tokens unknown: run some rows with store= first")
            return " · ".join(parts)
        if self.output is None:
            parts.append(f"at least {self.input:,} tokens to read, and the answers")
        else:
            parts.append(f"about {self.input:,} tokens to read and {self.output:,} to write")
        if self.cost is not None:
            parts.append(f"{'at least' if self.output is None else 'about'} ${self.cost:,.2f}")
        return " · ".join(parts)

    def __await__(self) -> Generator[Any, None, "Estimate"]:
        """Return the estimate, so that `await nbagent.map(…)` may get `dry=True`."""
        yield from ()
        return self

    def __repr__(self) -> str:
        return f"<Estimate {self.summary()}>"


def estimate_of(rows: Sequence[Row], agents: Mapping[str, Any], output: Any) -> Estimate:
    """Return what the rows that wait would take.

    Args:
        rows: of a map.
        agents: the agents among its targets, by name.
        output: form of the answer.
    """
    waiting = [row for row in rows if row.outcome is None]
    measured = [row.result for row in rows if row.result.input is not None]
    counts = len(waiting), len(rows) - len(waiting), len(measured)
    if measured:
        return Estimate(*counts, *_like(measured, len(waiting)))
    if not all(row.agent in agents for row in waiting):
        return Estimate(*counts, None, None, None)
    tokens: dict[str, int] = {}
    for name, agent in agents.items():
        prompts = [row.item.prompt for row in waiting if row.agent == name]
        tokens[name] = _first_requests(agent, prompts, output)
    cost = None
    if all(agent.prices is not None for agent in agents.values()):
        cost = sum(
            cost_of(Usage(input=tokens[name]), agent.prices) for name, agent in agents.items()
        )
    return Estimate(*counts, sum(tokens.values()), None, cost)


def _like(measured: Sequence[Outcome], count: int) -> tuple[int, int, float | None]:
    """Return tokens read, tokens written and dollars of rows that are like those of the store."""
    times = count / len(measured)
    read = sum(outcome.input or 0 for outcome in measured)
    written = sum(outcome.output or 0 for outcome in measured)
    costs = [outcome.cost for outcome in measured if outcome.cost is not None]
    cost = count * sum(costs) / len(costs) if costs else None
    return round(read * times), round(written * times), cost


def _first_requests(agent: Any, prompts: Sequence[Any], output: Any) -> int:
    """Return the tokens of the first request of each prompt that can be asked."""
    params = agent._run_params(output=output)
    shared = [params.all_instructions, [each.schema for each in params.all_tools]]
    shared_chars = len(json.dumps(shared, default=str))
    asked = [prompt for prompt in prompts if prompt_problem(prompt) is None]
    chars = sum(shared_chars + len(json.dumps(prompt, default=str)) for prompt in asked)
    return round(chars / CHARS_PER_TOKEN)
