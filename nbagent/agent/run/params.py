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
from nbagent.agent.options import AgentOptions
from nbagent.agent.run.handoff import Handoff
from nbagent.agent.tools.tool import AnyTool
from nbagent.agent.tools.toolset import Toolset


@dataclass(kw_only=True, eq=False, repr=False)
class RunParams(AgentOptions):
    """The parameters of a run: the agent's options as they are when it begins, and what it uses.

    Attributes:
        name: of the agent.
        tools: by the names that the model sees; those of `toolsets` are added before each response
            of the model.
        connection: to the model.
        toolsets: sources of more tools.
        allow: names of the tools that the agent calls without asking.
        allowed: names of the tools that the reader has allowed for good; an answer adds to them.
            Those of an agent that works inside a call have its name and a slash before them.
        request_limiter: limits how many requests of the agent are under way at a time.
        output: the form of the answer; None for a text.
        handoffs: to agents that may take over, by the name of their tool.
        path: names of the agents at work, one inside another; the last one is this.
        record: calls that were made before, for tools that must not be called twice; None if there
            are none.
        delivery: pieces and pace of the texts; None for those of the model.
        notices: told to the reader when the run begins.
    """

    name: str
    tools: dict[str, AnyTool]
    connection: Connection | RecordedConnection
    toolsets: Sequence[Toolset] = ()
    allow: Collection[str] = ()
    allowed: set[str] = field(default_factory=set)
    delivery: Delivery | None = None
    request_limiter: RequestLimiter = field(default_factory=lambda: RequestLimiter(None))
    output: OutputFormat | None = None
    handoffs: Mapping[str, Handoff] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    record: Record | None = None
    notices: Sequence[str] = ()

    @property
    def settings(self) -> dict[str, Any]:
        """More parameters of the model's API, by name."""
        return dict(self.model_settings or {})

    @property
    def all_tools(self) -> list[AnyTool]:
        """The tools that the model may call, hand-offs among them."""
        return [*self.tools.values(), *(each.tool for each in self.handoffs.values())]
