"""The redactor: masks secrets and patterns in every event, also where a stream cuts them in two."""

import base64
from typing import Any, Protocol, TypeAlias, TypeVar

from msgspec.structs import replace

from nbagent.events import (
    ErrorInfo,
    Event,
    File,
    Live,
    ReasoningDelta,
    ReasoningEnd,
    RunEnd,
    TextDelta,
    TextEnd,
    ToolArgs,
    ToolArgsDelta,
    ToolResult,
)
from nbagent.events.codec import to_builtins
from nbagent.events.jsonable import json_safe

_E = TypeVar("_E", bound=Event | ErrorInfo)
_Delta: TypeAlias = TextDelta | ReasoningDelta | ToolArgsDelta
_UNMASKED = frozenset({"seq", "ts", "run_id", "id", "parent_id", "tool_id", "call_id", "approval_id"})
_UNMASKED |= {"display", "signature", "encrypted"}
"""Fields without text for readers, and fields with masking of their own."""
_TEXT_TYPES = ("text/", "json", "xml", "yaml", "javascript")
"""Parts of a media type that show that a file's data is text."""


class Stream(Protocol):
    """Masks one text that comes in pieces."""

    def feed(self, text: str) -> str:
        """Return the masked text that can be shown now."""
        ...

    def close(self) -> str:
        """Return the rest that was held back, since the text is over."""
        ...


class Masker(Protocol):
    """Masks credentials (`nbagent.gate.secrets`), or a reader's own patterns (`nbagent.gate.patterns`)."""

    def mask(self, text: str) -> str:
        """Return the masked text."""
        ...

    def mask_json(self, value: Any) -> Any:
        """Return the masked JSON value; the same object if nothing in it is masked."""
        ...

    def stream(self) -> Stream:
        """Return a masker of one text that comes in pieces."""
        ...


class Redactor:
    """Masks one run's events.

    The live value of a tool's result stays unchanged in the kernel; its display is masked.

    Args:
        masker: what to mask. It may be replaced between two events; a text that has begun keeps the masker that it began with.
    """

    def __init__(self, masker: Masker) -> None:
        self.masker = masker
        self._streams: dict[tuple[type[_Delta], str], Stream] = {}

    def feed(self, event: Event) -> list[Event]:
        """Return the masked event; nothing while its text may still turn out to be part of a match."""
        if isinstance(event, _Delta):
            return self._delta(event)
        match event:
            case TextEnd():
                return [*self._flush(TextDelta, event), self._masked(event)]
            case ReasoningEnd():
                return [*self._flush(ReasoningDelta, event), self._masked(event)]
            case ToolArgs():
                return [*self._flush(ToolArgsDelta, event), self._masked(event)]
            case ToolResult():
                return [*self._flush(ToolArgsDelta, event), self._result(event)]
            case RunEnd():
                return [*self.close(), self._masked(event)]
            case File():
                return [self._file(event)]
            case _:
                return [self._masked(event)]

    def close(self) -> list[Event]:
        """Return the held-back rest of the texts that are still open."""
        streams, self._streams = self._streams, {}
        return [made(id=id, delta=text) for (made, id), stream in streams.items() if (text := stream.close())]

    def _delta(self, event: _Delta) -> list[Event]:
        key = (type(event), event.id)
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = self.masker.stream()
        shown = stream.feed(event.delta)
        if shown is event.delta and event.raw is None and event.meta is None:
            return [event]
        if not shown and event.delta:
            return []
        return [self._masked(replace(event, delta=shown))]

    def _flush(self, made: type[_Delta], event: TextEnd | ReasoningEnd | ToolArgs | ToolResult) -> list[Event]:
        stream = self._streams.pop((made, event.id), None)
        text = stream.close() if stream is not None else ""
        return [made(id=event.id, delta=text, parent_id=event.parent_id)] if text else []

    def _result(self, event: ToolResult) -> ToolResult:
        event = self._masked(event)
        if event.display is None:
            return event
        shown, masker = event.display, self.masker
        data = {mime: it if mime.startswith("image/") else masker.mask_json(it) for mime, it in shown.data.items()}
        return replace(event, display=replace(shown, summary=masker.mask(shown.summary), data=data))

    def _file(self, event: File) -> File:
        """Return the file with its text masked; data of other media types stays unchanged, because a mask would break it."""
        url, data = event.url, event.data
        head, inline, body = (url or "").partition(";base64,")
        is_inline = bool(inline) and head.startswith("data:")
        shown = self._masked(replace(event, data=None, url=None if is_inline else url))
        if is_inline:
            shown = replace(shown, url=head + inline + self._data(body, head.removeprefix("data:")))
        return shown if data is None else replace(shown, data=self._data(data, event.media_type))

    def _data(self, data: str, media_type: str | None) -> str:
        if not any(word in (media_type or "") for word in _TEXT_TYPES):
            return data
        try:
            text = base64.b64decode(data, validate=True).decode()
        except ValueError:
            return self.masker.mask(data)  # not base64, though it should be
        masked = self.masker.mask(text)
        return data if masked == text else base64.b64encode(masked.encode()).decode()

    def _masked(self, event: _E) -> _E:
        changed: dict[str, Any] = {}
        for field in event.__struct_fields__:
            if field in _UNMASKED:
                continue
            value = getattr(event, field)
            if value is None or isinstance(value, bool | int | float | Live):
                continue
            masked = self._value(value)
            if masked is not value and masked != value:
                changed[field] = masked
        return replace(event, **changed) if changed else event

    def _value(self, value: Any) -> Any:
        if isinstance(value, ErrorInfo):
            return self._masked(value)
        if isinstance(value, str):
            return self.masker.mask_json(value)
        # A container may hold objects (a dataclass, a set, an SDK's model), of which the text is what will be written.
        try:
            plain = to_builtins(value)
        except Exception:  # a cycle, a depth or a key that the codec does not encode
            plain = json_safe(value)
        masked = self.masker.mask_json(plain)
        return value if masked is plain or masked == plain else masked
