"""Base of the decoders of LangChain's agents and graphs: their messages, and their sub-agents."""

from typing import ClassVar

from nbagent import events as ev
from nbagent.adapters.base.decoder import BaseDecoder
from nbagent.adapters.base.subagents import Subagents
from nbagent.adapters.langchain.messages import Messages


class GraphDecoder(BaseDecoder):
    """Decoder of a run with messages and sub-agents.

    A subclass overrides `end_graph`.
    """

    texts_have_ids: ClassVar[bool] = True
    runs_tools: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._messages = Messages(self)
        self._agents = Subagents(self.builder)

    def end_graph(self) -> None:
        """Set `stop_info` at the end of the stream. Called once."""
        self._messages.infer_end()

    def go_on(self) -> None:
        """Go on with a run that was paused."""
        super().go_on()
        self._messages.go_on()

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """End the run, and the open sub-agents with it."""
        if not self.builder.ended:
            self.end_graph()
            self._agents.end_all("failed" if error else self.stop_info.status)
        return super().close(error)

    def enter(self, path: tuple[str, ...], agent: str | None = None) -> None:
        """Attribute the following events to a subgraph, or to the graph itself if the path is
        empty.

        Args:
            path: the names of the graphs, the outermost first, each with an id after a colon.
            agent: name of the agent; by default that of the subgraph.
        """
        parent = None
        for depth, part in enumerate(path, 1):
            name = agent or part.split(":")[0]
            parent = self._agents.start(path[:depth], name, parent=path[: depth - 1])
        self.builder.envelope["parent_id"] = parent
