"""`AgentParts`: the parts of an agent, and the parameters of its runs."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nbagent.agent.agent_loop import AgentLoop
from nbagent.agent.calls.context import CURRENT_CALL, CallContext
from nbagent.agent.client_options import NO_OPTIONS, ClientOptions
from nbagent.agent.delivery import Delivery
from nbagent.agent.fingerprint import describe_params
from nbagent.agent.model import input_items
from nbagent.agent.model.model_source import ModelSource
from nbagent.agent.model.recorded_connection import RecordedConnection
from nbagent.agent.model.request_limiter import RequestLimiter
from nbagent.agent.model.structured import OutputFormat
from nbagent.agent.options import AgentOptions, check_max_cost, values_of
from nbagent.agent.prompt_parts import joined
from nbagent.agent.run.handoff import Handoff, handoff, handoffs_by_tool
from nbagent.agent.run.nested_run import NestedRun, record_of
from nbagent.agent.run.params import RunParams
from nbagent.agent.sessions.longterm import LongTerm, check_longterm
from nbagent.agent.sessions.memory import Memory, check_memory
from nbagent.agent.sessions.memory_store import MemoryStore
from nbagent.agent.sessions.session import StoreLike, store_of
from nbagent.agent.sessions.store import Store
from nbagent.agent.subagent import AgentTool
from nbagent.agent.tools.current_tool import renewed
from nbagent.agent.tools.decorator import toolbox
from nbagent.agent.tools.tool import AnyTool
from nbagent.agent.tools.toolset import model_name, split, tools_of
from nbagent.errors import NbagentError
from nbagent.printable import printable_line

if TYPE_CHECKING:
    from nbagent.agent.agent import Agent


class AgentParts(AgentOptions):
    """The parts of an agent: its model, its tools, the agents that it may hand over to.

    Args:
        model: makes the connections to the model.
        tools: as for `nbagent.Agent`, as all other arguments are.
        name: of the agent; None for the model's.
        allow: names of tools.
        handoffs: agents.
        delivery: of texts.
        memory: of sessions.
        longterm: memory of facts.
        store: of the sessions.
        options: those of `AgentOptions`.

    Raises:
        NbagentError: an argument is invalid; the message names it.
        ToolError: a tool cannot be used; the message names it.
    """

    def __init__(
        self,
        *,
        model: ModelSource,
        tools: Any,
        name: str | None,
        allow: Iterable[str],
        handoffs: "Iterable[Agent]",
        delivery: Delivery | None,
        memory: Memory | None,
        longterm: LongTerm | None,
        store: StoreLike | None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        check_max_cost(self)
        if delivery is not None and not isinstance(delivery, Delivery):
            raise NbagentError(f"delivery must be Delivery(…) or None, got {delivery!r}")
        self._model = model
        self.name: str = name or self.model
        self.delivery = delivery
        self.memory = check_memory(memory)
        self.allow = _names(allow)
        self.longterm = check_longterm(longterm)
        self.store: Store = MemoryStore() if store is None else store_of(store)
        self.handoffs: list[Agent] = _agents(handoffs)
        self._request_limiter = RequestLimiter(self.concurrency)
        functions, self._toolsets = split(with_agents(tools))
        self._tools = toolbox(functions)

    def __repr__(self) -> str:
        named = f", name={self.name!r}" if self.name != self.model else ""
        tools = ", ".join([*map(printable_line, self._tools), *map(repr, self._toolsets)])
        return f"Agent({self.model!r}{named}, tools=[{tools}])"

    @property
    def model(self) -> str:
        """The model's name, or that of the recording."""
        return self._model.name

    @property
    def tools(self) -> list[AnyTool]:
        """The tools, in the order given; without those of servers."""
        return list(self._tools.values())

    @property
    def has_tools(self) -> bool:
        """True if it may call tools, or hand over."""
        return bool(self._tools or self._toolsets or self.handoffs or self.longterm)

    def fingerprint(self, output: Any = None) -> list[Any]:
        """Return what the agent's answers come from, as JSON that changes when the agent does.

        Args:
            output: form of the answer, as for `stream`.

        Raises:
            ToolError: a tool cannot be used any more, or the form has no JSON Schema.
        """
        return describe_params(self._run_params(output=output))

    def as_tool(
        self,
        name: str | None = None,
        description: str | None = None,
        *,
        timeout: float | None = None,
        approve: bool | Callable[[dict[str, Any]], bool] = False,
    ) -> AnyTool:
        """Return the agent as a tool of another one, as `Agent(tools=[other])` does.

        Its one parameter is the task.

        It works inside the call's panel, with its own limits; its questions reach the reader, and
        what it spends counts in the outer run too. It knows the task, and nothing else of the
        conversation.

        Args:
            name: that the model sees; by default the agent's.
            description: by default the agent's, else its instructions.
            timeout: seconds that a call may take; None is no limit.
            approve: as for `@tool`.

        Raises:
            ToolError: the name is not valid.
        """
        if description is None:
            description = self.description or self.instructions
        return AgentTool(self, name or model_name(self.name), description, timeout, approve)

    async def served_tools(self) -> list[AnyTool]:
        """Return all tools, those of servers among them, for a server that serves them by
        themselves.

        Raises:
            ToolError: a server cannot be reached.
        """
        tools = self.tools
        for toolset in self._toolsets:
            tools += await tools_of(toolset)
        return tools

    def start_inside(
        self, prompt: str | Iterable[Any], context: CallContext, output: Any = None
    ) -> AgentLoop:
        """Return a run that is a part of the run of a call; `output` as for `stream`."""
        params = self._run_params(output=output)
        return AgentLoop(params, input_items.from_prompt(joined(prompt)), outer=context.spending)

    def _handoff(self) -> Handoff:
        return handoff(self.name, self.description or self.instructions, self._run_params)

    def _shared_tools(self) -> Mapping[str, AnyTool]:
        """Return the tools of a long-term memory that all conversations share."""
        if self.longterm is None or self.longterm.storage_scope != "shared":
            return {}
        return self.longterm.tools(self.store, None)

    def _run_params(
        self,
        extra_tools: Mapping[str, AnyTool] = MappingProxyType({}),
        allowed: set[str] | None = None,
        *,
        output: Any = None,
        client: ClientOptions = NO_OPTIONS,
    ) -> RunParams:
        """Return the parameters of a run.

        Args:
            extra_tools: besides the agent's own.
            allowed: names of the tools that the reader has allowed for good; an answer adds to
                them.
            output: as for `stream`.
            client: what the client of the run asks for.

        Raises:
            ToolError: a tool of the client has a name that it cannot have.
            UnknownToModel: the model's API has no such option as the client asks for.
        """
        call = CURRENT_CALL.get()
        outer: tuple[str, ...] = ()
        inside = None
        connection = self._model.connection()
        record = None
        if isinstance(connection, RecordedConnection):
            record = record_of([NestedRun(connection.recording)])
        if call is not None:
            outer, inside = call.path, call.id_of_agent(call.id)
            record = record or call.record
        self._tools, notices = renewed(self._tools)
        params = RunParams(
            **values_of(self),
            name=self.name,
            tools={**extra_tools, **self._tools},
            toolsets=self._toolsets,
            connection=connection,
            record=record,
            allow=self.allow,
            allowed=set() if allowed is None else allowed,
            delivery=self.delivery,
            request_limiter=self._request_limiter,
            output=None if output in (None, str) else OutputFormat(output),
            handoffs=handoffs_by_tool(
                (each._handoff() for each in _agents(self.handoffs)), self._tools
            ),
            client=client,
            path=(*outer, self.name),
            inside=inside,
            notices=notices,
        )
        params.check_client()
        return params


def _names(allow: Iterable[str]) -> set[str]:
    if isinstance(allow, str):
        raise NbagentError(f"allow takes a list of names of tools, such as [{allow!r}]")
    return set(allow)


def with_agents(tools: Any) -> Any:
    """Return a list of tools with agents made tools. Anything but a list is returned as it is: the
    check of the tools refuses it.
    """
    if isinstance(tools, AgentParts) or not isinstance(tools, Iterable):
        return tools
    return [item.as_tool() if isinstance(item, AgentParts) else item for item in tools]


def _agents(agents: Iterable[Any]) -> "list[Agent]":
    """Return a list of agents.

    Raises:
        NbagentError: it is none.
    """
    if isinstance(agents, Iterable):  # an agent is none
        made = list(agents)
        if all(isinstance(each, AgentParts) for each in made):
            return made
    raise NbagentError(f"handoffs is a list of agents, such as handoffs=[other]; got {agents!r}")
