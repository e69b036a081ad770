"""`in_form`: a history in the form of the framework that goes on from it; `prompt_of`: what a
framework was asked, in a form that a history takes.
"""

from collections.abc import Callable, Sequence
from typing import Any

from nbagent.agent.model.input_items import Item, to_chat
from nbagent.debug.forms.agent_framework import from_agent_framework, to_agent_framework
from nbagent.debug.forms.agno import from_agno, to_agno
from nbagent.debug.forms.autogen import from_autogen, to_autogen
from nbagent.debug.forms.langchain import from_langchain
from nbagent.debug.forms.openai_agents import to_openai_agents
from nbagent.debug.forms.pydantic_ai import to_pydantic_ai
from nbagent.debug.forms.strands import from_strands, to_strands
from nbagent.sources.asked import Asked


def in_form(history: Sequence[Item], framework: str) -> list[Any]:
    """Return a history in the form that a framework takes.

    Args:
        history: all that the model is told, without the instructions.
        framework: the package: `agents` takes items of the Responses API, others messages of their
            own classes; all others get messages of Chat Completions, as LangChain takes them.
    """
    return _TO.get(framework, _to_chat)(history)


def prompt_of(asked: Asked) -> Any:
    """Return what a framework was asked, as a text or as messages in the form of either API of
    OpenAI; None if it is not known.
    """
    reader = _FROM.get(asked.framework)
    if asked.given is None or isinstance(asked.given, str) or reader is None:
        return asked.given
    try:
        return reader(asked.given)
    except Exception:  # of objects of other packages; they hold more than texts
        return None


def _to_chat(history: Sequence[Item]) -> list[Any]:
    return to_chat(history, "")


_TO: dict[str, Callable[[Sequence[Item]], list[Any]]] = {
    "agents": to_openai_agents,
    "pydantic_ai": to_pydantic_ai,
    "autogen_agentchat": to_autogen,
    "agno": to_agno,
    "strands": to_strands,
    "agent_framework": to_agent_framework,
}
_FROM: dict[str, Callable[[Any], Any]] = {
    "langchain_core": from_langchain,
    "langgraph": from_langchain,
    "autogen_agentchat": from_autogen,
    "agno": from_agno,
    "strands": from_strands,
    "agent_framework": from_agent_framework,
}
