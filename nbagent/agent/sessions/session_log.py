"""`SessionLog`: the records of a session, put in order."""

from collections.abc import Iterable, Mapping, Sequence

from nbagent.agent.model.input_items import Item, to_chat
from nbagent.agent.model.valid_history import answers_calls, ended, settled, valid_parts
from nbagent.agent.sessions.memory import Exchange
from nbagent.agent.sessions.store import Allowed, Record, Spent, Summary
from nbagent.protocol.parts import Usage


class SessionLog:
    """The records of a session, put in order.

    Args:
        records: of the session.
        running: id of the exchange that goes on in this process, or None.

    Attributes:
        exchanges: in the order in which they began; each ends with an answer, except for the
            running one. What begins with results of calls goes on with the exchange before.
        last: the last exchange, as it stands in the records.
        summary: the last one, or None.
        allowed: names of the tools that the user allows for good.
        usage: tokens of all turns that have told theirs.
    """

    def __init__(self, records: Iterable[Record], running: str | None = None) -> None:
        parts: dict[str, list[Item]] = {}
        self.summary: Summary | None = None
        self.allowed: set[str] = set()
        self.usage = Usage()
        for record in records:
            match record.entry:
                case Summary():
                    self.summary = record.entry
                case Allowed():
                    self.allowed = set(record.entry.tools)
                case Spent():
                    self.usage += record.entry.usage
                case item:
                    parts.setdefault(record.turn, []).append(item)
        self.last: list[Item] = []
        self.exchanges: list[Exchange] = []
        for group in _exchanges(parts):
            self.last = [item for turn in group for item in parts[turn]]
            close = settled if running in group else ended
            self.exchanges.append(Exchange(id=group[0], items=close(self.last)))

    @property
    def items(self) -> list[Item]:
        """The items of all exchanges."""
        return [item for exchange in self.exchanges for item in exchange.items]

    def beginning(self, at: int | None) -> tuple[list[Record], set[str]]:
        """Return the records of the first messages, and the ids of the exchanges that are whole.

        Args:
            at: as for `Session.fork`.
        """
        count = len(to_chat(self.items, ""))
        room = count if at is None else at
        if room < 0:
            room = max(0, count + room)
        kept: list[Record] = []
        whole: set[str] = set()
        for exchange in self.exchanges:
            for part in valid_parts(exchange.items):
                room -= len(to_chat(part, ""))
                if room < 0:
                    return kept, whole
                kept += [Record(exchange.id, item) for item in part]
            whole.add(exchange.id)
        return kept, whole

    def take_answered(self, prompt: Sequence[Item]) -> list[Item]:
        """Take the last exchange out if a prompt has results of its calls, and return its items."""
        if not self.exchanges or not answers_calls(prompt):
            return []
        self.exchanges.pop()
        return self.last


def _exchanges(turns: Mapping[str, Sequence[Item]]) -> list[list[str]]:
    """Return the ids of the turns of each exchange: one that begins with results of calls goes on
    with the exchange before.
    """
    groups: list[list[str]] = []
    for id, items in turns.items():
        if groups and answers_calls(items):
            groups[-1].append(id)
        else:
            groups.append([id])
    return groups
