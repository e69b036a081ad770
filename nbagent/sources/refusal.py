"""What a service says instead of a stream, as an error that names it."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from nbagent.errors import StreamError
from nbagent.wire.json_stream import item_of

READ = 64 * 1024
"""Bytes of such an answer that are looked at."""

_SAID = 1000  # characters of a plain answer that are repeated
_TITLE = re.compile(r"<title[^>]*>\s*(.*?)\s*</title", re.IGNORECASE | re.DOTALL)
_HTML = re.compile(r"\s*<(?:!doctype|html)\b", re.IGNORECASE)


def refused(place: str, status: int, body: bytes) -> StreamError:
    """The error for a response with an error's status.

    Args:
        place: the address, without what may be secret in it.
        status: of HTTP.
        body: its first bytes, decoded from whatever compression.

    Returns:
        An error with the service's own message, and its code if it is a text, else the status.
    """
    text = body.decode("utf-8", "replace").strip()
    message, code = ("", None) if not text else _told(item_of(text))
    if not message:
        message = _titled(text) if _HTML.match(text) else text[:_SAID]
    try:
        reason = f" {HTTPStatus(status).phrase}"
    except ValueError:
        reason = ""
    return StreamError(f"{status}{reason} from {place}" + (f": {message}" if message else ""), code or str(status))


def web_page(place: str, status: int, content_type: str, body: bytes) -> StreamError:
    """The error for a web page where a stream was expected."""
    page = _titled(body.decode("utf-8", "replace"))
    titled = f", titled {page!r}" if page else ""
    return StreamError(
        f"{place} sent a web page ({status}, {content_type or 'no content type'}{titled}) where a stream was expected. "
        "Check the address and the method, and whether a login is asked for (headers=… or auth=…).",
        "html",
    )


def _titled(page: str) -> str:
    found = _TITLE.search(page)
    return " ".join(found[1].split())[:200] if found else ""


def _told(answer: Any) -> tuple[str, str | None]:
    """The message and the code in the error bodies that services write.

    Among them OpenAI's `{"error": {"message", "code"}}`, FastAPI's `{"detail"}`, RFC 9457's `{"title", "detail"}`, and lists.
    """
    if isinstance(answer, list):
        told = [_told(entry) for entry in answer[:3]]
        return "; ".join(message for message, _ in told if message), next((code for _, code in told if code), None)
    if not isinstance(answer, Mapping):
        return "", None
    message, code = "", answer.get("code")
    for field in ("error", "errors", "detail", "message", "Message", "msg", "error_description", "title"):
        inner = answer.get(field)
        if isinstance(inner, str) and inner:
            message = message or inner
        elif inner:
            inner_message, inner_code = _told(inner)
            message, code = message or inner_message, code or inner_code
    return message, code if isinstance(code, str) and code else None
