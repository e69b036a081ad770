"""The tree of a run's blocks, from the flat list of a snapshot."""

from collections.abc import Iterable

from nbagent.render.props import Props, text_of

ROOT = ""
"""The parent of the blocks that are in no other block."""

_MAX_DEPTH = 20


def without_replaced(blocks: Iterable[Props]) -> list[Props]:
    """Return the blocks that belong to no earlier version of a chat: a document reads as the conversation that it became."""
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
        children: the blocks in each block, in order. A block that lies too deep, or under one that is not known, moves up.
        approvals: the question about a tool's call, by the tool's id. It is drawn with the tool, not as a block of its own.
        tools: the tools' blocks, in order, without attempts.
    """

    def __init__(self, blocks: Iterable[Props]) -> None:
        listed = without_replaced(blocks)
        self.run: Props = next((block for block in listed if block.get("kind") == "run"), {})
        self.blocks = {text_of(block, "id"): block for block in listed if block is not self.run}
        self.children: dict[str, list[Props]] = {}
        self.approvals: dict[str, Props] = {}
        self.tools = [block for block in self.blocks.values() if block.get("kind") == "tool" and "attempt_of" not in block]
        depths, parents = {ROOT: 0}, {ROOT: ROOT}  # and where the children of each block go
        for id_, block in self.blocks.items():
            tool = text_of(block, "tool_id")
            if block.get("kind") == "approval" and self.blocks.get(tool, {}).get("kind") == "tool":
                self.approvals[tool] = block
                continue
            parent = text_of(block, "parent")
            parent = parents.get(parent, ROOT) if parent != id_ else ROOT
            self.children.setdefault(parent, []).append(block)
            deep = depths[parent] + 1 > _MAX_DEPTH
            depths[id_] = depths[parent] + (not deep)
            parents[id_] = parent if deep else id_

    @property
    def longest_list(self) -> int:
        """The number of blocks in the longest list."""
        return max(map(len, self.children.values()), default=0)
