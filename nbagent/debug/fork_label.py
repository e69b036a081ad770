"""`label_of`: where a fork begins and what is other in it, on one line."""

from typing import Any

from msgspec import UNSET

from nbagent import events as e
from nbagent.debug.point import Point
from nbagent.events.jsonable import json_safe
from nbagent.render.json_text import compact
from nbagent.render.labels import args_label
from nbagent.render.markup.text import one_line

VALUE_CHARS = 60
"""Characters of a result, a text or the arguments in a label."""

_SEAM = "fork_seam"


def label_of(
    point: Point,
    *,
    result: Any = UNSET,
    args: dict[str, Any] | None = None,
    model: str | None = None,
    agent: str | None = None,
    tools: Any = None,
    **texts: Any,
) -> str:
    """Return the point and the changes of a fork, such as `rates(year=2023) → 99`.

    Args:
        point: where it begins.
        result: of the call; `UNSET` for its own.
        args: the changed arguments.
        model: name of another one.
        agent: name of another one.
        tools: others.
        texts: others, such as the instructions.
    """
    made = [_place(point, args or {})]
    if result is not UNSET:
        made[0] += f" → {_short(result)}"
    for name, text in texts.items():
        if isinstance(text, str):
            made.append(f"{name} {_short(text)}")
        elif text is not None:
            made.append(f"other {name}")
    made += [f"{name} {value}" for name, value in {"model": model, "agent": agent}.items() if value]
    if tools is not None:
        made.append("other tools")
    return ", ".join(made)


def seam(label: str) -> e.Status:
    """Return the line between the part that a fork repeats and what is live."""
    return e.Status(message=f"Repeated until here: {label}", meta={_SEAM: True})


def is_seam(event: e.Event) -> bool:
    """Return True if the event is the line of an earlier fork."""
    return isinstance(event, e.Status) and bool(event.meta and event.meta.get(_SEAM))


def _place(point: Point, changed: dict[str, Any]) -> str:
    """Return the point; of a call its arguments, the changed ones with both values."""
    if point.call is None:
        return f"step {point.step.number}"
    args = None if point.call.args is None else point.call.args.args
    if isinstance(args, dict) and changed:
        parts = [f"{name}={_short(value)}" for name, value in args.items() if name not in changed]
        parts += [
            f"{name}={_short(args.get(name))} → {_short(value)}" for name, value in changed.items()
        ]
        return f"{point.call.start.name}({', '.join(parts)})"
    return point.call.start.name + one_line(args_label(args), VALUE_CHARS)


def _short(value: Any) -> str:
    return one_line(compact(json_safe(value)), VALUE_CHARS)
