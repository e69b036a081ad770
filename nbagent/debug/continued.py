"""`Continued`: an agent that repeats a part of another run, and goes on live."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from nbagent.agent import Agent
from nbagent.agent.agent_loop import AgentLoop
from nbagent.agent.agent_stream import AgentStream
from nbagent.agent.calls.context import CallContext
from nbagent.agent.model.input_items import Item
from nbagent.agent.model.recorded_run import Record
from nbagent.agent.model.structured import OutputFormat
from nbagent.agent.run.replayed_history import ReplayedHistory


@dataclass(frozen=True, slots=True)
class Continued:
    """An agent, and the part to repeat.

    Attributes:
        agent: goes on.
        prompt: of the run.
        past: the part to repeat.
        record: calls that were made after it, for tools that must not be called twice.
    """

    agent: Agent
    prompt: Sequence[Item]
    past: ReplayedHistory
    record: Record

    def stream(self, output: OutputFormat | None) -> AgentStream:
        """Return the events of the run.

        Args:
            output: the form of the answer; None for a text.
        """
        agent = self.agent
        params = agent._run_params(agent._shared_tools())
        params = replace(params, output=output, record=self.record)
        return AgentStream(AgentLoop(params, self.prompt, self.past), agent.name, own_agent=agent)

    def start_inside(self, task: Any, context: CallContext) -> AgentLoop:
        """Return the run as a part of that of a call, whatever its task is."""
        params = replace(self.agent._run_params(), record=self.record)
        return AgentLoop(params, self.prompt, self.past, outer=context.spending)
