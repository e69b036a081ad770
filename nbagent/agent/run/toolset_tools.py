"""`ToolsetTools`: the tools of a run that its toolsets give."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from nbagent import events as e
from nbagent.agent.run.params import RunParams
from nbagent.agent.tools.tool import AnyTool
from nbagent.agent.tools.toolset import Toolset, merged, tools_of
from nbagent.errors import ToolError


class ToolsetTools:
    """Asks the toolsets of a run for their tools, which may change while the run goes on.

    Args:
        emit: emits an event of the run.
    """

    def __init__(self, emit: Callable[[e.Event], Awaitable[None]]) -> None:
        self._emit = emit
        self._listed: dict[Toolset, Sequence[AnyTool]] = {}
        self._closes: dict[Toolset, int] = {}  # before this run

    async def update(self, params: RunParams, own: Mapping[str, AnyTool]) -> None:
        """Put the tools as they are now into the parameters.

        Args:
            params: of the run.
            own: the tools that do not come from toolsets.
        """
        if not params.toolsets:
            return
        sets: list[tuple[str, Sequence[AnyTool]]] = []
        for toolset in params.toolsets:
            closes = getattr(toolset, "closes", 0)
            if closes != self._closes.setdefault(toolset, closes):
                await self._miss(toolset)
                continue
            if not toolset.is_open:
                await self._emit(e.Status(message=f"Starting {toolset.label}"))
            sets.append((toolset.label, await self._tools_of(toolset)))
        params.tools.clear()
        params.tools.update(merged(own, sets, params.client.names))

    async def _tools_of(self, toolset: Toolset) -> Sequence[AnyTool]:
        """Return the tools of a toolset; if it has died during the run, those of before, whose
        calls then say so.
        """
        try:
            self._listed[toolset] = await tools_of(toolset)
        except ToolError as error:
            if toolset not in self._listed:
                raise
            await self._emit(e.Status(message=str(error), level="warning"))
        return self._listed[toolset]

    async def _miss(self, toolset: Toolset) -> None:
        """Say once that a toolset was closed."""
        if self._listed.pop(toolset, None) is not None:
            message = f"{toolset.label} was closed: the rest of this run does without its tools"
            await self._emit(e.Status(message=message, level="warning"))
