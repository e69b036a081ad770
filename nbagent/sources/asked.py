"""`asked_of`: what a framework was asked, read from the object that its call returned."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

_PREPARING = ("_prepare_run_context", "_execute")
"""Functions inside the agent framework's `run`, without middleware and with it."""

_FRAMES = ("ag_frame", "gi_frame", "cr_frame")


class Asked(NamedTuple):
    """Question that a framework was asked.

    Attributes:
        framework: its package; "" if it is not known.
        given: a text, or messages in the framework's own form, with those before the question where
            the framework's agent remembers them; None if it is not known.
    """

    framework: str = ""
    given: Any = None


def asked_of(source: Any) -> Asked:
    """Return what a framework was asked whose call has returned an object: of the OpenAI Agents
    SDK, Pydantic AI, LangChain, LangGraph, AutoGen, agno, Strands, smolagents or Microsoft's agent
    framework.
    """
    try:
        module, arguments = _call_of(source)
    except Exception:  # a property of a user's object
        return Asked()
    framework = module.partition(".")[0]
    if framework not in _GIVEN:
        return Asked()
    try:
        return Asked(framework, _GIVEN[framework](arguments))
    except Exception:  # another version of the framework has other names
        return Asked(framework)


def _call_of(source: Any) -> tuple[str, Mapping[str, Any]]:
    """Return the module of the function that made an object, and its arguments.

    An object of the OpenAI Agents SDK has its input itself.
    """
    for name in _FRAMES:
        frame = getattr(source, name, None)
        if frame is not None:
            return str(frame.f_globals.get("__name__", "")), frame.f_locals
    module = type(source).__module__
    run_agent = getattr(source, "_run_agent", None)  # of Pydantic AI's `run_stream_events`
    if inspect.isfunction(run_agent):
        return module, inspect.getclosurevars(run_agent).nonlocals
    awaited = getattr(source, "_stream_source", None)  # of the agent framework's `run`
    if inspect.iscoroutine(awaited) and awaited.cr_frame is not None:
        inner = awaited.cr_frame.f_locals
        for name in _PREPARING:
            if name in inner:
                return module, inspect.getclosurevars(inner[name]).nonlocals
    return module, {"input": getattr(source, "input", None)}


def _argument(*names: str) -> Callable[[Mapping[str, Any]], Any]:
    """Return a function that reads the first of these arguments that is given."""

    def read(arguments: Mapping[str, Any]) -> Any:
        return next((arguments[name] for name in names if arguments.get(name) is not None), None)

    return read


def _text_of(name: str) -> Callable[[Mapping[str, Any]], Any]:
    """Return a function that reads an argument, if it is a text."""

    def read(arguments: Mapping[str, Any]) -> Any:
        given = arguments.get(name)
        return given if isinstance(given, str) else None

    return read


def _of_agents(arguments: Mapping[str, Any]) -> Any:
    given = arguments.get("input")
    return given if isinstance(given, (str, list)) else None


def _of_graph(arguments: Mapping[str, Any]) -> Any:
    given = arguments.get("input")
    if isinstance(given, Mapping):
        given = given.get("messages")
    return given if isinstance(given, (str, list)) else None


def _of_autogen(arguments: Mapping[str, Any]) -> Any:
    """Return the task, behind what an agent remembers of those before it."""
    task = _argument("task", "messages")(arguments)
    context: Any = getattr(arguments["self"], "_model_context", None)
    if type(context).__name__ != "UnboundedChatCompletionContext":  # others leave something out
        return task
    return _behind(context._messages, task)


def _of_strands(arguments: Mapping[str, Any]) -> Any:
    """Return the prompt, behind the agent's conversation."""
    return _behind(arguments["self"].messages, arguments["prompt"])


def _behind(before: Sequence[Any], given: Any) -> Any:
    """Return what is given, alone or as the last entries of a list."""
    if not before:
        return given
    if given is None:
        return list(before)
    return [*before, *(given if isinstance(given, (list, tuple)) else [given])]


def _of_agno(arguments: Mapping[str, Any]) -> Any:
    given = arguments["run_response"].input
    if given.images or given.audios or given.videos or given.files:
        return None
    return given.input_content


def _of_agent_framework(arguments: Mapping[str, Any]) -> Any:
    if "context" in arguments:  # what middleware gets
        return arguments["context"].messages
    return arguments["messages"]


_GIVEN: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "agents": _of_agents,
    "pydantic_ai": _text_of("user_prompt"),
    "langchain_core": _of_graph,
    "langgraph": _of_graph,
    "autogen_agentchat": _of_autogen,
    "agno": _of_agno,
    "strands": _of_strands,
    "smolagents": _text_of("task"),
    "agent_framework": _of_agent_framework,
}
