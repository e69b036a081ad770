"""`REQUEST_GATE`: holds back the requests of several runs together, where their service has refused
one of them.
"""

from contextvars import ContextVar
from typing import Protocol


class RequestGate(Protocol):
    """Requests pass it before they are sent, on any loop."""

    async def admit(self) -> float:
        """Wait until a request may be sent, and return when that is, for `refused`."""

    def refused(self, sent_at: float, retry_after_s: float | None) -> None:
        """Note that the service has refused a request.

        Args:
            sent_at: what `admit` returned for it.
            retry_after_s: seconds after which it takes requests again; None if it does not say.
        """


REQUEST_GATE: ContextVar[RequestGate | None] = ContextVar("nbagent_request_gate", default=None)
"""Gate of the runs that are started in this context; None for a run that stands alone."""
