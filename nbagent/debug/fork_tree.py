"""`ForkTree`: a run and the runs that go on from it, as the tree that each of them shows above its
transcript.
"""

import threading
from dataclasses import dataclass
from typing import Any

from nbagent.protocol.values import ForkNode
from nbagent.run import Run

MAX_SHOWN = 60
"""Members of a tree that are shown at most: the newest, and the root."""


@dataclass(frozen=True, slots=True)
class Member:
    """A run of the tree.

    Attributes:
        run: None for a recording.
        parent: number of the run that it goes on from; None for the first.
        label: where and with what, such as "at fetch_rates, other result".
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

    def show(self) -> None:
        """Show the tree, as it is now, in all members."""
        with self._lock:
            members = list(enumerate(self._members, 1))
        if len(members) == 1:
            return
        for number, member in members:
            if member.run is not None:
                shown = [
                    _node(at, each, is_own=at == number)
                    for at, each in members
                    if at in (1, number, member.parent) or at > len(members) - MAX_SHOWN
                ]
                member.run.show_forks(shown)


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
