"""`OpenResults`: the finished calls whose panels stay open."""

from collections.abc import Iterable

from nbagent.protocol.blocks import ToolProps
from nbagent.transcript.block import Block
from nbagent.transcript.shape import Shape
from nbagent.transcript.waits import Changes


class OpenResults:
    """Marks the calls that show their result: pictures, the last table among siblings, and the
    calls around a picture.
    """

    def __init__(self) -> None:
        self._tables: dict[str | None, Block] = {}  # the last call with a table, by parent
        self._around_pictures: set[str] = set()

    def is_around_picture(self, call: Block) -> bool:
        """Return True if another call in this one, of a sub-agent, has a picture."""
        return call.id in self._around_pictures

    def add(self, call: Block, shape: Shape | None, above: Iterable[Block]) -> Changes:
        """Return the changes of other calls, when one has a result of this shape.

        They fold the table before it, where it shows a newer one, and keep the calls open in which
        it has a picture.
        """
        if shape == "picture":
            return self._open_around(above)
        if shape != "table":
            return []
        before = self._tables.get(call.parent, call)
        self._tables[call.parent] = call
        if before is call or self.is_around_picture(before):
            return []
        return [(before, ToolProps(open=False))]

    def _open_around(self, above: Iterable[Block]) -> Changes:
        calls = [
            block for block in above if block.kind == "tool" and not self.is_around_picture(block)
        ]
        self._around_pictures.update(call.id for call in calls)
        return [(call, ToolProps(open=True)) for call in calls]
