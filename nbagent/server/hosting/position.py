"""`Position`: a place in the stream of a served run, the `id` of its server-sent events."""

import re
from typing import NamedTuple

_ID = re.compile(r"(?P<run>run-[\w-]{8,64}):(?P<seq>\d{1,12})-(?P<piece>\d{1,6})")


class Position(NamedTuple):
    """A place behind a piece of a stream. It means the same in the streams of all systems.

    Attributes:
        seq: number of the event that the piece was made of; 0 before the first.
        piece: number of the piece among those of its event, from 1.
    """

    seq: int
    piece: int

    def id_in(self, run_id: str) -> str:
        """Return the id of a server-sent event at this place in a run: `run-…:12-1`."""
        return f"{run_id}:{self.seq}-{self.piece}"


START = Position(0, 0)
"""The beginning of a stream."""


def parse_id(text: str) -> tuple[str, Position] | None:
    """Return the run and the place of a `Last-Event-ID`; None if it is no id of ours."""
    match = _ID.fullmatch(text.strip())
    if match is None:
        return None
    return match["run"], Position(int(match["seq"]), int(match["piece"]))
