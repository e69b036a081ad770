"""`label_of`: where a fork begins and what is other in it, on one line."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nbagent import events as e
from nbagent.debug.point import Point
from nbagent.events.jsonable import json_safe
from nbagent.render.json_text import compact
from nbagent.render.markup.text import one_line

if TYPE_CHECKING:
    from nbagent.debug.place import Place

VALUE_CHARS = 40
"""Characters of a value in a label."""

_NAMED = ("messages", "tools", "agent")
"""Changes whose values say nothing on one line."""

_WRITTEN = (str, int, float, dict, list)
_SEAM = "fork_seam"


def label_of(
    place: "Place", changes: Mapping[str, Any], mask: Callable[[str], str], *, has_values: bool
) -> str:
    """Return the point and the changes of a fork, such as `rates(year=2023) → 99`.

    Args:
        place: where it begins.
        changes: by name: `result`, `arguments`, `instructions`, `model` and the like.
        mask: masks patterns and credentials; before a value is cut, which would hide a part of one.
        has_values: whether values may be shown; else the label only names what is other.
    """

    def short(value: Any) -> str:
        return one_line(mask(compact(json_safe(value))), VALUE_CHARS)

    point = place.point
    made = [_name(place)]
    if has_values and point.call is not None:
        made[0] += _args(point, changes.get("arguments") or {}, short)
    for name, value in changes.items():
        if not has_values or name in _NAMED or not isinstance(value, _WRITTEN):
            made.append(f"other {name}")
        elif name != "arguments":
            made.append(f"{name} {short(value)}")
    return ", ".join(made)


def seam(label: str) -> e.Status:
    """Return the line between the part that a fork repeats and what is live."""
    return e.Status(message=f"Repeated until here: {label}", meta={_SEAM: True})


def is_seam(event: e.Event) -> bool:
    """Return True if the event is the line of an earlier fork."""
    return isinstance(event, e.Status) and bool(event.meta and event.meta.get(_SEAM))


def _name(place: "Place") -> str:
    """Return the response or the call, after the agents that it is inside of."""
    point = place.point
    name = f"step {point.step.number}"
    if point.call is not None:
        name = point.call.start.name
    if place.outer is None:
        return name
    return f"{_name(place.outer)} › {name}"


def _args(point: Point, changed: Mapping[str, Any], short: Callable[[Any], str]) -> str:
    """Return the arguments of the call, the changed ones with both values."""
    if point.call is None or point.call.args is None:
        return ""
    args = point.call.args.args
    if not isinstance(args, dict):
        return ""
    parts = [f"{name}={short(args[name])}" for name in args if name not in changed]
    for name, value in changed.items():
        shown = short(value)
        if name in args:
            shown = f"{short(args[name])} → {shown}"
        parts.append(f"{name}={shown}")
    return one_line(f"({', '.join(parts)})", 2 * VALUE_CHARS)
