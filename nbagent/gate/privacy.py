"""What of one run may be seen, and what stays in this process: the gate, the masks over credentials, and what was hidden."""

import time
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from nbagent.events import Event
from nbagent.events.log import EventLog
from nbagent.gate import Gate, secrets
from nbagent.gate.redact import Redactor


class Privacy:
    """The way of every event from the decoder to all who see it.

    Args:
        gate: takes out what is hidden, and masks the reader's own patterns.
        seen: the run's events that have passed.
        run_id: of the run.
    """

    def __init__(self, gate: Gate, seen: EventLog, run_id: str) -> None:
        self._gate = gate
        self._seen = seen
        self._run_id = run_id
        self._hidden: EventLog | None = None
        self._secrets = secrets.known()
        self._redactor = Redactor(self._secrets)

    @property
    def has_patterns(self) -> bool:
        """Whether the reader has patterns of their own masked."""
        return self._gate.patterns is not None

    @property
    def events(self) -> list[Event]:
        """The events as they came, from the first one of which something was hidden also those before it; empty if none was."""
        return list(self._hidden or ())

    def feed(self, event: Event) -> Iterator[Event]:
        """What may be seen of an event."""
        if self._hidden is not None or self._gate.hides(event):
            self._keep(event)
        for shown in self._gate.feed(event):
            yield from self._redactor.feed(shown)

    def learn(self, *sources: Any) -> None:
        """Mask from now on what is secret by now, and what these streams or errors sent to prove who it is."""
        for source in sources:
            secrets.register(*secrets.credentials_of(source))
        self._secrets = self._redactor.masker = secrets.known()

    def mask(self, text: str) -> str:
        """The text without what must not be seen, as long as before where only expressions mask."""
        patterns = self._gate.patterns
        return self._secrets.mask(text if patterns is None else patterns.mask(text))

    def redactor(self) -> Redactor:
        """What masks credentials in events, once more from the first one on."""
        return Redactor(self._secrets)

    def _keep(self, event: Event) -> None:
        if self._hidden is None:
            self._hidden = EventLog(self._seen)
        self._hidden.append(replace(event, seq=self._hidden.count + 1, ts=time.time(), run_id=self._run_id))
