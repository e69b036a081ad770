"""The privacy of one run: its gate, the credentials that are masked in it, and the original
events.
"""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from nbagent.events import Event, ReasoningDelta, TextDelta
from nbagent.events.log import EventLog
from nbagent.gate import secrets
from nbagent.gate.gate import Gate
from nbagent.gate.masking import CutMarks
from nbagent.gate.redact import Redactor

_TEXTS = {TextDelta, ReasoningDelta}


class Privacy:
    """Passes every event of a run through the gate between decoder and consumers, and keeps the
    hidden originals.

    Args:
        gate: hides and masks.
        seen: the run's events that have passed.
        run_id: id of the run.
    """

    def __init__(self, gate: Gate, seen: EventLog, run_id: str) -> None:
        self._gate = gate
        self._seen = seen
        self._run_id = run_id
        self._hidden: EventLog | None = None
        self.register_secrets()

    @property
    def has_patterns(self) -> bool:
        """True if the reader gave patterns to mask."""
        return self._gate.patterns is not None

    @property
    def hides_tools(self) -> bool:
        """True if parts of some tool calls are hidden."""
        return self._gate.hides_tools

    @property
    def hides_requests(self) -> bool:
        """True if requests to the model are hidden, as something that they hold is."""
        return self._gate.hides_requests

    @property
    def shows_texts(self) -> bool:
        """True if texts and thoughts are neither hidden nor changed, but for credentials, and
        nothing has been hidden so far.
        """
        return self._hidden is None and self._gate.shown_whole >= _TEXTS

    @property
    def masker(self) -> Callable[[str], str]:
        """Masks patterns and credentials as `mask` does.

        It does not keep the run's events alive.
        """
        return self._gate.mask

    @property
    def events(self) -> list[Event]:
        """Original events, including those before the first hidden one.

        Empty if nothing has been hidden.
        """
        return list(self._hidden or ())

    def know_tools(self, names: Iterable[str], *, only: bool = False) -> None:
        """Tell the gate names of the run's tools; see `Gate.know_tools`."""
        self._gate.know_tools(names, only=only)

    def show_calls(self, names: Iterable[str]) -> None:
        """Show calls that the run's client has to make; see `Gate.show_calls`."""
        self._gate.show_calls(names)

    def feed(self, event: Event, arrived: float) -> list[Event]:
        """Return the visible events for one that came at a time, in seconds since the epoch."""
        if len(secrets.registered) != self._registered_count:
            self.register_secrets()  # a client has sent more since
        if self._hidden is not None or type(event) not in self._gate.shown_whole:
            self._keep(event, arrived)
        return self._gate.feed(event)

    def register_secrets(self, *sources: Any) -> None:
        """Mask from now on all credentials that are known by now, and those that these streams or
        errors have sent.

        Args:
            sources: an SDK's streams, or the errors that they raised; see `secrets.credentials_of`.
        """
        for source in sources:
            secrets.register(*secrets.credentials_of(source))
        self._registered_count = len(secrets.registered)
        self._secrets = secrets.known()
        self._gate.mask_secrets(self._secrets)

    def mask_error(self, error: BaseException | None) -> None:
        """Mask the credentials in the texts of an exception that ended the stream; see
        `secrets.mask_error`.
        """
        if error is not None:
            secrets.mask_error(error)

    def mask(self, text: str, *, cuts: CutMarks | None = None) -> str:
        """Return the text with all patterns and credentials masked; see `Gate.mask`."""
        return self._gate.mask(text, cuts=cuts)

    def redactor(self) -> Redactor:
        """Return a new redactor of credentials, for a series of events from the first one on."""
        return Redactor(self._secrets)

    def _keep(self, event: Event, arrived: float) -> None:
        if self._hidden is None:
            self._hidden = EventLog(self._seen)
        self._hidden.append(
            replace(event, seq=self._hidden.count + 1, ts=arrived, run_id=self._run_id)
        )
