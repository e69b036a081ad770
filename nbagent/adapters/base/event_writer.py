"""Event writer: mints ids, begins the run, and collects the events.

The base of every decoder's builder.
"""

from typing import Any

import msgspec

from nbagent import events as ev
from nbagent.adapters.base.fields import safe_message, to_jsonable
from nbagent.events.jsonable import is_encodable, text_safe

_DELTAS = frozenset({ev.TextDelta, ev.ReasoningDelta, ev.ToolArgsDelta})


class EventWriter:
    """Collects the events of one run, and makes those that open or close no block.

    Attributes:
        envelope: fields that go on every event: the step, and the agent and the parent where the
            decoder knows them.
        started: True once `run.start` was written.
        raw_count: number of `raw` events written.
    """

    def __init__(self) -> None:
        self.envelope: dict[str, Any] = {}
        self.started = False
        self.raw_count = 0
        self._has_thread_id = False  # on `run.start`
        self._late_thread_id: str | None = None
        self._events: list[ev.Event] = []
        self._minted = 0

    def take(self) -> list[ev.Event]:
        """Return the events since the last call."""
        taken, self._events = self._events, []
        return taken

    def mint(self, family: str) -> str:
        """Return a new id, such as "source-4"."""
        self._minted += 1
        return f"{family}-{self._minted}"

    def write(self, event: ev.Event) -> None:
        """Add an event that opens or closes no block. The caller adds the `envelope` to it."""
        if not self.started:
            self.begin()
        # A delta may end in half a surrogate pair, which only its block can join with the next
        # delta.
        if type(event) not in _DELTAS:
            event = _without_lone_surrogates(event)
        self._events.append(event)

    def begin(self, model: str | None = None, *, thread_id: str | None = None) -> None:
        """Write `run.start` if it was not written yet.

        A session's id that comes later goes to `run.end`.
        """
        if not self.started:
            self.started = True
            self._has_thread_id = thread_id is not None
            self._events.append(
                _without_lone_surrogates(ev.RunStart(model=model, thread_id=thread_id))
            )
        elif not self._has_thread_id:
            self._late_thread_id = self._late_thread_id or thread_id

    def source(
        self,
        url: str | None,
        *,
        title: str | None = None,
        text_id: str | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        """Write a source. `text_id` is the id of the text that cites it."""
        source_id = self.mint("source")
        self.write(
            ev.Source(
                id=source_id, url=url, title=title, text_id=text_id, meta=meta, **self.envelope
            )
        )

    def file(
        self,
        media_type: str,
        *,
        url: str | None = None,
        data: str | None = None,
        name: str | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        """Write a file by its URL or its content; `data` is base64."""
        file_id = self.mint("file")
        self.write(
            ev.File(
                id=file_id,
                media_type=media_type,
                url=url,
                data=data,
                name=name,
                meta=meta,
                **self.envelope,
            )
        )

    def status(
        self, message: str, *, level: ev.Level = "info", meta: dict[str, Any] | None = None
    ) -> None:
        """Write a status line."""
        self.write(ev.Status(message=message, level=level, meta=meta, **self.envelope))

    def custom(self, name: str, data: Any, *, meta: dict[str, Any] | None = None) -> None:
        """Write an event of the system's or the application's own."""
        self.write(ev.Custom(name=name, data=to_jsonable(data), meta=meta, **self.envelope))

    def error(
        self,
        message: str,
        *,
        code: str | None = None,
        error_type: str | None = None,
        fatal: bool = True,
    ) -> None:
        """Write an error. Anything in the message that looks like a secret is masked."""
        self.write(
            ev.Error(
                message=safe_message(message),
                code=code,
                error_type=error_type,
                fatal=fatal,
                **self.envelope,
            )
        )

    def raw(self, item: Any, name: str | None = None) -> None:
        """Write an item that the decoder does not know, as it came.

        Args:
            item: the item.
            name: of its type; None or "" if it has none.
        """
        try:
            data = to_jsonable(item)
        except Exception:  # reading an attribute of an SDK's object may raise anything
            data = f"<{type(item).__module__}.{type(item).__qualname__}>"
        self.raw_count += 1
        self.write(ev.Raw(data=data, name=name or None, **self.envelope))


def _without_lone_surrogates(event: ev.Event) -> ev.Event:
    """Return the event with every lone surrogate in its strings replaced, since no UTF-8 encoder
    takes one.
    """
    fixed: dict[str, Any] = {}
    for name, value in zip(event.__struct_fields__, msgspec.structs.astuple(event), strict=True):
        if isinstance(value, str):
            if not is_encodable(value):
                fixed[name] = text_safe(value)
        elif type(value) is ev.ErrorInfo and not is_encodable(value.message):
            fixed[name] = msgspec.structs.replace(value, message=text_safe(value.message))
    if fixed:
        return msgspec.structs.replace(event, **fixed)
    return event
