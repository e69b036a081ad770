"""`variant`: an agent with other instructions, another model or other tools."""

import copy
from collections.abc import Iterable
from typing import Any

from nbagent.agent import Agent
from nbagent.agent.agent_parts import with_agents
from nbagent.agent.model.recorded_connection import Model
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
