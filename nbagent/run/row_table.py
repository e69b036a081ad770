"""`RowTable`: the protocol by which a run shows a map."""

from typing import Protocol

from nbagent.protocol.messages import SteerRows

ROWS_PART = "rows/"
"""Prefix of the name by which a view asks for rows."""


class RowTable(Protocol):
    """The table of a map, behind the run that shows it. Its methods may be called on any thread."""

    def page(self, question: str, max_bytes: int) -> tuple[str, int]:
        """Return the answer to a question about the rows as JSON, and its characters.

        Args:
            question: a `RowsQuestion` as JSON.
            max_bytes: bytes of JSON that the answer may take.

        Raises:
            LookupError: the question is not valid.
        """

    def take(self, command: SteerRows) -> None:
        """Do what the reader asked of the map. It does not wait."""
