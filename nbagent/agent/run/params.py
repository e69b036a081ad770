"""`RunParams`: the parameters of one agent run."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nbagent.agent.client_options import NO_OPTIONS, ClientOptions
from nbagent.agent.delivery import Delivery
from nbagent.agent.model.connection import Connection
from nbagent.agent.model.recorded_connection import RecordedConnection
from nbagent.agent.model.recorded_run import Record
from nbagent.agent.model.request_limiter import RequestLimiter
from nbagent.agent.model.structured import JsonForm, OutputFormat
from nbagent.agent.options import AgentOptions
from nbagent.agent.run.handoff import Handoff
from nbagent.agent.tools.client_tool import check_client_tools
from nbagent.agent.tools.described_tool import DescribedTool
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
        inside: id of the agent inside a call whose run this is, as the outermost run's events have
            it; None for a run of its own.
        record: calls that were made before, for tools that must not be called twice; None if there
            are none.
        delivery: pieces and pace of the texts; None for those of the model.
        notices: told to the reader when the run begins.
        client: what the client of the run asks for.
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
    inside: str | None = None
    record: Record | None = None
    notices: Sequence[str] = ()
    client: ClientOptions = NO_OPTIONS

    @property
    def settings(self) -> dict[str, Any]:
        """More parameters of the model's API, by name."""
        return dict(self.model_settings or {})

    @property
    def all_tools(self) -> list[DescribedTool]:
        """The tools that the model may call, hand-offs and the client's among them."""
        handoffs = [each.tool for each in self.handoffs.values()]
        clients = [tool for tool in self.client.tools if self.is_for_client(tool.name)]
        return [*self.tools.values(), *handoffs, *clients]

    @property
    def all_instructions(self) -> str:
        """The system prompt: the agent's instructions, then the client's."""
        return "\n\n".join(filter(None, (self.instructions, self.client.instructions)))

    @property
    def form(self) -> OutputFormat | JsonForm | None:
        """The form of the answer, as the model is told it; None for a text."""
        return self.output or self.client.form

    @property
    def request_settings(self) -> dict[str, Any]:
        """More parameters of the model's API.

        Raises:
            UnknownToModel: it has no such option as the client asks for.
        """
        return self.connection.api.settings(self.settings, self.client.model)

    def check_client(self) -> None:
        """Check what the client asks for.

        Raises:
            ToolError: one of its tools has a name that it cannot have.
            UnknownToModel: the model's API has no such option.
        """
        check_client_tools(self.client.tools, {*self.tools, *self.handoffs})
        _ = self.request_settings

    def is_for_client(self, tool: str) -> bool:
        """Return True for the name of a tool of the client's.

        Where an agent that has taken over has one of that name itself, that is meant.
        """
        own = tool in self.tools or tool in self.handoffs
        return not own and tool in self.client.names

    def handed_over_to(self, other: "RunParams") -> "RunParams":
        """Return the parameters with which another agent goes on with the run.

        The form of the answer, the limits and what the client asks for stay those of the run.

        Args:
            other: the parameters of that agent.
        """
        return replace(
            other,
            output=self.output,
            path=self.path,
            inside=self.inside,
            max_total_tokens=self.max_total_tokens,
            max_cost=self.max_cost,
            max_repeats=self.max_repeats,
            client=self.client,
            record=self.record or other.record,
        )
