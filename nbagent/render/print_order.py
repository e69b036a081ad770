"""The ops of a run in an order in which they can be printed: one agent after the other."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, TypeAlias

AnyOp: TypeAlias = Sequence[Any]


class PrintOrder:
    """Sorts the ops of agents that write at the same time.

    A unit is an agent of the run (a lane, say), or what happens inside one of its tool calls. The
    ops of the unit that began first pass as they come. Those of another are held back until it has
    ended; then the units that have ended meanwhile pass whole, and of the rest the first. Ops
    outside of units pass at once.
    """

    def __init__(self) -> None:
        self._of: dict[str, str | None] = {"run": None}  # the unit of each block
        # units whose own ops belong to them; a tool's row is its caller's
        self._agents: set[str] = set()
        self._held: dict[str, list[AnyOp]] = {}
        self._ended: set[str] = set()
        self._current: str | None = None

    def feed(self, op: AnyOp) -> Iterable[AnyOp]:
        """Take the next op, and return those that are due."""
        kind, id_ = op[0], str(op[1])
        if kind == "open":
            self._open(op, id_)
        unit = self._of.get(id_)
        if unit is not None:
            return self._in_unit(op, unit)
        if kind == "close" and id_ == "run":
            return [*self.close(), op]
        return [op]

    def _in_unit(self, op: AnyOp, unit: str) -> Iterable[AnyOp]:
        """Take an op of a unit."""
        is_inside = str(op[1]) != unit or unit in self._agents
        ends = op[0] == "close" and str(op[1]) == unit
        if ends:
            self._ended.add(unit)
        must_wait = is_inside and self._current not in (None, unit)
        if must_wait or unit in self._held:
            self._held.setdefault(unit, []).append(op)
            return []
        if is_inside and unit not in self._ended:
            self._current = unit
        if unit not in self._ended or unit != self._current:
            return [op]
        self._current = None
        return [op, *self._next()]

    def close(self) -> Iterable[AnyOp]:
        """Return all ops that are held back."""
        held, self._held, self._current = self._held, {}, None
        return list(chain.from_iterable(held.values()))

    def _open(self, op: AnyOp, id_: str) -> None:
        parent = str(op[2] or "run")
        kind = op[3].get("kind")
        if parent == "run" and kind in ("agent", "tool"):
            self._of[id_] = id_
            if kind == "agent":
                self._agents.add(id_)
        else:
            self._of[id_] = self._of.get(parent)

    def _next(self) -> Iterable[AnyOp]:
        """Return the ops of the units that have ended meanwhile, and of the first other one."""
        due = [unit for unit in self._held if unit in self._ended]
        self._current = next((unit for unit in self._held if unit not in self._ended), None)
        if self._current is not None:
            due.append(self._current)
        return list(chain.from_iterable(self._held.pop(unit) for unit in due))
