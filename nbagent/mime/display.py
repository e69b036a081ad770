"""Values as a reader sees them: one line, and a bundle of MIME types like the notebook's own."""

import base64
import contextlib
import io
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from nbagent.events import Display
from nbagent.events.jsonable import text_safe
from nbagent.mime.shrink import whole_json
from nbagent.mime.summary import summary_of
from nbagent.mime.text import head, line, text_of
from nbagent.protocol.shared import MIME_BYTES
from nbagent.runtime.ipython import ipython_shell

_METHODS = {
    "text/html": "_repr_html_",
    "image/png": "_repr_png_",
    "image/jpeg": "_repr_jpeg_",
    "image/svg+xml": "_repr_svg_",
    "text/markdown": "_repr_markdown_",
    "application/json": "_repr_json_",
}


def display_of(value: Any, *, limits: Mapping[str, int] = MIME_BYTES) -> Display:
    """Return a value as a reader sees it: one line, and a bundle of MIME types like the notebook's own.

    Args:
        value: anything.
        limits: the largest payload in bytes by MIME type. A richer type that is too large is left out; of `text/plain` the
            head is kept, with a note of how much is missing. Types without a limit are left out.

    Returns:
        The display; images are base64. `text/plain` is always there, and names the formatter that failed, if one did.
    """
    failures: list[str] = []
    bundle = _bundle(value, failures)
    data: dict[str, Any] = {}
    for mime, limit in limits.items():
        if mime != "text/plain" and bundle.get(mime) is not None:
            payload = _payload(mime, bundle[mime], limit)
            if payload is not None:
                data[mime] = payload
    plain = bundle.get("text/plain")
    text = plain if isinstance(plain, str) else text_of(value)
    text = "\n".join([text_safe(text), *failures])
    plain_bytes = limits.get("text/plain", MIME_BYTES["text/plain"])
    return Display(summary=summary_of(value), data={**data, "text/plain": head(text, plain_bytes)})


def bundle_of_json(content: Any) -> dict[str, Any]:
    """Return a JSON value as a MIME bundle: text stays text, and text that is itself a JSON object or list shows as one.

    A very long text stays text, since its objects would take several times its size.
    """
    if not isinstance(content, str):
        return {"application/json": content}
    if content[:1] in ("{", "[") and len(content) <= MIME_BYTES["application/json"]:
        with contextlib.suppress(msgspec.DecodeError, UnicodeError, RecursionError):
            return {"application/json": msgspec.json.decode(content), "text/plain": content}
    return {"text/plain": content}


def _bundle(value: Any, failures: list[str]) -> dict[str, Any]:
    """Return the bundle of all the value's formatters, of any size. Messages of those that failed are added to `failures`."""

    def ask(what: str, formatter: Callable[[], Any]) -> Any:
        try:
            return formatter()
        except Exception as error:
            failures.append(f"({what} failed: {line(f'{type(error).__name__}: {error}')})")
            return None

    if isinstance(value, str):
        return {"text/plain": value}
    bundle: dict[str, Any] = {}
    shell = ipython_shell()
    # IPython shows a value with `_ipython_display_` at once, in the wrong place, instead of saying what it looks like.
    if shell is not None and not hasattr(type(value), "_ipython_display_"):
        formats = ask("IPython's formatter", lambda: shell.display_formatter.format(value, include=set(MIME_BYTES))[0])
        bundle.update(formats or {})
    elif not isinstance(value, type):
        bundle.update(_own_bundle(value, ask))
    figure = None if isinstance(value, type) else _figure_of(value)
    if figure is not None and "image/png" not in bundle:
        bundle["image/png"] = ask("savefig", lambda: _png_of(figure))
    if isinstance(value, dict | list) and "application/json" not in bundle:
        bundle["application/json"] = ask("JSON", lambda: whole_json(value, MIME_BYTES["application/json"]))
    return bundle


def _own_bundle(value: Any, ask: Callable[[str, Callable[[], Any]], Any]) -> dict[str, Any]:
    """Return the bundle of the value's own `_repr_*_` methods; looked up on its class, since proxies answer to any name."""
    bundle: dict[str, Any] = {}
    for mime, name in {"": "_repr_mimebundle_", **_METHODS}.items():
        method = getattr(type(value), name, None)
        if method is None or mime in bundle:
            continue
        data = ask(name, lambda method=method, mime=mime: method(value) if mime else method(value, include=None, exclude=None))  # type: ignore[misc]
        data = data[0] if isinstance(data, tuple) else data  # the second is metadata
        if mime and data is not None:
            bundle[mime] = data
        elif isinstance(data, dict):
            bundle.update(data)
    return bundle


def _figure_of(value: Any) -> Any:
    """Return a Matplotlib figure, given itself or its axes."""
    if hasattr(type(value), "get_figure") and not hasattr(type(value), "savefig"):
        value = value.get_figure()
    return value if hasattr(type(value), "savefig") and hasattr(value, "canvas") else None


def _png_of(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight")
    return file.getvalue()


def _payload(mime: str, payload: Any, limit: int) -> Any:
    """Return the payload as it is sent, images as base64; None if it is too large, or none of its type."""
    if isinstance(payload, bytes):
        if len(payload) * 4 > limit * 3:
            return None
        payload = base64.b64encode(payload).decode() if mime != "image/svg+xml" else payload.decode(errors="replace")
    if mime == "application/json":
        return whole_json(payload, limit)
    if not isinstance(payload, str) or len(payload) > limit:
        return None
    payload = text_safe(payload)
    return payload if len(payload.encode()) <= limit else None
