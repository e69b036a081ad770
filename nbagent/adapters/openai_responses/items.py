"""The output items of one response, and how a final snapshot is matched with what was streamed."""

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any

from nbagent.adapters.base.builder import Block
from nbagent.adapters.base.fields import str_field


class Item:
    """One output item of a response: a message, a thought, a call.

    Attributes:
        key: (step, output index), or (step, item id) where a server sends no index; some servers change the id in every event.
        ended: the parts whose text is final.
        thinking: per kind, the index of the part that is being written and the final texts so far.
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
        self.waiting: list[str] = []
        self.command = 0
        self.file_id: str | None = None

    def describe(self, payload: Mapping[str, Any]) -> None:
        """What the item itself says that it is."""
        self.type = str_field(payload, "type") or ""
        self.id = str_field(payload, "id")
        self.phase = str_field(payload, "phase")


def match_snapshot(
    items: Iterable[Item], snapshot: list[Mapping[str, Any]]
) -> Iterator[tuple[int, Mapping[str, Any], Item | None]]:
    """Every item of a snapshot with its position, and the streamed item that it is; None if it was never streamed.

    By id, else by position, else by order among its type: some servers change the ids, some leave gaps between the positions.
    """
    left = {id(item): item for item in items}
    by_id = {item.id: item for item in left.values() if item.id}
    by_index = {item.index: item for item in left.values() if item.index is not None}
    found: dict[int, Item] = {}
    for position, payload in enumerate(snapshot):
        item = by_id.get(str(payload.get("id")))
        if item is not None and id(item) in left:
            found[position] = left.pop(id(item))
    for position, payload in enumerate(snapshot):
        item = by_index.get(position)
        if position not in found and item is not None and id(item) in left and item.type in ("", payload.get("type")):
            found[position] = left.pop(id(item))
    by_type: dict[Any, deque[Item]] = defaultdict(deque)
    for item in left.values():
        by_type[item.type].append(item)
    for position, payload in enumerate(snapshot):
        candidates = by_type[payload.get("type")]
        if position not in found and candidates:
            found[position] = candidates.popleft()
        yield position, payload, found.get(position)
