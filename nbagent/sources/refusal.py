"""Errors for responses of a service that are not a stream: an error status, a web page."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from nbagent.errors import StreamError
from nbagent.sources.failure import failure
from nbagent.sources.wire.json_stream import item_of

MAX_BODY_BYTES = 64 * 1024
"""Bytes that are read of such a response."""

_MAX_MESSAGE_CHARS = 1000  # of a body that is plain text
_MAX_TITLE_CHARS = 200
_MAX_ERRORS = 3  # of a list
_MESSAGE_FIELDS = (
    "error",
    "errors",
    "detail",
    "message",
    "Message",
    "msg",
    "error_description",
    "title",
)
_TITLE = re.compile(r"<title[^>]*>\s*(.*?)\s*</title", re.IGNORECASE | re.DOTALL)
_HTML = re.compile(r"\s*<(?:!doctype|html)\b", re.IGNORECASE)


def status_error(address: str, status: int, body: bytes) -> StreamError:
    """Return the error of a response with an error status.

    Args:
        address: without anything secret.
        status: the HTTP status.
        body: its first bytes, decompressed.

    Returns:
        An error with the service's own message. Its code is the service's, if that is a text, else
        the status.
    """
    text = body.decode("utf-8", "replace").strip()
    message, code = _message_of(item_of(text))
    if not message:
        title = page_title(text)
        message = cut(text, _MAX_MESSAGE_CHARS) if title is None else title
    try:
        said = f"{status} {HTTPStatus(status).phrase} from {address}"
    except ValueError:
        said = f"{status} from {address}"
    if message:
        said += f": {message}"
    return failure(said, code or str(status))


def web_page_error(address: str, status: int, content_type: str, body: bytes) -> StreamError:
    """Return the error of a web page where a stream was expected."""
    page = f"{status}, {content_type or 'no content type'}"
    title = page_title(body.decode("utf-8", "replace"))
    if title:
        page += f", titled {title!r}"
    return failure(
        f"{address} sent a web page ({page}) where a stream was expected. "
        "Check the address and the method, and whether a login is asked for (headers=… or auth=…).",
        "html",
    )


def empty_error(address: str, status: int) -> StreamError:
    """Return the error of a response without a body where a stream was expected."""
    return StreamError(
        f"{address} sent an empty response ({status}). Check the address and the method.",
        "empty_response",
    )


def page_title(page: str) -> str | None:
    """Return the title of a web page, "" if it has none; None of a text that is no web page."""
    if not _HTML.match(page):
        return None
    found = _TITLE.search(page)
    if found is None:
        return ""
    return cut(" ".join(found[1].split()), _MAX_TITLE_CHARS)


def cut(text: str, max_chars: int) -> str:
    """Return the beginning of a text, with an ellipsis if it is cut."""
    if len(text) <= max_chars:
        return text
    return f"{text[: max_chars - 1]}…"  # the mark tells the gate that a secret may be cut


def _message_of(answer: Any) -> tuple[str, str | None]:
    """Return the message and the code of an error's body, in the shapes that services use.

    They are OpenAI's `{"error": {"message", "code"}}`, FastAPI's `{"detail"}`, RFC 9457's
    `{"title", "detail"}`, and lists.
    """
    if isinstance(answer, list):
        return _first_messages(answer)
    if not isinstance(answer, Mapping):
        return "", None
    message, code = "", answer.get("code")
    for field in _MESSAGE_FIELDS:
        inner_message, inner_code = answer.get(field), None
        if not isinstance(inner_message, str):
            inner_message, inner_code = _message_of(inner_message)
        message = message or inner_message
        code = code or inner_code
    if not isinstance(code, str):
        code = None
    return message, code or None


def _first_messages(errors: list[Any]) -> tuple[str, str | None]:
    """Return the messages of the first errors of a list, and a code of one of them."""
    messages: list[str] = []
    first_code = None
    for error in errors[:_MAX_ERRORS]:
        message, code = _message_of(error)
        messages.append(message)
        first_code = first_code or code
    return "; ".join(filter(None, messages)), first_code
