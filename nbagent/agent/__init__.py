"""An agent of our own on the openai SDK."""

from nbagent.agent.agent import Agent, AgentStream
from nbagent.agent.mcp_tools import mcp
from nbagent.agent.reporting import progress
from nbagent.agent.tools import Tool, tool

__all__ = ["Agent", "AgentStream", "Tool", "mcp", "progress", "tool"]
