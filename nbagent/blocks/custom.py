"""`custom`: an application's own data, shared state, and items that nbagent does not know."""

from typing import Any

from msgspec import UNSET, UnsetType

from nbagent.blocks.fields import Props, text_of
from nbagent.blocks.kind import WholeKind
from nbagent.protocol.blocks import BlockProps
from nbagent.protocol.nodes import Data, Node
from nbagent.protocol.parts import Envelope
from nbagent.protocol.shared import LABELS


class Custom(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="custom"):
    """An event of an application's own."""

    name: str
    data: Any = None


class State(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="state"):
    """The agent's shared state: a complete `snapshot`, or a JSON Patch (RFC 6902)."""

    snapshot: Any = None
    patch: list[dict[str, Any]] | None = None


class Raw(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="raw"):
    """An upstream item that this version does not know, unchanged.

    `name`: its tag, if it had one.
    """

    data: Any = None
    name: str | None = None


class CustomProps(BlockProps, tag="custom"):
    """An application's own event, shared state, or an upstream item that this version does not
    know.

    Attributes:
        name: the event's name; `state` for shared state; the item's tag, or `raw`.
        data: its data.
    """

    name: str | UnsetType = UNSET
    data: Any = UNSET


def _state_props(state: State) -> CustomProps:
    data = state.patch if state.snapshot is None else state.snapshot
    return CustomProps(name="state", data=data)


def _raw_props(raw: Raw) -> CustomProps:
    return CustomProps(name=raw.name or "raw", data=raw.data)


def _draw(custom: Props) -> list[Node]:
    return [Data(text_of(custom, "name") or LABELS["other"]["custom"], custom.get("data"))]


CUSTOM = WholeKind(
    event=Custom,
    props=CustomProps,
    draws=_draw,
    shown_from="all",
    has_component=True,
    loss="custom events",
    has_panel=True,
)
STATE = WholeKind(
    event=State,
    props=CustomProps,
    props_of=_state_props,
    draws=_draw,
    shown_from="all",
    has_component=True,
    loss="state",
    has_panel=True,
)
RAW = WholeKind(
    event=Raw,
    props=CustomProps,
    props_of=_raw_props,
    draws=_draw,
    shown_from="all",
    has_component=True,
    loss="raw items",
    is_answer=False,
    has_panel=True,
)
