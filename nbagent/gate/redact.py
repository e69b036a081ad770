"""The redactor: masks secrets and patterns in every event, also where a stream cuts them in two."""

import base64
import functools
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeGuard, TypeVar

import msgspec
import msgspec.inspect
from msgspec.structs import replace

from nbagent import events as e
from nbagent.events.codec import to_builtins
from nbagent.events.jsonable import json_safe
from nbagent.gate.masking import ALL_CUTS, OWN_CUTS, CutMarks, DistinctNames
from nbagent.protocol.blocks import structs_in

_S = TypeVar("_S", bound=msgspec.Struct)
_Delta: TypeAlias = e.TextDelta | e.ReasoningDelta | e.ToolArgsDelta | e.ToolOutput
_DELTAS = frozenset({e.TextDelta, e.ReasoningDelta, e.ToolArgsDelta, e.ToolOutput})
_IDS = ("id", "parent_id", "tool_id", "call_id", "approval_id", "text_id", "attempt_of")
"""Fields that refer to other events."""
_UNMASKED = frozenset({*_IDS, "seq", "ts", "run_id", "display", "signature", "encrypted"})
"""Fields without text for readers, and fields with masking of their own."""
_TEXT_TYPES = ("text/", "json", "xml", "yaml", "javascript")
"""Parts of a media type that show that a file's data is text."""
_MARKUP_TYPES = ("html", "svg", "xml")
_OWN_ID = re.compile(r"[a-z]{3,9}-\d{1,5}(?:[./:](?:[a-z]{3,9}-)?\d{1,5})*")
"""Matches the ids that nbagent makes, `text-1.think-2`: only numbers, which patterns for numbers
need not mask.
"""


class Stream(Protocol):
    """Masks one text that comes in pieces."""

    def feed(self, text: str) -> str:
        """Return the masked text that can be shown now."""
        ...

    def close(self) -> str:
        """Return the rest that was held back, since the text is over."""
        ...


class Masker(Protocol):
    """Masks credentials (`nbagent.gate.secrets`), or a reader's own patterns
    (`nbagent.gate.patterns`).

    Attributes:
        warning: text about texts that cannot be shown; None if all can.
    """

    warning: str | None

    def mask(self, text: str, *, is_html: bool = False, cuts: CutMarks | None = None) -> str:
        """Return the masked text. What one of the marks cuts off is masked too."""
        ...

    def mask_json(self, value: Any, *, is_html: bool = False, cuts: CutMarks | None = None) -> Any:
        """Return the masked JSON value; the same object if nothing in it is masked."""
        ...

    def stream(self) -> Stream:
        """Return a masker of one text that comes in pieces."""
        ...


class Redactor:
    """Masks one run's events.

    The live value of a tool's result stays unchanged in the kernel; its display is masked.

    Args:
        masker: what to mask. It may be replaced between two events; a text that has begun keeps the
            masker that it began with.
    """

    def __init__(self, masker: Masker) -> None:
        self.masker = masker
        self._streams: dict[tuple[type[_Delta], str], Stream] = {}
        self._ids: dict[str, str] = {}  # masked, by the id as it came
        self._masked_ids = DistinctNames()
        self._warned = False

    def feed(self, event: e.Event) -> list[e.Event]:
        """Return the masked event; nothing while its text may still turn out to be part of a
        match.
        """
        if not _is_delta(event):
            events = self._feed(self._with_masked_ids(event))
        elif event.parent_id is None and self._ids.get(event.id) == event.id:
            events = self._delta(event)
        else:
            events = self._delta(self._with_masked_ids(event))
        if self.masker.warning is None:
            return events
        return [*self._warn(), *events]

    def close(self) -> list[e.Event]:
        """Return the held-back rest of the texts that are still open."""
        streams, self._streams = self._streams, {}
        events: list[e.Event] = []
        for (made, id_), stream in streams.items():
            text = stream.close()
            if text:
                events.append(made(id=id_, delta=text))
        return [*self._warn(), *events]

    def _feed(self, event: e.Event) -> list[e.Event]:
        match event:
            case e.TextEnd():
                return [*self._flush(e.TextDelta, event), self._masked(event)]
            case e.ReasoningEnd():
                return [*self._flush(e.ReasoningDelta, event), self._masked(event)]
            case e.ToolArgs():
                return [*self._flush(e.ToolArgsDelta, event), self._masked(event)]
            case e.ToolResult():
                flushed = self._flush(e.ToolArgsDelta, event)
                if not event.preliminary:
                    flushed += self._flush(e.ToolOutput, event)
                return [*flushed, self._result(event)]
            case e.RunEnd():
                return [*self.close(), self._masked(event)]
            case e.File():
                return [self._file(event)]
            case e.Error() | e.Status(level="warning"):  # they quote
                return [self._masked(event, ALL_CUTS)]
            case _:
                return [self._masked(event)]

    def _warn(self) -> Iterator[e.Event]:
        """Yield the event that says why texts are hidden, once in a run."""
        if self.masker.warning is not None and not self._warned:
            self._warned = True
            yield e.Status(message=self.masker.warning, level="warning")

    def _with_masked_ids(self, event: _S) -> _S:
        changed: dict[str, str] = {}
        for field in _fields(type(event)).ids:
            id_ = getattr(event, field)
            if id_ is not None:
                masked = self._ids.get(id_) or self._mask_id(id_)
                if masked != id_:
                    changed[field] = masked
        if not changed:
            return event
        return replace(event, **changed)

    def _mask_id(self, id_: str) -> str:
        """Return the masked id: always the same for an id, and another one for each."""
        masked = id_
        if _OWN_ID.fullmatch(id_) is None:
            masked = self.masker.mask(id_)
        if masked != id_:
            masked = self._masked_ids.add(masked)
        self._ids[id_] = masked
        return masked

    def _delta(self, event: _Delta) -> list[e.Event]:
        key = (type(event), event.id)
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = self.masker.stream()
        shown = stream.feed(event.delta)
        if shown is event.delta and event.raw is None and event.meta is None:
            return [event]
        if not shown and event.delta:
            return []
        # Not masked again: text beside a mask may look like a match.
        return [replace(self._masked(replace(event, delta="")), delta=shown)]

    def _flush(
        self, made: type[_Delta], event: e.TextEnd | e.ReasoningEnd | e.ToolArgs | e.ToolResult
    ) -> list[e.Event]:
        stream = self._streams.pop((made, event.id), None)
        if stream is None:
            return []
        text = stream.close()
        if not text:
            return []
        return [made(id=event.id, delta=text, parent_id=event.parent_id)]

    def _result(self, event: e.ToolResult) -> e.ToolResult:
        event = self._masked(event, OWN_CUTS)
        if event.display is None:
            return event
        data = {mime: self._payload(mime, payload) for mime, payload in event.display.data.items()}
        summary = self.masker.mask(event.display.summary, cuts=ALL_CUTS)
        return replace(event, display=replace(event.display, summary=summary, data=data))

    def _payload(self, mime: str, payload: Any) -> Any:
        if mime.startswith("image/") and not _is_markup(mime):  # a mask would break it
            return payload
        return self.masker.mask_json(payload, is_html=_is_markup(mime), cuts=ALL_CUTS)

    def _file(self, event: e.File) -> e.File:
        """Return the file with its text masked; data of other media types stays unchanged, because
        a mask would break it.
        """
        url, data = event.url, event.data
        inline_url: str | None = None
        head, comma, body = (url or "").partition(";base64,")
        if comma and head.startswith("data:"):
            inline_url = head + comma + self._data(body, head.removeprefix("data:"))
            url = None
        shown = self._masked(replace(event, data=None, url=url))
        if inline_url is not None:
            shown = replace(shown, url=inline_url)
        if data is not None:
            shown = replace(shown, data=self._data(data, event.media_type))
        return shown

    def _data(self, data: str, media_type: str | None) -> str:
        if not any(word in (media_type or "") for word in _TEXT_TYPES):
            return data
        try:
            # Lines of MIME, letters of URLs, no padding: decoders of files and URLs take them all.
            digits = "".join(data.split()).replace("-", "+").replace("_", "/").rstrip("=")
            padding = "=" * (-len(digits) % 4)
            text = base64.b64decode(digits + padding, validate=True).decode()
        except ValueError:
            return self.masker.mask(data)  # not base64, though it should be
        masked = self.masker.mask(text, is_html=_is_markup(media_type or ""))
        if masked == text:
            return data
        return base64.b64encode(masked.encode()).decode()

    def _masked(self, event: _S, cuts: CutMarks | None = None) -> _S:
        changed: dict[str, Any] = {}
        for field in _fields(type(event)).texts:
            value = getattr(event, field)
            if value is None:
                continue
            if type(value) is str:
                masked: Any = self.masker.mask(value, cuts=cuts)
            else:
                masked = self._value(value, cuts)
            if masked is not value and masked != value:
                changed[field] = masked
        for field in _fields(type(event)).structs:
            value = getattr(event, field)
            masked = self._structs(value, cuts)
            if masked != value:
                changed[field] = masked
        if not changed:
            return event
        return replace(event, **changed)

    def _structs(self, value: Any, cuts: CutMarks | None) -> Any:
        """Return the struct, or each one of a list, masked."""
        if isinstance(value, list):
            return [self._structs(each, cuts) for each in value]
        if not isinstance(value, msgspec.Struct):
            return value
        if isinstance(value, (e.ErrorInfo, e.ErrorFrame)):
            cuts = ALL_CUTS
        return self._masked(value, cuts)

    def _value(self, value: Any, cuts: CutMarks | None) -> Any:
        if isinstance(value, (bool, int, float, e.Live)):
            return value
        if isinstance(value, str):
            return self.masker.mask_json(value, cuts=cuts)
        # A container may hold objects (a dataclass, a set, an SDK's model), of which the text is
        # what will be written.
        try:
            plain = to_builtins(value)
        except Exception:  # a cycle, a depth or a key that the codec does not encode
            plain = json_safe(value)
        masked = self.masker.mask_json(plain, cuts=cuts)
        if masked is plain or masked == plain:
            return value
        return masked


class _Fields(NamedTuple):
    """Names of the fields of a class of events, or of a struct in one.

    Attributes:
        ids: that refer to other events.
        texts: with text for readers.
        structs: that hold a struct, or a list of structs.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    structs: tuple[str, ...]


@functools.cache
def _fields(kind: type[msgspec.Struct]) -> _Fields:
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    texts: list[str] = []
    structs: list[str] = []
    for field in info.fields:
        if field.name in _UNMASKED and issubclass(kind, e.Envelope):
            continue
        names = structs if structs_in(field.type) else texts
        names.append(field.name)
    ids = tuple(field for field in _IDS if field in kind.__struct_fields__)
    return _Fields(ids, tuple(texts), tuple(structs))


def _is_delta(event: e.Event) -> TypeGuard[_Delta]:
    return type(event) in _DELTAS


def _is_markup(media_type: str) -> bool:
    return any(word in media_type for word in _MARKUP_TYPES)
