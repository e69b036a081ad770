"""`Totals`: what the rows of a map add up to so far."""

from collections import Counter
from dataclasses import dataclass, field

from nbagent.many.outcome import Outcome

MIN_ROWS = 10
"""Rows that must have ended before their share of failures ends a map."""


@dataclass
class Totals:
    """Counts over the rows that have ended.

    Attributes:
        statuses: number of rows by how they ended.
        restored: rows whose outcome is of an earlier execution.
        tokens: of the rows that ran here.
        cost: US dollars of the rows that ran here; None while no price is known.
        seconds: that the rows took which ran here.
        ran: rows that ran here.
        tool_rows: number of rows that have called a tool, by its name.
        tools_failed: rows with calls of tools that failed. They may have an answer.
        figures: of `tokens` and `cost`, those that are known of a row.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    restored: int = 0
    tokens: int = 0
    cost: float | None = None
    seconds: float = 0.0
    ran: int = 0
    tool_rows: Counter[str] = field(default_factory=Counter)
    tools_failed: int = 0
    figures: set[str] = field(default_factory=set)

    def restore(self, outcome: Outcome) -> None:
        """Count a row of an earlier execution."""
        self._count(outcome)
        self.restored += 1

    def add(self, outcome: Outcome) -> None:
        """Count a row that has ended here."""
        self._count(outcome)
        self.ran += 1
        self.tokens += outcome.tokens or 0
        self.seconds += outcome.seconds or 0.0
        if outcome.cost is not None:
            self.cost = (self.cost or 0.0) + outcome.cost

    def _count(self, outcome: Outcome) -> None:
        self.statuses[outcome.status] += 1
        self.tool_rows.update(outcome.tool_names)
        self.tools_failed += outcome.tools_failed > 0
        known = {"tokens": outcome.tokens, "cost": outcome.cost}
        self.figures.update(name for name, value in known.items() if value is not None)

    def forget(self, outcome: Outcome) -> None:
        """Count a row no more: it is run again. What it has cost stays."""
        self.statuses[outcome.status] -= 1
        self.tool_rows.subtract(outcome.tool_names)
        self.tools_failed -= outcome.tools_failed > 0

    @property
    def ended(self) -> int:
        """Rows that have ended."""
        return self.statuses.total()

    @property
    def failed(self) -> int:
        """Rows that have ended without an answer."""
        return self.statuses["failed"] + self.statuses["cancelled"] + self.statuses["paused"]


@dataclass(frozen=True)
class Budget:
    """Limits at which a map begins no more rows.

    Attributes:
        max_cost: US dollars for all rows together; None is no limit.
        max_total_tokens: tokens for all rows together; None is no limit.
        stop_after: share of failed rows, from 0 to 1, once `MIN_ROWS` have ended; None is no limit.
    """

    max_cost: float | None = None
    max_total_tokens: int | None = None
    stop_after: float | None = None

    def spent(self, totals: Totals) -> str | None:
        """Return why no more rows begin; None if they do."""
        if self.max_cost is not None and (totals.cost or 0.0) >= self.max_cost:
            return f"${totals.cost or 0:.2f} of max_cost=${self.max_cost:g} are spent"
        if self.max_total_tokens is not None and totals.tokens >= self.max_total_tokens:
            limit = f"max_total_tokens={self.max_total_tokens:,}"
            return f"{totals.tokens:,} tokens of {limit} are spent"
        if self.stop_after is None or totals.ended < MIN_ROWS:
            return None
        share = totals.failed / totals.ended
        if share <= self.stop_after:
            return None
        failed = f"{totals.failed} of {totals.ended} rows failed"
        return f"{failed}, more than stop_after={self.stop_after:g}"
