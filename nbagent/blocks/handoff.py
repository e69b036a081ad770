"""`handoff`: another agent takes over."""

import msgspec
from msgspec import UNSET, UnsetType

from nbagent.blocks.fields import Props, text_of
from nbagent.blocks.kind import WholeKind
from nbagent.protocol.blocks import BlockProps
from nbagent.protocol.nodes import Line, Node, Words
from nbagent.protocol.parts import Envelope
from nbagent.protocol.shared import LABELS


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


def _draw(handoff: Props) -> list[Node]:
    from_, to = text_of(handoff, "from"), text_of(handoff, "to") or LABELS["handoff"]["unnamed"]
    names = [from_, to] if from_ else [to]
    label = "→ " + LABELS["handoff"]["from_to" if from_ else "to"]
    first, *rest = label.split("{}")
    words = [Words(first)]
    for name, after in zip(names, rest, strict=True):
        words += [Words(name, strong=True), Words(after)]
    return [Line(words)]


HANDOFF = WholeKind(
    event=AgentHandoff,
    props=HandoffProps,
    draws=_draw,
    shown_from="answer",
    has_component=True,
    loss="hand-offs",
    tells_of_calls=True,
    is_answer=False,
)
