"""`RunParams`: the parameters of one agent run."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbagent.agent.delivery import Delivery
from nbagent.agent.model.connection import Connection
from nbagent.agent.model.recorded_connection import RecordedConnection
from nbagent.agent.model.recorded_run import Record
from nbagent.agent.model.request_limiter import RequestLimiter
from nbagent.agent.model.structured import OutputFormat
from nbagent.agent.run.handoff import Handoff
from nbagent.agent.run.limits import Limits
from nbagent.agent.tools.tool import RESULT_CHARS, AnyTool
from nbagent.agent.tools.toolset import Toolset


@dataclass(frozen=True, kw_only=True, slots=True)
class RunParams:
    """The parameters of a run. Times are in seconds; None is no limit.

    Attributes:
        tools: by the names that the model sees; those of `toolsets` are added before each response
            of the model.
        toolsets: sources of more tools.
        result_chars: characters of a tool's result that the model gets at most, unless the tool has
            a limit of its own.
        allow: names of the tools that the agent calls without asking.
        allowed: names of the tools that the reader has allowed for good; an answer adds to them.
            Those of an agent that works inside a call have its name and a slash before them.
        limits: of tokens, cost and repeated calls.
        prices: of the model, in US dollars per million tokens; None if they are unknown.
        request_limiter: limit how many requests of the agent are under way at a time.
        output: the form of the answer; None for a text.
        handoffs: to agents that may take over, by the name of their tool.
        path: names of the agents at work, one inside another; the last one is this.
        record: calls that were made before, for tools that must not be called twice; None if there
            are none.
        delivery: pieces and pace of the texts; None for those of the model.
        notices: told to the reader when the run begins.
    """

    name: str
    instructions: str
    tools: dict[str, AnyTool]
    connection: Connection | RecordedConnection
    settings: dict[str, Any]
    max_steps: int
    timeout: float | None
    idle_timeout: float | None
    parallel: bool
    result_chars: int = RESULT_CHARS
    toolsets: Sequence[Toolset] = ()
    allow: Collection[str] = ()
    allowed: set[str] = field(default_factory=set)
    delivery: Delivery | None = None
    limits: Limits = field(default_factory=Limits)
    prices: Mapping[str, float] | None = None
    request_limiter: RequestLimiter = field(default_factory=lambda: RequestLimiter(None))
    output: OutputFormat | None = None
    handoffs: Mapping[str, Handoff] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    record: Record | None = None
    notices: Sequence[str] = ()

    @property
    def all_tools(self) -> list[AnyTool]:
        """The tools that the model may call, hand-offs among them."""
        return [*self.tools.values(), *(each.tool for each in self.handoffs.values())]
