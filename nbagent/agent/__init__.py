"""An agent of our own on the openai SDK."""

import nbagent.agent.calls.outside_calls  # noqa: F401 - sets what calling a tool does
from nbagent.agent.agent import Agent
from nbagent.agent.agent_stream import AgentStream
from nbagent.agent.calls.reporting import progress
from nbagent.agent.config.load import load_agents
from nbagent.agent.delivery import Delivery
from nbagent.agent.mcp_client.tools import mcp
from nbagent.agent.sessions.longterm import LongTerm
from nbagent.agent.sessions.memory import BufferWindow, SummaryBuffer
from nbagent.agent.sessions.session import Session
from nbagent.agent.sessions.store import SessionInfo, Store
from nbagent.agent.tools.decorator import tool
from nbagent.agent.tools.tool import Tool

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
