"""`ONCE_LEDGER`: the calls of tools that must not be called twice, kept outside of the run."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Protocol

from nbagent import events as e
from nbagent.agent.model.recorded_run import Record


class OnceLedger(Protocol):
    """Keeps calls of tools with `once=True`, so that they outlive the run and its process. It is
    used on nbagent's own loop.
    """

    async def record(self) -> Record:
        """Return the calls that earlier executions of the run have begun."""
        ...

    async def begin(self, tool: str, arguments: Mapping[str, Any]) -> int:
        """Note that a call begins, and return its number. The call is made when this has returned.

        Raises:
            NbagentError: it cannot be noted, so the call must not be made.
        """
        ...

    async def end(self, number: int, result: e.ToolResult) -> None:
        """Note the result of a call."""
        ...


ONCE_LEDGER: ContextVar[OnceLedger | None] = ContextVar("nbagent_once_ledger", default=None)
"""Ledger of the run that is started in this context; None for a run that is executed once."""
