"""`told_of`: what a framework told the model about a call, where that is another text than the
result of the function.
"""

from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from nbagent.events.kinds import Event, ToolResult

_NAME = "told"


def told_of(result: ToolResult) -> Any:
    """Return what the model was told, a text or JSON; the result's content if nothing else is
    known.
    """
    live = result.value or result.exception
    if live is not None and live.told is not UNSET:
        return live.told
    if result.meta and _NAME in result.meta:
        return result.meta[_NAME]
    return result.content


def telling(told: Any) -> dict[str, Any]:
    """Return the `meta` of a result of which the model was told another text than its content."""
    return {_NAME: told}


def without_told(result: ToolResult) -> ToolResult:
    """Return a result that does not say what the model was told."""
    if not result.meta or _NAME not in result.meta:
        return result
    rest = {name: value for name, value in result.meta.items() if name != _NAME}
    return replace(result, meta=rest or None)


def with_told(event: Event) -> Event:
    """Return an event for a file: there the `meta` has what only this process knows."""
    if not isinstance(event, ToolResult):
        return event
    told = told_of(event)
    if told == event.content:
        return event
    return replace(event, meta={**(event.meta or {}), _NAME: told})
