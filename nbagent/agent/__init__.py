"""An agent of our own on the openai SDK."""

from nbagent.agent.agent import Agent, AgentError, AgentStream
from nbagent.agent.tools import Tool, tool

__all__ = ["Agent", "AgentError", "AgentStream", "Tool", "tool"]
