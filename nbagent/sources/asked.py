"""`asked_of`: what a framework was asked, read from the object that its call returned."""

import inspect
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

_FRAMES = ("ag_frame", "gi_frame", "cr_frame")


class Asked(NamedTuple):
    """Question that a framework was asked.

    Attributes:
        framework: its package; "" if it is not known.
        given: a text, or messages in the framework's own form; None if it is not known.
    """

    framework: str = ""
    given: Any = None

    def prompt(self) -> Any:
        """Return the text, or messages in the form of either API of OpenAI; None if it is not
        known.
        """
        if self.given is None or isinstance(self.given, str) or self.framework == "agents":
            return self.given
        try:
            return sys.modules["langchain_core.messages"].convert_to_openai_messages(self.given)
        except Exception:  # they are no messages
            return None


def asked_of(source: Any) -> Asked:
    """Return what a framework was asked whose call has returned an object: of the OpenAI Agents
    SDK, Pydantic AI, LangChain or LangGraph.
    """
    try:
        module, arguments = _call_of(source)
    except Exception:  # a property of a user's object
        return Asked()
    framework = module.partition(".")[0]
    match framework:
        case "agents":
            given = arguments.get("input")
        case "pydantic_ai":
            given = arguments.get("user_prompt")
        case "langgraph" | "langchain_core":
            given = arguments.get("input")
            if isinstance(given, Mapping):
                given = given.get("messages")
        case _:
            return Asked()
    if isinstance(given, list) and framework != "pydantic_ai":
        return Asked(framework, given)
    if isinstance(given, str):
        return Asked(framework, given)
    return Asked(framework)


def _call_of(source: Any) -> tuple[str, Mapping[str, Any]]:
    """Return the module of the function that made an object, and its arguments.

    An object of the OpenAI Agents SDK has its input itself.
    """
    for name in _FRAMES:
        frame = getattr(source, name, None)
        if frame is not None:
            return str(frame.f_globals.get("__name__", "")), frame.f_locals
    run_agent = getattr(source, "_run_agent", None)  # of `run_stream_events`
    if inspect.isfunction(run_agent):
        return type(source).__module__, inspect.getclosurevars(run_agent).nonlocals
    return type(source).__module__, {"input": getattr(source, "input", None)}
