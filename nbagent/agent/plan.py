"""`Plan`: the parameters of one agent run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nbagent.agent.delivery import Delivery
from nbagent.agent.model import Connection
from nbagent.agent.tools import RESULT_CHARS, AnyTool
from nbagent.agent.toolset import Toolset


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The parameters of a run. Times are in seconds; None is no limit.

    Attributes:
        tools: by the names that the model sees; those of `toolsets` are added before each response of the model.
        toolsets: sources of more tools.
        result_chars: characters of a tool's result that the model gets at most, unless the tool has a limit of its own.
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
    result_chars: int = RESULT_CHARS
    toolsets: Sequence[Toolset] = ()
    allowed: set[str] = field(default_factory=set)
    delivery: Delivery | None = None
