"""`source`: a page or document that the answer rests on."""

from msgspec import UNSET, UnsetType

from nbagent.blocks.fields import Props, text_of
from nbagent.blocks.kind import WholeKind
from nbagent.protocol.blocks import BlockProps
from nbagent.protocol.nodes import Link, Node
from nbagent.protocol.parts import Envelope


class Source(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="source"):
    """A source of the answer: a page, a document. `text_id`: the text that cites it."""

    id: str
    url: str | None = None
    title: str | None = None
    text_id: str | None = None


class SourceProps(BlockProps, tag="source"):
    """A page or document that the answer rests on.

    Attributes:
        url: its address.
        title: its title.
    """

    url: str | UnsetType | None = UNSET
    title: str | UnsetType | None = UNSET


def _draw(source: Props) -> list[Node]:
    return [Link(text_of(source, "url"), text_of(source, "title"))]


SOURCE = WholeKind(
    event=Source,
    props=SourceProps,
    draws=_draw,
    shown_from="answer",
    has_component=True,
    loss="sources",
)
