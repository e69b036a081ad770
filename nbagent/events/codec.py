"""Events to JSON, and back."""

from collections.abc import Mapping
from typing import Any

import msgspec

from nbagent.events.json_text import TOO_DEEP
from nbagent.events.jsonable import expand, json_safe
from nbagent.events.kinds import Event
from nbagent.events.live import Live


def type_of(event: Event) -> str:
    """Return the event's tag, e.g. `"text.delta"`: its `type`."""
    return event.type


def _encodable(value: Any) -> Any:
    """Return one level of an object that msgspec does not encode; None for a live one."""
    if isinstance(value, Live):
        return None
    if isinstance(value, str):  # of a subclass, which msgspec does not take
        return str.__str__(value)
    return expand(value)


def _decoded(kind: type, value: Any) -> Any:
    """Return a value of a class that msgspec does not decode; None for a live object."""
    return None if kind is Live else value


_encoder = msgspec.json.Encoder(enc_hook=_encodable)
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event, dec_hook=_decoded)


def to_json(event: Event) -> bytes:
    """Encode one event as one line of JSON, without a newline. Live objects become null."""
    return _encoder.encode(event)


def to_browser_json(event: Event) -> bytes:
    """Encode one event as JSON that every browser reads alike; see
    `nbagent.events.jsonable.json_safe`.

    Slower than `to_json`, and never fails: for events that hold a cycle or half a surrogate pair.
    """
    try:
        fields = to_dict(event)
    except Exception:
        fields = {"type": type_of(event), **msgspec.structs.asdict(event)}
    return msgspec.json.encode(json_safe(fields))


def from_json(line: bytes | str) -> Event:
    """Decode an event that `to_json` encoded.

    Raises:
        msgspec.ValidationError: the JSON is not an event; the message names the field.
        msgspec.DecodeError: the line is not JSON, or its brackets are nested too deeply.
    """
    try:
        return _decoder.decode(line)
    except RecursionError:
        raise msgspec.DecodeError(TOO_DEEP) from None
    except UnicodeError as error:
        raise msgspec.DecodeError(str(error)) from None


def to_dict(event: Event) -> dict[str, Any]:
    """Convert one event to JSON types: the dict that `to_json` encodes."""
    fields: dict[str, Any] = msgspec.to_builtins(event, enc_hook=_encodable)
    return fields


def to_builtins(value: Any) -> Any:
    """Convert a value inside an event to JSON types, as `to_json` encodes it.

    Raises:
        TypeError, ValueError, RecursionError: msgspec does not encode it;
            `nbagent.events.jsonable.json_safe` converts it.
    """
    return msgspec.to_builtins(value, enc_hook=_encodable)


def from_dict(data: Mapping[str, Any]) -> Event:
    """Convert a dict that `to_dict` returned to its event.

    Raises:
        msgspec.ValidationError: the dict is not an event; the message names the field.
    """
    event: Event = msgspec.convert(data, Event, dec_hook=_decoded)
    return event
