"""`WholeKind`: all that the stages know of a kind of block that is complete at once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

from nbagent.blocks.fields import Props
from nbagent.protocol.blocks import BlockProps, kind_of
from nbagent.protocol.nodes import Node
from nbagent.protocol.parts import Envelope

Reveal: TypeAlias = Literal["answer", "tools", "thinking", "all"]
"""Level of what may be seen of a run; see `nbagent.gate.levels`."""


@dataclass(frozen=True, kw_only=True)
class WholeKind:
    """A kind of block that one event makes, complete.

    An event with an `id` replaces the block of an earlier event with that id. The block of one
    without is named for the event's number. It takes no time.

    Attributes:
        event: class of the event.
        props: class of the block's props.
        shown_from: first level that shows it.
        loss: value of the `nbagent.adapters.base.losses.Loss` of an encoder that leaves it out.
        props_of: returns the props for an event; None where they are the event's fields of the same
            names.
        tells_of_calls: whether it may quote a tool call's arguments or result. The gate then hides
            it where a rule hides a part of the call of its `tool_id`, or, without one, of any call.
        is_answer: whether it is part of the model's response, so that a fork and a recorded model
            repeat it with the response.
        draws: returns the nodes that the block is drawn of, for its props, none of which is sure to
            have its type.
        has_panel: whether the reader opens and closes it.
        has_component: whether the view has a component of its own for it. For the others it gets
            the nodes, as the prop `drawn`.
    """

    event: type[Envelope]
    props: type[BlockProps]
    shown_from: Reveal
    loss: str
    draws: Callable[[Props], list[Node]]
    props_of: Callable[[Any], BlockProps] | None = None
    tells_of_calls: bool = False
    is_answer: bool = True
    has_panel: bool = False
    has_component: bool = False

    @cached_property
    def name(self) -> str:
        """Kind of the block, such as `source`."""
        return kind_of(self.props())

    @cached_property
    def has_id(self) -> bool:
        """True if its events have ids of their own."""
        return "id" in self.event.__struct_fields__

    def block_id(self, event: Any, number: int) -> str:
        """Return the id of the block that an event makes, by the event's number in the run."""
        return str(event.id) if self.has_id else f"{self.name}:{number}"

    @cached_property
    def shared_fields(self) -> tuple[str, ...]:
        """Names of the event's fields that are props too."""
        own = set(self.event.__struct_fields__) - set(Envelope.__struct_fields__)
        return tuple(name for name in self.props.__struct_fields__ if name in own)

    def props_for(self, event: Envelope) -> BlockProps:
        """Return the props of the block that an event makes."""
        if self.props_of is not None:
            return self.props_of(event)
        return self.props(**{name: getattr(event, name) for name in self.shared_fields})
