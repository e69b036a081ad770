"""`Row`: one run of a map, before, while and after it goes on."""

from typing import Any, Literal, TypeAlias

from nbagent.many.items import Item
from nbagent.many.outcome import Outcome
from nbagent.run import Run

RowState: TypeAlias = Literal["waiting", "running", "ended"]


class Row:
    """One run of a map.

    Args:
        number: position among the rows.
        item: what it is about.
        agent: name of its agent or function; "" where there is only one.
        repeat: number of the repetition, from 1.
        key: under which the store keeps it; "" if it cannot be kept.

    Attributes:
        state: whether it waits, goes on or has ended.
        outcome: how it ended; None until then.
        run: its run, while it goes on and for some time after; None else.
        attempts: how often it was run here, over all retries.
        is_of_agent: whether the agent is nbagent's own, which paces its requests itself.
        began: when its last attempt began, in seconds since the epoch; None before.
        is_restored: whether the outcome is of an earlier execution.
    """

    __slots__ = (
        "agent",
        "attempts",
        "began",
        "is_of_agent",
        "is_restored",
        "item",
        "key",
        "number",
        "outcome",
        "repeat",
        "run",
        "state",
    )

    def __init__(self, number: int, item: Item, agent: str, repeat: int, key: str) -> None:
        self.number = number
        self.item = item
        self.agent = agent
        self.repeat = repeat
        self.key = key
        self.state: RowState = "waiting"
        self.outcome: Outcome | None = None
        self.run: Run | None = None
        self.attempts = 0
        self.is_of_agent = False
        self.began: float | None = None
        self.is_restored = False

    @property
    def name(self) -> str:
        """Name of the row's card: its agent, its label, and its repetition."""
        parts = [self.agent, str(self.item.label)]
        if self.repeat > 1:
            parts.append(f"({self.repeat})")
        return " ".join(part for part in parts if part)

    @property
    def status(self) -> str:
        """State of a row that has not ended, else how it ended."""
        return self.result.status

    @property
    def result(self) -> Outcome:
        """How it ended; of a row that has not, an outcome that has its state only."""
        return self.outcome or Outcome(status=self.state)

    @property
    def has_failed(self) -> bool:
        """True if it ended without an answer."""
        return self.outcome is not None and not self.outcome.is_final

    @property
    def is_asking(self) -> bool:
        """True if it waits for the reader."""
        return self.state == "running" and self.run is not None and bool(self.run.waiting)

    def restore(self, outcome: Outcome) -> None:
        """Take the outcome of an earlier execution."""
        self.outcome = outcome
        self.state = "ended"
        self.is_restored = True

    def again(self) -> None:
        """Make it wait for another run."""
        self.state = "waiting"
        self.outcome = None
        self.is_restored = False
        self.began = None
        self.run = None

    def __repr__(self) -> str:
        return f"<Row {self.name!r} {self.status}>"


def prompt_problem(prompt: Any) -> str | None:
    """Return why an agent cannot be asked something; None if it can."""
    if isinstance(prompt, str):
        return None if prompt.strip() else "the prompt is empty"
    if prompt is None or prompt != prompt:  # NaN is not equal to itself
        return f"the prompt is missing ({prompt})"
    if isinstance(prompt, int | float | list | tuple):
        return None
    return f"a prompt is a text or a list of parts; this one is a {type(prompt).__name__}"
