"""Simulated view: reads the channel's messages as a page does, in as few lines as the contract
allows.
"""

from typing import Any


def play(
    ops: list[Any], blocks: dict[str, dict[str, Any]] | None = None
) -> dict[str, dict[str, Any]]:
    """Return the tree that ops build, by block id, in the order the blocks were opened."""
    blocks = {} if blocks is None else blocks
    for op in ops:
        if op[0] == "open":
            blocks[op[1]] = {"id": op[1], "parent": op[2], "closed": False, **op[3]}
        elif op[0] == "append":
            blocks[op[1]][op[2]] = blocks[op[1]].get(op[2], "") + op[3]
        elif op[0] == "set":
            blocks[op[1]].update(op[2])
        else:
            blocks[op[1]]["closed"] = True
    return blocks


class SimulatedView:
    """View in a page. Its only input is the messages that it receives."""

    def __init__(self) -> None:
        self.blocks: dict[str, dict[str, Any]] = {}
        self.have = 0
        self.behind = True
        self._staged: list[Any] | None = None
        self._piece = 0

    def receive(self, message: dict[str, Any]) -> int | None:
        """Take a message. Return the number of a batch to acknowledge, or None."""
        kind, seq = message["t"], message.get("seq", 0)
        if kind == "snapshot":
            return self._stage(message)
        if kind == "beat":
            self.behind = self.behind or seq > self.have
        elif kind == "ops" and seq > self.have:
            if self.behind or seq > self.have + 1:
                self.behind, self._staged = True, None
            else:
                play(message["ops"], self.blocks)
                self.have = seq
                return self.have
        return None

    def _stage(self, piece: dict[str, Any]) -> int | None:
        if piece["first"]:
            self._staged = []
        elif self._staged is None or piece["seq"] != self._piece + 1:
            self.behind, self._staged = True, None
            return None
        self._piece = piece["seq"]
        self._staged += piece["ops"]
        if not piece["last"]:
            return None
        self.blocks, self._staged = play(self._staged), None
        self.have, self.behind = self._piece, False
        return self.have
