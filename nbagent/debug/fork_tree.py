"""`ForkTree`: a run and the runs that go on from it, as the tree that each of them shows above its
transcript.
"""

import math
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nbagent.protocol.shared import LABELS, fill
from nbagent.protocol.values import ForkNode
from nbagent.run import Run
from nbagent.runtime import work

MIN_INTERVAL_S = 0.5
"""Seconds between two drawings of a tree at least: each of its members draws all of it."""
MAX_SHOWN = 60
"""Members of a tree that are shown at most: the newest, and the root."""
MAX_COMPARED = 8
"""Runs that are compared at most: the run itself, the root, and the newest."""


@dataclass(frozen=True, slots=True)
class Member:
    """A run of the tree.

    Attributes:
        run: None for a recording.
        parent: number of the run that it goes on from; None for the first.
        label: where and with what, such as `rates(year=2023) → 99`.
        name: of the run or recording.
    """

    run: Run | None
    parent: int | None
    label: str
    name: str


class ForkTree:
    """A run and its forks. Its members are kept as long as one of them is.

    Args:
        first: the run that does not go on from another one; None for a recording.
        name: of that.
    """

    def __init__(self, first: Run | None, name: str) -> None:
        self._lock = threading.Lock()
        self._members: list[Member] = []
        self._shown_at = -math.inf
        self._will_show = False
        self._add(Member(first, None, "", name))

    def add(self, parent: Run | None, run: Run, label: str) -> None:
        """Add a fork, and show it in all members.

        Args:
            parent: the run that it goes on from; None for the recording.
            run: the fork.
            label: where and with what.
        """
        number = next(at for at, member in enumerate(self._members, 1) if member.run is parent)
        self._add(Member(run, number, label, run.name))
        self._show_in({number, len(self._members)})
        self.show()

    def _add(self, member: Member) -> None:
        with self._lock:
            self._members.append(member)
        if member.run is not None:
            member.run.fork_tree = self
            member.run.on_end(self.show)

    def parent_of(self, run: Any) -> Run | None:
        """Return the run that one goes on from; None for the first, and for a fork of a
        recording.
        """
        parent = next(member.parent for member in self._members if member.run is run)
        return None if parent is None else self._members[parent - 1].run

    def forks_of(self, run: Any) -> list[Run]:
        """Return the runs that go on from one, the oldest first."""
        number = next(at for at, member in enumerate(self._members, 1) if member.run is run)
        return [
            member.run
            for member in self._members
            if member.parent == number and member.run is not None
        ]

    def place_of(self, run: Any) -> str:
        """Return the place of a run in the tree: `run 2, rates(year=2023)`."""
        number = next(at for at, member in enumerate(self._members, 1) if member.run is run)
        label = self._members[number - 1].label
        return fill(LABELS["forks"]["fork"], str(number), label).removesuffix(", ")

    def compared_with(self, run: Run) -> list[Run]:
        """Return a run and those that it is compared with, in their order."""
        runs = [member.run for member in self._members if member.run is not None]
        others = [each for each in runs if each is not run]
        chosen = {id(each) for each in [run, *others[:1], *others[1:][2 - MAX_COMPARED :]]}
        return [each for each in runs if id(each) in chosen]

    def show(self) -> None:
        """Show the tree in all members: now, or `MIN_INTERVAL_S` after the last time."""
        with self._lock:
            if self._will_show:
                return
            wait = self._shown_at + MIN_INTERVAL_S - time.monotonic()
            self._will_show = wait > 0
        if wait > 0:
            work.later(wait, self._show_now)
        else:
            self._show_now()

    def _show_now(self) -> None:
        with self._lock:
            self._will_show = False
            self._shown_at = time.monotonic()
            numbers = range(1, len(self._members) + 1)
        self._show_in(numbers)

    def _show_in(self, numbers: Iterable[int]) -> None:
        """Show the tree, as it is now, in the members of these numbers."""
        with self._lock:
            members = list(enumerate(self._members, 1))
        if len(members) == 1:
            return
        for number in numbers:
            own = members[number - 1][1]
            if own.run is None:
                continue
            always = {1, number, own.parent}
            shown = [
                _node(at, each, is_own=at == number)
                for at, each in members
                if at in always or at > len(members) - MAX_SHOWN
            ]
            own.run.show_forks(shown)


def _node(number: int, member: Member, *, is_own: bool) -> ForkNode:
    return ForkNode(
        number=number,
        parent=member.parent,
        run=None if member.run is None else member.run.id,
        name=member.name,
        label=member.label,
        status="recorded" if member.run is None else member.run.status,
        own=is_own,
    )
