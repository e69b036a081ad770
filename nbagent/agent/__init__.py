"""An agent of our own on the openai SDK."""

from nbagent.agent.agent import Agent, AgentStream
from nbagent.agent.config import load_agents
from nbagent.agent.tools import Tool, tool

__all__ = ["Agent", "AgentStream", "Tool", "load_agents", "tool"]
