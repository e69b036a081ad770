"""The tree of a run's blocks, from the flat list of a snapshot."""

from collections.abc import Iterable

from nbagent.blocks.fields import Props, text_of

ROOT = ""
"""The parent of the blocks that are in no other block."""

_MAX_DEPTH = 20


def without_replaced(blocks: Iterable[Props]) -> list[Props]:
    """Return the blocks that belong to no earlier version of a chat: a document reads as the
    conversation that it became.
    """
    gone: set[str] = set()
    kept: list[Props] = []
    for block in blocks:
        if block.get("replaced") is True or text_of(block, "parent") in gone:
            gone.add(text_of(block, "id"))
        else:
            kept.append(block)
    return kept


class Tree:
    """The blocks of one run as a tree, without earlier versions of a chat.

    Attributes:
        run: the run's own block; empty if the snapshot has none.
        blocks: all others, by their ids.
        children: the blocks in each block, in order. A block that lies too deep, or under one that
            is not known, moves up.
        approvals: the questions about a tool's call, in order, by the tool's id. They are drawn
            with the tool.
        lanes: the agents that are in no other block, in order.
    """

    def __init__(self, blocks: Iterable[Props]) -> None:
        listed = without_replaced(blocks)
        self.run: Props = next((block for block in listed if block.get("kind") == "run"), {})
        self.blocks = {text_of(block, "id"): block for block in listed if block is not self.run}
        self.children: dict[str, list[Props]] = {}
        self.approvals: dict[str, list[Props]] = {}
        depths = {ROOT: 0}
        parents = {ROOT: ROOT}  # where the children of each block go
        for id_, block in self.blocks.items():
            if self._is_about_call(block):
                self.approvals.setdefault(text_of(block, "tool_id"), []).append(block)
                continue
            # No block is in `parents` before its own turn, so one that names itself moves up.
            parent = parents.get(text_of(block, "parent"), ROOT)
            self.children.setdefault(parent, []).append(block)
            if depths[parent] < _MAX_DEPTH:
                depths[id_], parents[id_] = depths[parent] + 1, id_
            else:
                depths[id_], parents[id_] = depths[parent], parent
        self.lanes = [
            block for block in self.children.get(ROOT, []) if block.get("kind") == "agent"
        ]

    def _is_about_call(self, block: Props) -> bool:
        """Return True for a question about a call that is among the blocks."""
        about = self.blocks.get(text_of(block, "tool_id"), {})
        return block.get("kind") == "approval" and about.get("kind") == "tool"

    @property
    def longest_list(self) -> int:
        """The number of blocks in the longest list."""
        return max(map(len, self.children.values()), default=0)

    def asked_of(self, tool: Props) -> tuple[list[Props], list[Props]]:
        """Return the questions about a call: those before its outcome, and those about its
        result.
        """
        asked = self.approvals.get(text_of(tool, "id"), [])
        about_result = [each for each in asked if _is_about_result(each)]
        return [each for each in asked if not _is_about_result(each)], about_result

    def is_stopped(self, tool: Props) -> bool:
        """Return True if the newest question about a call is one at a breakpoint."""
        asked = self.approvals.get(text_of(tool, "id"), [])
        return bool(asked) and asked[-1].get("approval_kind") == "stop"

    def is_stopped_at_result(self, tool: Props) -> bool:
        """Return True if a call waits for its reader at a breakpoint after it, with its whole
        result.
        """
        asked = self.approvals.get(text_of(tool, "id"), [])
        if tool.get("state") != "approval-requested" or not asked:
            return False
        return _is_about_result(asked[-1])


def _is_about_result(approval: Props) -> bool:
    return text_of(approval, "stage") == "result"
