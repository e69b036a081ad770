"""Values in the `meta` of an event, which any producer may have written."""

from nbagent.protocol.parts import Envelope


def meta_text(event: Envelope, name: str) -> str | None:
    """Return a text from an event's `meta`; None if there is none of that name."""
    if event.meta is None:
        return None
    value = event.meta.get(name)
    if isinstance(value, str):
        return value
    return None
