"""Values in the `meta` of an event, which any producer may have written."""

from nbagent.protocol.parts import Envelope

GIVEN = "given"
"""True in the `meta` of arguments or of a result that a fork has in place of the recorded ones."""


def meta_text(event: Envelope, name: str) -> str | None:
    """Return a text from an event's `meta`; None if there is none of that name."""
    if event.meta is None:
        return None
    value = event.meta.get(name)
    if isinstance(value, str):
        return value
    return None


def is_given(event: Envelope) -> bool:
    """Return True if a fork was given these arguments, or this result."""
    return event.meta is not None and event.meta.get(GIVEN) is True
