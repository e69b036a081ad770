"""`asked_of`: what a framework was asked, read from the object that its call returned."""

import inspect
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

_FRAMEWORKS = ("agents", "pydantic_ai", "langgraph", "langchain_core")
_FRAMES = ("ag_frame", "gi_frame", "cr_frame")


class Asked(NamedTuple):
    """What a framework was asked.

    Attributes:
        framework: its package; "" if it is not known.
        prompt: a text, or messages in the form of either API of OpenAI; None if it is not known.
    """

    framework: str = ""
    prompt: Any = None


def asked_of(source: Any) -> Asked:
    """Return what a framework was asked whose call has returned an object: of the OpenAI Agents
    SDK, Pydantic AI, LangChain or LangGraph.
    """
    module, arguments = _call_of(source)
    framework = module.partition(".")[0]
    if framework not in _FRAMEWORKS:
        return Asked()
    match framework:
        case "agents":
            return Asked(framework, getattr(source, "input", arguments.get("input")))
        case "pydantic_ai":
            prompt = arguments.get("user_prompt")
            return Asked(framework, prompt if isinstance(prompt, str) else None)
    return Asked(framework, _messages(arguments.get("input")))


def _call_of(source: Any) -> tuple[str, Mapping[str, Any]]:
    """Return the module of the function that made an object, and its arguments."""
    for name in _FRAMES:
        frame = getattr(source, name, None)
        if frame is not None:
            return str(frame.f_globals.get("__name__", "")), frame.f_locals
    run_agent = getattr(source, "_run_agent", None)  # of `run_stream_events`
    if inspect.isfunction(run_agent):
        return type(source).__module__, inspect.getclosurevars(run_agent).nonlocals
    return type(source).__module__, {}


def _messages(given: Any) -> Any:
    """Return LangChain's messages in the form of Chat Completions."""
    if isinstance(given, Mapping):
        given = given.get("messages")
    if given is None or isinstance(given, str):
        return given
    return sys.modules["langchain_core.messages"].convert_to_openai_messages(given)
