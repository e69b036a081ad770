"""`Waits`: the calls and agents whose clocks stand while a question waits for its reader."""

from collections.abc import Iterable
from typing import TypeAlias

from nbagent.protocol.blocks import BlockProps
from nbagent.transcript.block import Block
from nbagent.transcript.pace import Span

Changes: TypeAlias = list[tuple[Block, BlockProps]]
"""Blocks, each with the props that change."""


class Waits:
    """The open questions of a run, with the blocks that wait for their answers.

    Args:
        root: the run's own block, whose time is counted too.

    Attributes:
        spans: periods in which the run waited for its reader.
    """

    def __init__(self, root: Block) -> None:
        self.spans: list[Span] = []
        self._root = root
        self._around: dict[str, list[Block]] = {}  # by the question's block

    def of(self, block: Block) -> list[str]:
        """Return the questions that a block waits for."""
        return [question for question, around in self._around.items() if block in around]

    def begin(self, question: str, above: Iterable[Block], now: float) -> Changes:
        """Let the calls and agents wait that a question stands in, and the run.

        Of a question in an attempt only the attempt's own part waits.

        Args:
            question: id of its block.
            above: the blocks that it stands in, the nearest first.
            now: the time.
        """
        around: list[Block] = []
        for block in above:
            if block.kind in ("tool", "agent"):
                around.append(block)
            if "attempt_of" in block.props:
                break
        else:
            around.append(self._root)
        around = [block for block in around if block.props.get("ended") is None]
        self._around[question] = around
        begun = [block for block in around if block.props.get("waits_since") is None]
        return [(block, BlockProps(waits_since=now)) for block in begun]

    def end(self, question: str, now: float) -> Changes:
        """Let those go on that wait for no other question."""
        around = self._around.pop(question, [])
        waiting = {block.id for blocks in self._around.values() for block in blocks}
        changes: Changes = []
        for block in around:
            if block.id in waiting:
                continue
            since = block.props["waits_since"]
            if block is self._root:
                self.spans.append((since, now))
            waited = (block.props.get("waited") or 0.0) + max(0.0, now - since)
            changes.append((block, BlockProps(waited=waited, waits_since=None)))
        return changes
