"""Items of LangGraph's streams: their namespace, mode and payload."""

from collections.abc import Mapping
from typing import Any

from nbagent.adapters.base.fields import fields_or_empty, get_field, listed, mapping_or_empty
from nbagent.adapters.langchain.messages import kind_of, unwrap_message

MODES = {
    "values",
    "updates",
    "messages",
    "messages-tuple",
    "custom",
    "tasks",
    "checkpoints",
    "debug",
}


def is_mode(value: Any) -> bool:
    """Return True for the name of a mode."""
    return isinstance(value, str) and value in MODES


def namespace_of(value: Any) -> tuple[str, ...] | None:
    """Return a namespace as a tuple of strings; None if it is no namespace."""
    if isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value):
        return tuple(value)
    return None


def split_item(item: list[Any] | tuple[Any, ...]) -> tuple[tuple[str, ...], str, Any] | None:
    """Return namespace, mode and payload of a tuple, or None if it is no item of a graph."""
    if len(item) == 3 and (path := namespace_of(item[0])) is not None:
        return _in_mode(path, *item[1:])
    if len(item) != 2:
        return None
    first, second = item
    if isinstance(first, str):
        return _in_mode((), first, second)
    if kind_of(unwrap_message(first)) is not None and isinstance(second, Mapping):
        return (), "messages", item
    path = namespace_of(first)
    if path is None:
        return None
    if isinstance(second, (list, tuple)):
        _, *inner = split_item(second) or ((), None, None)
        return _in_mode(path, *inner)
    return _in_mode(path, mode_by_shape(mapping_or_empty(second)), second)


def _in_mode(
    path: tuple[str, ...], mode: Any, payload: Any
) -> tuple[tuple[str, ...], str, Any] | None:
    """Return the three parts of an item; None if its mode is none of a graph's."""
    if is_mode(mode):
        return path, mode, payload
    return None


def mode_by_shape(fields: Mapping[str, Any]) -> str | None:
    """Return the mode of a bare payload by its shape, or None."""
    for mode, names in _SHAPES:
        if names <= fields.keys():
            return mode
    if isinstance(fields.get("type"), str) or isinstance(fields.get("event"), str):
        return None
    messages = fields.get("messages")
    if isinstance(messages, (list, tuple)) and all(map(_is_message, messages)):
        return "values"
    if "__interrupt__" in fields:
        if len(fields) == 1:
            return "updates"
        return "values"
    if any(map(_is_update, fields.values())):
        return "updates"
    return None


_SHAPES = (
    ("debug", {"step", "timestamp", "type", "payload"}),
    ("tasks", {"id", "name", "triggers"}),
    ("tasks", {"id", "name", "interrupts"}),
    ("checkpoints", {"config", "metadata", "values", "next"}),
)


def _is_message(item: Any) -> bool:
    return kind_of(unwrap_message(item)) is not None


def _is_update(value: Any) -> bool:
    """Return True if a node's update, or one of several, has messages."""
    return any(map(_holds_messages, map(unwrap_command, listed(value))))


def _holds_messages(update: Any) -> bool:
    if not isinstance(update, Mapping) or "messages" not in update:
        return False
    return any(map(_is_message, listed(update["messages"])))


def unwrap_command(part: Any) -> Any:
    """Return a node's update; a `Command` has it in `update`."""
    if isinstance(part, Mapping) and "messages" in part:
        return part
    inner = get_field(part, "update")
    if inner is None or callable(inner):
        return part
    return inner


def is_metadata(fields: Mapping[str, Any]) -> bool:
    """Return True for the first event of LangGraph's server."""
    return fields.get("event") == "metadata" and "run_id" in fields_or_empty(fields.get("data"))
