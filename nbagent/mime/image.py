"""Pictures in bytes, recognised by their first bytes."""

from nbagent.mime.text import count

_SIGNATURES = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
}

Bytes = bytes | bytearray | memoryview


def image_type(value: Bytes) -> str | None:
    """Return the MIME type of an encoded picture; None for other bytes."""
    head = bytes(value[:12])
    if head[:4] == b"RIFF" and head[8:] == b"WEBP":
        return "image/webp"
    return next((mime for mime, starts in _SIGNATURES.items() if head.startswith(starts)), None)


def bytes_label(value: Bytes) -> str:
    """Return `3 bytes`, or `PNG image, 1,204 bytes`."""
    size = count(len(value), "byte")
    mime = image_type(value)
    if mime is None:
        return size
    return f"{mime.removeprefix('image/').upper()} image, {size}"
