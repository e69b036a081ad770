"""An agent of our own on the openai SDK."""

from nbagent.agent.agent import Agent, AgentStream
from nbagent.agent.longterm import LongTerm
from nbagent.agent.memory import BufferWindow, SummaryBuffer
from nbagent.agent.session import Session
from nbagent.agent.store import SessionInfo
from nbagent.agent.tools import Tool, tool

__all__ = ["Agent", "AgentStream", "BufferWindow", "LongTerm", "Session", "SessionInfo", "SummaryBuffer", "Tool", "tool"]
