"""Pictures and files in a prompt: `agent.stream(["What is in it?", nbagent.image(fig)])`."""

import base64
import mimetypes
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbagent.agent.model.content_parts import media_type_of, megabytes, text_of_bytes
from nbagent.agent.model.input_items import Json, Message
from nbagent.errors import NbagentError
from nbagent.mime import display_of
from nbagent.mime.image import image_type
from nbagent.printable import printable_line
from nbagent.protocol.shared import MIME_BYTES

MAX_IMAGE_BYTES = 20 * 2**20
"""Size of the largest picture; the limit of OpenAI's API."""
MAX_FILE_BYTES = 32 * 2**20
"""Size of the largest file; the limit of OpenAI's API."""

_TAKEN = ("image/png", "image/jpeg", "image/gif", "image/webp")
_IS_URL = re.compile(r"(https?://|data:)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptPart:
    """A picture or a file, for the list that is given as a prompt.

    `nbagent.image` and `nbagent.file` make it.

    Attributes:
        media_type: such as `image/png`.
        url: the address, or the content as a data URL.
        name: of the file; None for a picture.
    """

    media_type: str
    url: str
    name: str | None = None

    def content(self) -> Json:
        """Return the part of a message's content."""
        if self.name is None:
            return {"type": "input_image", "image_url": self.url, "detail": "auto"}
        return {"type": "input_file", "filename": self.name, "file_data": self.url}

    def _repr_mimebundle_(self, **options: Any) -> Json:
        """Return a picture that has its content as a notebook shows it, also as a tool's result."""
        head, _, data = self.url.partition(";base64,")
        is_picture = head == f"data:{self.media_type}" and self.media_type.startswith("image/")
        return {"text/plain": repr(self), **({self.media_type: data} if is_picture else {})}

    def __repr__(self) -> str:
        return (
            f"<{printable_line(self.name or 'image')}: {printable_line(self.media_type)}, "
            f"{len(self.url):,} characters>"
        )


def image(picture: Any) -> PromptPart:
    """Return a picture for a prompt: `agent.stream(["What is in it?", nbagent.image(fig)])`.

    Args:
        picture: a Matplotlib figure or its axes, a PIL image, or anything else that a notebook
            draws as PNG; the path of a PNG, JPEG, GIF or WebP file, or its bytes; a URL, which the
            model's server opens.

    Raises:
        NbagentError: it cannot be read, is no picture that models take, or is larger than 20 MB.
    """
    if isinstance(picture, str) and _IS_URL.match(picture):
        return PromptPart(media_type=media_type_of(picture), url=picture)
    if isinstance(picture, (str, os.PathLike)):
        data = _read(Path(picture), MAX_IMAGE_BYTES)
    elif isinstance(picture, (bytes, bytearray, memoryview)):
        data = bytes(picture)
    else:
        data = _drawn(picture)
    media_type = image_type(data)
    if media_type is None:
        if isinstance(picture, (str, os.PathLike)):
            named = repr(str(picture))
        else:
            named = f"{len(data):,} bytes of another kind"
        raise NbagentError(f"image() takes PNG, JPEG, GIF or WebP; got {named}")
    _check_size("image()", len(data), MAX_IMAGE_BYTES)
    return PromptPart(media_type=media_type, url=_data_url(media_type, data))


def file(path: str | os.PathLike[str], *, name: str | None = None) -> PromptPart:
    """Return a file for a prompt: `agent.stream(["Summarise it.", nbagent.file("report.pdf")])`.

    A picture is sent as one, a file of text as text, any other as it is: whether a model reads it,
    its server says.

    Args:
        path: of the file.
        name: that the model sees; by default the file's own.

    Raises:
        NbagentError: it cannot be read, or is larger than 32 MB.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise NbagentError(f"file() takes a path; got {type(path).__name__}")
    where = Path(path)
    data = _read(where, MAX_FILE_BYTES)
    if (media_type := image_type(data)) is not None:
        return PromptPart(media_type=media_type, url=_data_url(media_type, data))
    media_type = mimetypes.guess_type(where.name)[0] or (
        "text/plain" if text_of_bytes(data) is not None else "application/octet-stream"
    )
    return PromptPart(
        media_type=media_type, url=_data_url(media_type, data), name=name or where.name
    )


def joined(prompt: Any) -> Any:
    """Return a prompt with its texts and parts, where they follow each other, as one message of the
    user.
    """
    if isinstance(prompt, PromptPart):
        prompt = [prompt]
    if isinstance(prompt, (str, Mapping)) or not isinstance(prompt, Iterable):
        return prompt
    made: list[Any] = []
    message: list[Json] = []
    for entry in prompt:
        if isinstance(entry, (str, PromptPart)):
            message.append(
                {"type": "input_text", "text": entry} if isinstance(entry, str) else entry.content()
            )
            continue
        if message:
            made.append(Message(role="user", content=message))
            message = []
        made.append(entry)
    if message:
        return [*made, Message(role="user", content=message)]
    return made


def _drawn(picture: Any) -> bytes:
    bundle = display_of(picture, limits=dict.fromkeys(MIME_BYTES, 2 * MAX_IMAGE_BYTES)).data
    for mime in _TAKEN:
        if isinstance(data := bundle.get(mime), str):
            return base64.b64decode(data)
    raise NbagentError(
        "image() takes a Matplotlib figure, a PIL image, a path, bytes or a URL, or what a "
        "notebook draws as PNG; "
        f"got {type(picture).__name__}"
    )


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        _check_size(str(path), path.stat().st_size, max_bytes)
        return path.read_bytes()
    except OSError as error:
        raise NbagentError(f"{str(path)!r} cannot be read: {error.strerror or error}") from error


def _check_size(what: str, size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise NbagentError(
            f"{what}: {megabytes(size)} is more than the {megabytes(max_bytes)} that a model takes"
        )


def _data_url(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
