"""`ReplayedHistory`: the part of a run that another one repeats, before it goes on live."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbagent import events as e
from nbagent.agent.model.input_items import Item
from nbagent.agent.model.response import Call
from nbagent.agent.run.history import Conversation, Emit, NoHistory


@dataclass(frozen=True, kw_only=True)
class ReplayedHistory(NoHistory):
    """The history of a run that repeats a part of another one. What the run adds is kept by nobody.

    Attributes:
        before: the history before the prompt.
        items: the history since the prompt, as the model has it.
        events: the same as the reader sees it, without the prompt.
        steps: number of the responses in it.
        calls: of the last response, which are still to be made.
        begun: of these, by id, those that had begun: nobody is asked about them. Each with the
            arguments that a reader changed, None for those that the model wrote.
        handoffs: names of the tools by which agents have handed over.
        prefix: of the ids that the run makes from then on.
    """

    before: Sequence[Item] = ()
    items: Sequence[Item] = ()
    events: Sequence[e.Event] = ()
    steps: int = 0
    calls: Sequence[Call] = ()
    begun: Mapping[str, dict[str, Any] | None] = field(default_factory=dict)
    handoffs: Sequence[str] = ()
    prefix: str = "fork-1"

    async def begin(self, conversation: Conversation, emit: Emit) -> None:
        """Put the history around the prompt."""
        conversation.put_before(self.before)
        conversation.items += self.items
