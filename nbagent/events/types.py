"""Types of events as a user names them: by tag or by class."""

from collections.abc import Iterable
from typing import Any, TypeAlias, get_args

from nbagent.errors import did_you_mean
from nbagent.events.kinds import Event

EventTypes: TypeAlias = "str | type[Event] | Iterable[str | type[Event]] | None"
"""Types of events: a tag such as "text.delta", a class such as `TextDelta`, or several of them;
None is every type.
"""


def event_types(types: EventTypes) -> frozenset[str] | None:
    """Return the tags of event types; None means all types.

    Raises:
        ValueError: there is no such type; the message names the most similar one, and all there
            are.
        TypeError: one is neither a tag nor a class of events.
    """
    if types is None:
        return None
    if isinstance(types, (str, type)):
        types = [types]
    tags = frozenset(map(_tag, types))
    known = [_tag(kind) for kind in get_args(Event)]
    if wrong := sorted(tags.difference(known)):
        similar = did_you_mean(wrong[0], known)
        raise ValueError(
            f"There is no event type {', '.join(map(repr, wrong))}{similar or '.'} The types are "
            f"{', '.join(known)}"
        )
    return tags


def _tag(kind: Any) -> str:
    if isinstance(kind, str):
        return kind
    tags: dict[Any, str] = {each: str(each.__struct_config__.tag) for each in get_args(Event)}
    if kind not in tags:
        raise TypeError(
            "an event type is a tag such as 'text.delta' or a class of nbagent.events; got "
            f"{kind!r}"
        )
    return tags[kind]
