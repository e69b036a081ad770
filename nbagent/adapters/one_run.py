"""`OneRunEncoder`: runs that follow one another in a stream of events, encoded as one run, as
`show` shows them.
"""

from collections.abc import Iterable

from nbagent import events as ev
from nbagent.adapters.base.decoder import TRUNCATED
from nbagent.adapters.base.encoder import Item
from nbagent.adapters.base.encoder_protocol import Encoder
from nbagent.adapters.nbagent_events.decoder import EventsDecoder


class OneRunEncoder:
    """Encodes the runs of two agents, or the answers of a chat, up to the end of the last one.

    Args:
        encoder: of the system.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._decoder = EventsDecoder()
        self._decoder.stop_info = TRUNCATED  # events without a run are not known to be complete

    def feed(self, event: ev.Event) -> Iterable[Item]:
        """Return the items of one event. The end of a run waits, since another may follow."""
        return [item for each in self._decoder.feed(event) for item in self._encoder.feed(each)]

    def close(self, error: BaseException | None = None) -> Iterable[Item]:
        """Return the items that end the stream.

        Args:
            error: the exception that ended the events; None if they just ended.
        """
        if error is not None:
            return self._encoder.close(error)
        return [item for each in self._decoder.close() for item in self._encoder.feed(each)]
