"""Ids of several streams in one run: a prefix for each stream keeps them apart."""

from collections.abc import Callable
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
    return _with_ids(event, lambda own: f"{prefix}/{own}")


def without_id_prefix(event: E, prefix: str) -> E:
    """Return the event without the prefix that `with_id_prefix` has put before its ids. An id
    without it stays.
    """
    return _with_ids(event, lambda own: own.removeprefix(f"{prefix}/"))


def _with_ids(event: E, change: Callable[[str], str]) -> E:
    changed = {}
    for name in _ID_FIELDS:
        given = getattr(event, name, None)
        if isinstance(given, str):
            changed[name] = change(given)
    if not changed:
        return event
    return msgspec.structs.replace(event, **changed)
