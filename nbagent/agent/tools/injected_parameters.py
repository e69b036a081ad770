"""Parameters of a tool that a framework fills in itself, and that its model does not see."""

from typing import Annotated, Any, get_args, get_origin

_MARKS = {
    "agents": {"RunContextWrapper", "ToolContext"},
    "google": {"Context", "ToolContext"},
    "langchain": {"ToolRuntime"},
    "langchain_core": {"InjectedToolArg", "InjectedToolCallId", "RunnableConfig"},
    "langgraph": {"InjectedState", "InjectedStore", "Runtime", "ToolRuntime"},
    "llama_index": {"Context"},
    "pydantic_ai": {"RunContext"},
    "workflows": {"Context"},  # where llama-index defines it
}
"""Classes that mark such a parameter, as its type or in `Annotated`, by their top-level package."""


def is_injected(annotation: Any) -> bool:
    """Return True if a parameter with this annotation is filled in by a framework."""
    if get_origin(annotation) is Annotated:
        kind, *marks = get_args(annotation)
        return is_injected(kind) or any(map(_is_mark, marks))
    return _is_mark(get_origin(annotation) or annotation)


def _is_mark(mark: Any) -> bool:
    kind = mark if isinstance(mark, type) else type(mark)
    return kind.__name__ in _MARKS.get(kind.__module__.partition(".")[0], ())
