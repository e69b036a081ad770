"""`handoff`: another agent takes over."""

import msgspec
from msgspec import UNSET, UnsetType

from nbagent.blocks.kind import WholeKind
from nbagent.protocol.blocks import BlockProps
from nbagent.protocol.parts import Envelope


class AgentHandoff(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="agent.handoff"):
    """Another agent takes over."""

    to: str
    from_: str | None = msgspec.field(default=None, name="from")
    tool_id: str | None = None


class HandoffProps(BlockProps, tag="handoff"):
    """Another agent takes over.

    Attributes:
        from: name of the agent that hands over.
        to: name of the agent that takes over.
    """

    from_: str | UnsetType | None = msgspec.field(default=UNSET, name="from")
    to: str | UnsetType = UNSET


HANDOFF = WholeKind(
    event=AgentHandoff,
    props=HandoffProps,
    shown_from="answer",
    loss="hand-offs",
    tells_of_calls=True,
    is_answer=False,
)
