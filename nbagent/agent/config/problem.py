"""`Problem`: a mistake in a configuration file."""

from typing import NamedTuple


class Problem(NamedTuple):
    """A mistake in a document.

    Attributes:
        line: its line, from 1.
        text: the sentence that says it.
    """

    line: int
    text: str
