"""An agent of our own on the openai SDK."""

import nbagent.agent.outside_calls  # noqa: F401 - sets what calling a tool does
from nbagent.agent.agent import Agent
from nbagent.agent.agent_stream import AgentStream
from nbagent.agent.config import load_agents
from nbagent.agent.delivery import Delivery
from nbagent.agent.longterm import LongTerm
from nbagent.agent.mcp_tools import mcp
from nbagent.agent.memory import BufferWindow, SummaryBuffer
from nbagent.agent.reporting import progress
from nbagent.agent.session import Session
from nbagent.agent.store import SessionInfo, Store
from nbagent.agent.tools import Tool, tool

__all__ = [
    "Agent",
    "AgentStream",
    "BufferWindow",
    "Delivery",
    "LongTerm",
    "Session",
    "SessionInfo",
    "Store",
    "SummaryBuffer",
    "Tool",
    "load_agents",
    "mcp",
    "progress",
    "tool",
]
