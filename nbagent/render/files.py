"""Files of a user's message."""

from msgspec.structs import replace

from nbagent.blocks.fields import Props, records_of
from nbagent.blocks.file import file_node
from nbagent.protocol.nodes import Download
from nbagent.render.markup.url import inline_image


def files_of(props: Props) -> list[Download]:
    """Return the files of a user's message; of a picture held in its address, the data."""
    return [inlined(file_node(file)) for file in records_of(props, "files")]


def inlined(file: Download) -> Download:
    """Return the file; of a picture held in its address, with the data in place of that."""
    url = inline_image(file.url)
    if url is None or file.data:
        return file
    media_type, _, data = url.removeprefix("data:").partition(";base64,")
    return replace(file, media_type=media_type.lower(), data=data, url="")
