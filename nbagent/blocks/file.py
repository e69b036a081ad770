"""`file`: a file that the model made."""

from msgspec import UNSET, UnsetType

from nbagent.blocks.fields import Props, text_of
from nbagent.blocks.kind import WholeKind
from nbagent.protocol.blocks import BlockProps
from nbagent.protocol.nodes import Download, Node
from nbagent.protocol.parts import Envelope


class File(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="file"):
    """A file made by the model: `url`, or `data` as base64.

    The same `id` again replaces it, as a partial image is.
    """

    id: str
    media_type: str
    url: str | None = None
    data: str | None = None
    name: str | None = None


class FileProps(BlockProps, tag="file"):
    """A file that the model made.

    Attributes:
        media_type: its MIME type.
        url: its address, where it is not sent along.
        data: its content as base64.
        name: its file name.
    """

    media_type: str | UnsetType = UNSET
    url: str | UnsetType | None = UNSET
    data: str | UnsetType | None = UNSET
    name: str | UnsetType | None = UNSET


def file_node(file: Props) -> Download:
    """Return the node of a file."""
    return Download(
        text_of(file, "media_type"),
        text_of(file, "url"),
        text_of(file, "data"),
        text_of(file, "name"),
    )


def _draw(file: Props) -> list[Node]:
    return [file_node(file)]


FILE = WholeKind(
    event=File, props=FileProps, draws=_draw, shown_from="answer", has_component=True, loss="files"
)
