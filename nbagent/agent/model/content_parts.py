"""Content parts of a message, in the form of each of OpenAI's two APIs: texts, pictures, files.

The history has the parts as they were given, or in the form of the Responses API: `input_text`,
`input_image`, `input_file` (https://platform.openai.com/docs/guides/images-vision,
https://platform.openai.com/docs/guides/pdf-files). Chat Completions takes `text`, `image_url` and
`file`. A file of text becomes a text, since few servers take another file than a PDF.
"""

import base64
import mimetypes
import re
from typing import Any

from nbagent.protocol.shared import MIME_BYTES

Json = dict[str, Any]

_DATA_URL = re.compile(r"data:([^;,]*)[^,]*;base64,(.*)", re.DOTALL)
_TEXT_TYPES = (
    "text/",
    "application/json",
    "application/xml",
    "application/x-yaml",
    "application/yaml",
    "application/toml",
)


def for_responses(content: str | list[Json], role: str) -> str | list[Json]:
    """Return a message's content as the Responses API takes it."""
    if isinstance(content, str):
        return content
    text = "output_text" if role == "assistant" else "input_text"
    return [_to_responses(part, text) for part in content]


def for_chat(content: str | list[Json]) -> str | list[Json]:
    """Return a message's content as Chat Completions takes it."""
    if isinstance(content, str):
        return content
    return [_to_chat(part) for part in content]


def shown_files(content: str | list[Json]) -> list[Json] | None:
    """Return the pictures and files of a message as `e.Prompt.files` has them; None if there are
    none.

    A picture that is too large to be shown has its name only.
    """
    if isinstance(content, str):
        return None
    shown = [_shown(_stored(part)) for part in content]
    return [part for part in shown if part is not None] or None


def _to_responses(part: Json, text: str) -> Json:
    part = _stored(part)
    match part:
        case {"type": "input_text" | "output_text", "text": str()} if part["type"] != text:
            return {**part, "type": text}
        case {"type": "input_file"}:
            words = _text_of_file(part)
            if words is None:
                return part
            return {"type": text, "text": words}
    return part


def _stored(part: Json) -> Json:
    """Return a part of Chat Completions in the form of the Responses API; any other part as it
    is.
    """
    match part:
        case {"type": "text", "text": str()}:
            return {**part, "type": "input_text"}
        case {"type": "image_url", "image_url": {"url": str(url), **options}}:
            return {
                "type": "input_image",
                "image_url": url,
                "detail": options.get("detail", "auto"),
            }
        case {"type": "file", "file": dict(fields)}:
            return {"type": "input_file", **fields}
    return part


def _to_chat(part: Json) -> Json:
    match part:
        case {"type": "input_text" | "output_text", "text": str(words)}:
            return {"type": "text", "text": words}
        case {"type": "input_image", "image_url": str(url)}:
            image = {"url": url, **_chosen(part, "detail")}
            if image.get("detail") == "auto":
                del image["detail"]
            return {"type": "image_url", "image_url": image}
        case {"type": "input_file"}:
            text = _text_of_file(part)
            if text is not None:
                return {"type": "text", "text": text}
            return {"type": "file", "file": _chosen(part, "filename", "file_data", "file_id")}
    return part


def _shown(part: Json) -> Json | None:
    match part:
        case {"type": "input_image", "image_url": str(url)} if found := _DATA_URL.match(url):
            media_type, data = found[1] or "image/png", found[2]
            if len(data) <= MIME_BYTES.get(media_type, 0):
                return {"media_type": media_type, "data": data}
            return {"media_type": media_type, "name": f"picture of {megabytes(len(data) * 3 // 4)}"}
        case {"type": "input_image", "image_url": str(url)}:
            return {"media_type": media_type_of(url), "url": url}
        case {"type": "input_file"}:
            names = [part.get(name) for name in ("filename", "file_url", "file_id")]
            named = str(next(filter(None, names), "file"))
            found = _DATA_URL.match(str(part.get("file_data") or part.get("file_url")))
            return {"media_type": found[1] if found else media_type_of(named), "name": named}
    return None


def media_type_of(url: str) -> str:
    """Return the media type of an address by its ending, `image/*` if that says nothing."""
    found = _DATA_URL.match(url)
    if found:
        return found[1]
    return mimetypes.guess_type(url.partition("?")[0])[0] or "image/*"


def megabytes(size: int) -> str:
    """Return a size in bytes as `3.2 MB`."""
    return f"{size / 2**20:.1f} MB"


def text_of_bytes(data: bytes) -> str | None:
    """Return the text in UTF-8; None if it is no text."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    return text


def _text_of_file(part: Json) -> str | None:
    """Return a file of text with its name around it; None for any other file."""
    found = _DATA_URL.match(str(part.get("file_data")))
    if found is None or not found[1].startswith(_TEXT_TYPES) or "filename" not in part:
        return None
    text = text_of_bytes(base64.b64decode(found[2]))
    if text is None:
        return None
    return f'<file name="{part["filename"]}">\n{text}\n</file>'


def _chosen(part: Json, *names: str) -> Json:
    return {name: part[name] for name in names if name in part}
