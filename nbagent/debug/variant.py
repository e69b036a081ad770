"""An agent with other instructions, another model or other tools, and its runs that repeat a part
of another one.
"""

import copy
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from nbagent.agent import Agent
from nbagent.agent.agent_loop import AgentLoop
from nbagent.agent.agent_parts import with_agents
from nbagent.agent.agent_stream import AgentStream
from nbagent.agent.model.input_items import Item
from nbagent.agent.model.recorded_connection import Model
from nbagent.agent.model.recorded_run import Record
from nbagent.agent.model.structured import OutputFormat
from nbagent.agent.run.replayed_history import ReplayedHistory
from nbagent.agent.tools.current_tool import current_tool
from nbagent.agent.tools.decorator import toolbox
from nbagent.agent.tools.toolset import split


def variant(
    agent: Agent, instructions: str | None, model: Model | None, tools: Iterable[Any] | None
) -> Agent:
    """Return a copy of an agent.

    Args:
        agent: is left as it is.
        instructions: None for its own.
        model: None for its own.
        tools: None for its own, each with its function as it is now.

    Raises:
        NbagentError: the model is not valid.
        ToolError: a tool is not valid.
    """
    made = copy.copy(agent)
    if instructions is not None:
        made.instructions = instructions
    if tools is None:
        made._tools = {name: current_tool(tool)[0] for name, tool in agent._tools.items()}
    else:
        functions, made._toolsets = split(with_agents(tools))
        made._tools = toolbox(functions)
    if model is not None:
        made._model = agent._model.with_model(model)
        made.name = made.model if agent.name == agent.model else agent.name
    return made


def continued(
    agent: Agent,
    prompt: list[Item],
    past: ReplayedHistory,
    record: Record,
    output: OutputFormat | None,
) -> AgentStream:
    """Return the events of a run that repeats a part of another one.

    Args:
        agent: goes on.
        prompt: of the run.
        past: the part to repeat.
        record: calls that were made after it, for tools that must not be called twice.
        output: the form of the answer; None for a text.
    """
    params = replace(agent._run_params(agent._shared_tools()), output=output, record=record)
    return AgentStream(AgentLoop(params, prompt, past), agent.name, own_agent=agent)
