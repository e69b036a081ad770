"""`ComparisonText`: a comparison as plain text."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from nbagent.render.markup.text import visible


class ComparisonText(ABC):
    """A comparison that is printed line by line."""

    @abstractmethod
    def _lines(self) -> Iterator[str]:
        """Yield the lines."""

    def __str__(self) -> str:
        return visible("\n".join(self._lines()))

    def _repr_markdown_(self) -> str:
        fence = "`" * 4
        return f"{fence}text\n{str(self).replace(fence, '‵‵‵‵')}\n{fence}\n"
