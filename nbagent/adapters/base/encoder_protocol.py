"""`Encoder`: the protocol of all that writes events of a run as items of one system."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Protocol

from nbagent import events as ev
from nbagent.adapters.base.encoder import Item
from nbagent.adapters.base.losses import Loss


class Encoder(Protocol):
    """Turns the events of one run into the items of one system. Owns no clock, socket or task.

    Attributes:
        system: name of the system, such as "openai.chat".
        headers: HTTP headers that the system's server sends, with names in lower case.
        loses: what the system cannot represent.
    """

    system: ClassVar[str]
    headers: ClassVar[Mapping[str, str]]
    loses: ClassVar[frozenset[Loss]]

    def feed(self, event: ev.Event) -> Iterable[Item]:
        """Return the items of one event: none if the system cannot represent it, or after
        `run.end`.
        """
        ...

    def close(self, error: BaseException | None = None) -> Iterable[Item]:
        """Return the items that close what is open and end the stream: none after `run.end`.

        Args:
            error: the exception that ended the events; None if they just ended.
        """
        ...

    def frame(self, item: Item, number: int | str | None = None) -> bytes:
        """Return an item as it stands in the body of an HTTP response.

        Args:
            item: the item.
            number: its number in the stream, from 1: the `id` of its server-sent event. None for an
                event without an id, and without effect on a body of another framing.
        """
        ...

    def message(self, item: Item) -> str:
        """Return an item as one message of a WebSocket."""
        ...
