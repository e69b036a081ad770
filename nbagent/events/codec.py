"""Events as JSON, and back."""

from collections.abc import Mapping
from typing import Any

import msgspec

from nbagent.events.kinds import Event
from nbagent.events.parts import Live


def type_of(event: Event) -> str:
    """The event's tag, e.g. `"text.delta"`."""
    return str(event.__struct_config__.tag)


def _plain(value: Any) -> Any:
    """What the encoder does with an object that is not JSON: live values vanish, models dump, the rest says its type."""
    if isinstance(value, Live):
        return None
    if isinstance(value, str):  # a subclass, such as an enum's member
        return str.__str__(value)
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump(mode="json")
    if isinstance(value, Mapping):
        return dict(value)
    return f"<{type(value).__module__}.{type(value).__qualname__}>"


_encoder = msgspec.json.Encoder(enc_hook=_plain)
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(
    Event,
    dec_hook=lambda kind, value: None if kind is Live else value,
)


def to_json(event: Event) -> bytes:
    """One event as one line of JSON (no newline). Live objects become null."""
    return _encoder.encode(event)


def from_json(line: bytes | str) -> Event:
    """The event that `to_json` wrote.

    Raises:
        msgspec.ValidationError: the JSON is not an event; the message names the field.
        msgspec.DecodeError: it is not JSON.
    """
    return _decoder.decode(line)


def to_dict(event: Event) -> dict[str, Any]:
    """One event as plain JSON types: what `to_json` writes, as a dict."""
    plain: dict[str, Any] = msgspec.to_builtins(event, enc_hook=_plain)
    return plain


def from_dict(data: Mapping[str, Any]) -> Event:
    """The event that `to_dict` made.

    Raises:
        msgspec.ValidationError: it is not an event; the message names the field.
    """
    event: Event = msgspec.convert(
        data,
        Event,
        dec_hook=lambda kind, value: None if kind is Live else value,
    )
    return event
