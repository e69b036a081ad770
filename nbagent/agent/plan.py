"""`Plan`: the parameters of one agent run."""

from dataclasses import dataclass, field
from typing import Any

from nbagent.agent.delivery import Delivery
from nbagent.agent.model import Connection
from nbagent.agent.tools import AnyTool


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The parameters of a run. Times are in seconds; None is no limit.

    Attributes:
        allowed: names of the tools that the reader has allowed for good; an answer adds to them.
        delivery: pieces and pace of the texts; None for those of the model.
    """

    name: str
    instructions: str
    tools: dict[str, AnyTool]
    connection: Connection
    settings: dict[str, Any]
    max_steps: int
    timeout: float | None
    idle_timeout: float | None
    parallel: bool
    allowed: set[str] = field(default_factory=set)
    delivery: Delivery | None = None
