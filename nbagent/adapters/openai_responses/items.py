"""Output items of one response, and their match with its final snapshot."""

from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any

from nbagent.adapters.base.block import Block
from nbagent.adapters.base.fields import str_field


class Item:
    """Output item of a response: a message, reasoning or a call.

    Attributes:
        key: (step, output index), or (step, item id) where the server sends no index. Not the id
            alone: GitHub Copilot sends another one in each event
            (openai_responses/vercel-github-copilot-id-rotation).
        index: the output index, or None.
        done: True once the item is complete.
        ended: the parts whose text is complete.
        text_ids: our ids of the texts, by content index.
        cited: the annotations that were written.
        thinking: per kind, the texts of the item's parts by index; "" while a part is streamed.
        early_deltas: deltas of the arguments, or output, from before the call started.
        command: index of the shell command that is streamed.
        file_id: our id of the picture that the item makes.
    """

    def __init__(self, key: Hashable, index: int | None) -> None:
        self.key = key
        self.index = index
        self.type = ""
        self.id: str | None = None
        self.phase: str | None = None
        self.done = False
        self.ended: set[Hashable] = set()
        self.text_ids: dict[Hashable, str] = {}
        self.cited: set[Hashable] = set()
        self.thinking: dict[str, dict[int, str]] = {"summary": {}, "raw": {}}
        self.tool: Block | None = None
        self.early_deltas: list[str] = []
        self.command = 0
        self.file_id: str | None = None

    def describe(self, payload: Mapping[str, Any]) -> None:
        """Set type, id and phase from the upstream item."""
        self.type = str_field(payload, "type", default="")
        self.id = str_field(payload, "id")
        self.phase = str_field(payload, "phase")


def match_snapshot(
    items: Iterable[Item], snapshot: list[Mapping[str, Any]]
) -> Iterator[tuple[int, Mapping[str, Any], Item | None]]:
    """Yield the position and fields of each snapshot entry, and the streamed item that it is; None
    if it was not streamed.

    Items match by id, else by position, else by order within their type: some servers change the
    ids, some leave gaps in the positions, and the Agents SDK gives every item of a Chat model the
    same id (openai_agents/replay-chat-reasoning).
    """
    matches = _Matches(items, snapshot)
    matches.by_id()
    matches.by_position()
    matches.by_order()
    for position, entry in enumerate(snapshot):
        yield position, entry, matches.found.get(position)


class _Matches:
    """Items that entries of a snapshot are, by the entries' positions."""

    def __init__(self, items: Iterable[Item], snapshot: list[Mapping[str, Any]]) -> None:
        self.found: dict[int, Item] = {}
        self._left = {id(item): item for item in items}
        self._snapshot = snapshot

    def by_id(self) -> None:
        uses = Counter(item.id for item in self._left.values())
        known = {item.id: item for item in self._left.values() if item.id and uses[item.id] == 1}
        for position, entry in enumerate(self._snapshot):
            self._add(position, known.get(str(entry.get("id"))))

    def by_position(self) -> None:
        at = {item.index: item for item in self._left.values() if item.index is not None}
        for position, entry in enumerate(self._snapshot):
            item = at.get(position)
            if item is not None and item.type in ("", entry.get("type")):
                self._add(position, item)

    def by_order(self) -> None:
        of_type: dict[Any, deque[Item]] = defaultdict(deque)
        for item in self._left.values():
            of_type[item.type].append(item)
        for position, entry in enumerate(self._snapshot):
            candidates = of_type[entry.get("type")]
            if position not in self.found and candidates:
                self.found[position] = candidates.popleft()

    def _add(self, position: int, item: Item | None) -> None:
        if item is not None and position not in self.found and id(item) in self._left:
            self.found[position] = self._left.pop(id(item))
