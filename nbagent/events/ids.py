"""Ids of several streams in one run: a prefix for each stream keeps them apart."""

from typing import TypeVar

import msgspec

from nbagent.events.kinds import Event

E = TypeVar("E", bound=Event)

_ID_FIELDS = ("id", "tool_id", "text_id", "approval_id", "parent_id", "attempt_of")


def with_id_prefix(event: E, prefix: str) -> E:
    """Return the event with `prefix/` before each of its ids: its own, its parent's, and those that
    it refers to.

    The provider's `call_id` stays.
    """
    prefixed = {}
    for name in _ID_FIELDS:
        given = getattr(event, name, None)
        if isinstance(given, str):
            prefixed[name] = f"{prefix}/{given}"
    if not prefixed:
        return event
    return msgspec.structs.replace(event, **prefixed)
