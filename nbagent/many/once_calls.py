"""`OnceCalls`: a row's calls of tools that must not be called twice, kept in the map's store."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from nbagent import events as e
from nbagent.agent.model.recorded_run import Record, RecordedCall
from nbagent.errors import ToolError
from nbagent.many.store import KeptCall, RowStore
from nbagent.runtime import work

UNKNOWN = (
    "This call was begun in an earlier execution, which ended before there was a result. It must "
    "not be made twice (once=True), so it was not made again. Whether it took effect is unknown."
)
"""Result of a call in which its process died."""


class OnceCalls:
    """The once-only calls of one execution of a row. It is an `OnceLedger`.

    Args:
        store: of the map.
        key: of the row.
    """

    def __init__(self, store: RowStore, key: str) -> None:
        self._store = store
        self._key = key
        self._record: Record | None = None
        self._known = 0

    async def record(self) -> Record:
        """Return the calls that earlier executions of the row have begun."""
        if self._record is None:
            kept = await work.off_loop(partial(self._store.calls, self._key), name="nbagent-rows")
            if self._record is None:
                self._record = Record(map(_recorded, kept))
                self._known = len(kept)
        return self._record

    async def begin(self, tool: str, arguments: Mapping[str, Any]) -> int:
        """Note that a call begins, and return its number.

        Raises:
            ToolError: another process runs the same row.
            StoreFault: the store cannot be written.
        """
        known = self._known
        self._known += 1
        add = partial(self._store.begin_call, self._key, tool, arguments, known)
        number = await work.off_loop(add, name="nbagent-rows")
        if number is None:
            raise ToolError(
                f"{tool} must not be called twice (once=True), and another process runs this row"
            )
        return number

    async def end(self, number: int, result: e.ToolResult) -> None:
        """Note the result of a call.

        Raises:
            StoreFault: the store cannot be written.
        """
        put = partial(self._store.end_call, number, e.to_json(result))
        await work.off_loop(put, name="nbagent-rows")


def _recorded(kept: KeptCall) -> RecordedCall:
    id = f"once-{kept.number}"
    result: e.Event
    if kept.result is None:
        error = e.ErrorInfo(type="ToolError", message=UNKNOWN)
        result = e.ToolResult(id=id, status="error", error=error)
    else:
        result = e.from_json(kept.result)
        assert isinstance(result, e.ToolResult)
    return RecordedCall(
        start=e.ToolStart(id=id, name=kept.tool),
        ran=e.ToolArgs(id=id, args=kept.arguments, args_text=""),
        result=result,
    )
