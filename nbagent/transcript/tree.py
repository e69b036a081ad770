"""`BlockTree`: the blocks of a run, and the ops that change them."""

from collections.abc import Iterator
from typing import Any, Literal

from nbagent import events as e
from nbagent.blocks import KINDS
from nbagent.blocks.rows import RowsProps
from nbagent.events.jsonable import json_safe
from nbagent.protocol.blocks import (
    AgentProps,
    ApprovalProps,
    BlockProps,
    RunProps,
    ToolProps,
    kind_of,
    to_dict,
)
from nbagent.protocol.ops import ROOT, Op
from nbagent.protocol.values import ForkNode, Outcome
from nbagent.run_context import Breakpoints
from nbagent.transcript.block import Block, short_id
from nbagent.transcript.props import default_props, merged

COUNTER_INTERVAL_S = 1.0
"""Seconds between two updates of the counters that every delta moves; each one redraws the
header.
"""

LIVE = frozenset({"running", "stopping"})
"""Statuses of a run that has not ended."""

_WITH_PANEL = {"reasoning", "tool", "agent", *(kind.name for kind in KINDS if kind.has_panel)}
"""Kinds of blocks that a reader opens and closes."""

_HIGH_RATE_COUNTERS = frozenset({"events", "words"})


class BlockTree:
    """The blocks of a run.

    The transcript grows them; here are their readings, and the marks that a reader leaves.

    Args:
        name: title of the run.
        started: when the run began, in seconds since the epoch.
        props: that the run has from its beginning, in place of the usual ones.

    Attributes:
        root: the block of the run itself.
        blocks: by id, parents first.
    """

    def __init__(self, name: str, started: float, props: RunProps | None = None) -> None:
        self._counts = {"events": 0, "words": 0, "tools": 0, "tools_failed": 0}
        usual = RunProps(name=name, status="running", started=started)
        own = to_dict(merged(usual, props or RunProps()))
        self.root = Block(ROOT, None, json_safe({"kind": ROOT, **own, **self._counts}))
        self.blocks: dict[str, Block] = {ROOT: self.root}
        self._unclosed: dict[str, Block] = {}
        self._latest = started

    @property
    def ended(self) -> bool:
        """True if `run.end` has come."""
        return self.root.props["status"] not in LIVE

    def above(self, block: Block) -> Iterator[Block]:
        """Yield the blocks that a block stands in, the nearest first, without the run."""
        while block.parent is not None and block.parent != ROOT:
            block = self.blocks[block.parent]
            yield block

    def is_inside(self, block: Block, scope: str) -> bool:
        """Return True if the block is in the tree below the block of that id, at any depth."""
        parent = block.parent
        while parent is not None and parent != scope:
            parent = self.blocks[parent].parent
        return parent == scope

    def is_of_attempt(self, block: Block) -> bool:
        """Return True if the block is an attempt of a tool call, or in one."""
        while "attempt_of" not in block.props:
            if block.parent is None:
                return False
            block = self.blocks[block.parent]
        return True

    def open_calls(self, tool: str) -> list[str]:
        """Return the ids of the calls of a tool that have no result yet, the oldest first."""
        return [
            id
            for id, block in self._unclosed.items()
            if block.kind == "tool" and block.props["name"] == tool
        ]

    def _call(self, id: str) -> Block | None:
        """Return the tool call that a block shows; None if it shows none, or there is none."""
        block = self.blocks.get(id)
        if block is None or block.kind != "tool":
            return None
        return block

    def block_id(self, id: str, kind: str) -> str:
        """Return the block id for a producer's id.

        The id is shortened and made encodable, and prefixed with the kind if a block of another
        kind already has it.
        """
        id = short_id(id)
        block = self.blocks.get(id)
        if block is not None and block.kind != kind:
            return f"{kind}:{id}"
        return id

    def snapshot(self) -> list[dict[str, Any]]:
        """Return every block as plain JSON, parents first: `id`, `parent`, `closed`, `kind` and the
        props of that kind.
        """
        self.root.set(self._counts)
        return [block.snapshot() for block in self.blocks.values()]

    def opening(self) -> list[Op]:
        """Return the ops that build the tree as it is now, for a view that comes late (or first).

        A block that encloses others is closed after them, as it was when they came.
        """
        ops: list[Op] = []
        self.root.set(self._counts)
        ends: list[Op] = []  # of blocks that enclose others, the outer ones at first
        parents = {block.parent for block in self.blocks.values()}
        for block in self.blocks.values():
            props = block.snapshot()
            del props["id"], props["parent"], props["closed"]
            ops.append(("open", block.id, block.parent, props))
            if not block.closed:
                continue
            end: Op = ("close", block.id)
            if block.id in parents:
                ends.append(end)
            else:
                ops.append(end)
        return [*ops, *reversed(ends)]

    def counters(self, shown: dict[str, Any]) -> list[Op]:
        """Return the op that brings the header's counters up to date.

        Called once per flush, because an op for each event would cost more than the event. Counters
        that every delta moves are updated once a second, by the events' clock, and at the end; the
        tools' counters at once.

        Args:
            shown: the counters that a view has so far, and when it got them; updated in place. Each
                view has its own.
        """
        moved = {name: count for name, count in self._counts.items() if shown.get(name) != count}
        if not moved:
            return []
        age = self._latest - shown.get("at", -COUNTER_INTERVAL_S)
        may_wait = moved.keys() <= _HIGH_RATE_COUNTERS and not self.ended
        if may_wait and 0 <= age < COUNTER_INTERVAL_S:
            return []
        shown.update(moved, at=self._latest)
        return [("set", ROOT, moved)]

    def stopping(self, by: str) -> list[Op]:
        """Return the ops that show that someone (`by`: "you") pressed Stop while the stream has not
        ended yet.
        """
        if self.ended:
            return []
        return self._set(self.root, RunProps(status="stopping", stopped_by=by))

    def toggle(self, id: str | None, is_open: bool) -> list[Op]:
        """Return the ops that open or close a panel, or all of them.

        The choice stays with the block, in every view and after a reload.

        Args:
            id: of the panel's block; None for all blocks that have a panel.
            is_open: whether it is open from now on.
        """
        if id is None:
            found = [block for block in self.blocks.values() if block.kind in _WITH_PANEL]
        elif id in self.blocks:
            found = [self.blocks[id]]
        else:
            return []
        ops: list[Op] = []
        for block in found:
            ops += self._set(block, BlockProps(user_open=is_open))
        return ops

    def refuse_answer(self, approval_id: str, problem: str) -> list[Op]:
        """Return the ops that show why an answer to a question was not taken."""
        block = self.blocks.get(approval_block_id(approval_id))
        if block is None:
            return []
        return self._set(block, ApprovalProps(problem=problem))

    def refuse_rerun(self, id: str, problem: str) -> list[Op]:
        """Return the ops that show why a tool call was not made again."""
        call = self._call(id)
        if call is None:
            return []
        return self._set(call, ToolProps(problem=problem))

    def copied(self, events: int) -> list[Op]:
        """Return the ops by which the views learn that a static copy with this many events was
        sent.
        """
        return self._set(self.root, RunProps(copied=events))

    def breakpoints(self, breakpoints: Breakpoints) -> list[Op]:
        """Return the ops that show where the run stops."""
        props = RunProps(
            can_stop=breakpoints.are_used, stop_at=sorted(breakpoints.tools), step=breakpoints.step
        )
        return self._set(self.root, props)

    def forked(self, nodes: list[ForkNode]) -> list[Op]:
        """Return the ops that show the tree of forks that the run belongs to."""
        return self._set(self.root, RunProps(forks=nodes))

    def table(self, id: str, props: RowsProps) -> list[Op]:
        """Return the ops that show the state of a map's table."""
        block = self.blocks.get(id)
        if block is None:
            return []
        return self._set(block, props)

    def acted(self, outcome: Outcome) -> list[Op]:
        """Return the ops that show what became of a reader's act."""
        return self._set(self.root, RunProps(outcome=outcome))

    # Everything that reaches a view passes `_open` or `_set`, or the transcript's `_grow`; so JSON
    # is made safe there, and nowhere else.

    def _open(self, id: str, props: BlockProps, parent: str | None) -> tuple[Block, list[Op]]:
        kind = kind_of(props)
        id = self.block_id(id, kind)
        if id in self.blocks:  # a producer that repeats itself gets its block, not a second one
            return self.blocks[id], self._set(self.blocks[id], props)
        around = ROOT
        if parent is not None and short_id(parent) in self.blocks:
            around = short_id(parent)
        block = Block(id, around, {"kind": kind, **to_json(props)})
        self.blocks[id] = self._unclosed[id] = block
        ops: list[Op] = [("open", id, block.parent, dict(block.props))]
        if kind == "tool" and not self.is_of_attempt(block):
            self._counts["tools"] += 1
            ops += self._count_in_agents(block, "tools")
        return block, ops

    def _count_in_agents(self, call: Block, counter: Literal["tools", "tools_failed"]) -> list[Op]:
        """Count a call for each agent that it stands in."""
        ops: list[Op] = []
        for block in self.above(call):
            if block.kind == "agent":
                count = block.props.get(counter, 0) + 1
                ops += self._set(block, AgentProps(**{counter: count}))
        return ops

    def _set(self, block: Block, props: BlockProps) -> list[Op]:
        changed = to_json(props)
        if not changed:
            return []
        block.set(changed)
        return [("set", block.id, changed)]

    def _close(self, block: Block) -> list[Op]:
        if block.closed:
            return []
        block.closed = True
        self._unclosed.pop(block.id, None)
        return [("close", block.id)]

    def _block(self, id: str, kind: str, event: e.Event) -> tuple[Block, list[Op]]:
        """Return the block of that id; opened here if its start never came, so that nothing
        received is lost.
        """
        block = self.blocks.get(id)
        if block is None or block.kind != kind:
            block = self.blocks.get(self.block_id(id, kind))
        if block is not None:
            return block, []
        return self._open(id, default_props(kind, event.ts), event.parent_id)


def to_json(props: BlockProps) -> dict[str, Any]:
    """Return the fields that are set as JSON, with objects that are none written as text."""
    return {name: json_safe(value) for name, value in to_dict(props).items()}


def approval_block_id(approval_id: str) -> str:
    """Return the id of the block of a question."""
    return short_id(f"approval:{approval_id}")
