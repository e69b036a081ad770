"""Values as a reader sees them: one line, and a bundle of MIME types like the notebook's own."""

import base64
import contextlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeVar

import msgspec

from nbagent.events import Display
from nbagent.events.json_text import decode_json
from nbagent.events.jsonable import text_safe
from nbagent.mime.parts import join_parts
from nbagent.mime.picture import IN_SCRIPT, PLOTLY, Ask, figure_of, is_drawn_by_script, picture_of
from nbagent.mime.shrink import whole_json
from nbagent.mime.styled_table import is_styler, table_of, with_inline_styles
from nbagent.mime.summary import summary_of
from nbagent.mime.table_html import with_words_left
from nbagent.mime.text import head, line, text_of, without_addresses
from nbagent.protocol.shared import MIME_BYTES
from nbagent.runtime.ipython import ipython_shell

T = TypeVar("T")

_METHODS = {
    "text/html": "_repr_html_",
    "image/png": "_repr_png_",
    "image/jpeg": "_repr_jpeg_",
    "image/svg+xml": "_repr_svg_",
    "text/markdown": "_repr_markdown_",
    "application/json": "_repr_json_",
}

_PLAIN = (str, int, float, bool, type(None))
_PLAIN_TYPES = {"application/json", "text/plain"}
_MAX_MEMBERS = 12
"""Members that are shown one by one. A longer list is shown as JSON or text."""
_MAX_NAMED = 3
"""Members that the line names one by one."""
_MAX_NESTED = 2


def display_of(
    value: Any,
    *,
    limits: Mapping[str, int] = MIME_BYTES,
    figures: Sequence[Any] = (),
    before: Sequence[Any] = (),
) -> Display:
    """Return a value as a reader sees it: one line, and a bundle of MIME types like the notebook's
    own.

    Args:
        value: anything.
        limits: the largest payload in bytes by MIME type. A richer type that is too large is left
            out; of `text/plain` the head is kept, with a note of how much is missing. Types without
            a limit are left out.
        figures: Matplotlib figures that are shown with it, unless they are in the value itself.
        before: values that are shown before it.

    Returns:
        The display; images are base64. `text/plain` is always there, and names the formatter that
        failed, if one did. Of a short list, tuple or dict with pictures or tables in it, and of a
        value with figures or others before it, each part has types of its own, see
        `nbagent.mime.parts`.
    """
    given = list(figures)
    figures = _unless_it_fails(lambda: _outside(value, given), given)
    parts = [_richest(_limited(each, limits)) for each in before]
    if value is None and (before or figures):
        parts += _pictures(figures, limits)
        summary = _summary([*before, *figures])
        data = {"text/plain": summary}
        if len(parts) == 1:
            data = {**parts[0], **data}
    else:
        data = _limited(value, limits)
        members: list[dict[str, Any]] = _unless_it_fails(lambda: _members(value, limits, 0), [])
        parts += map(_richest, members or [data])
        parts += _pictures(figures, limits)
        named = [value]
        if members and isinstance(value, (list, tuple)) and len(value) <= _MAX_NAMED:
            named = list(value)
        summary = _summary([*named, *figures])
    if len(parts) > 1:
        data = {**join_parts(parts), **data}
    return Display(summary=line(summary), data=data)


def _summary(values: Sequence[Any]) -> str:
    return ", ".join(map(summary_of, values))


def _outside(value: Any, figures: Sequence[Any]) -> list[Any]:
    """Return the figures that are not in the value itself."""
    return [figure for figure in figures if not _holds(value, figure, _MAX_NESTED)]


def _pictures(figures: Sequence[Any], limits: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the pictures of figures, without those that have none."""
    pictures: list[dict[str, Any]] = []
    for figure in figures:
        for mime, payload in _limited(figure, limits).items():
            if mime.startswith("image/"):
                pictures.append({mime: payload})
                break
    return pictures


def _unless_it_fails(call: Callable[[], T], otherwise: T) -> T:
    """Return the result of `call`; `otherwise` if a value's own class raises, which any look at the
    value may make it do.
    """
    try:
        return call()
    except Exception:
        return otherwise


def _richest(bundle: dict[str, Any]) -> dict[str, Any]:
    """Return the bundle with its richest type only, and what a view may draw instead of that."""
    richest = next(iter(bundle))
    return {mime: payload for mime, payload in bundle.items() if mime in (richest, PLOTLY)}


def _limited(value: Any, limits: Mapping[str, int]) -> dict[str, Any]:
    """Return the value's bundle, richest type first, without the types that are too large; its text
    if it cannot be drawn.
    """
    try:
        return _types_of(value, limits)
    except Exception as error:
        text = f"{text_of(value)}\n(it cannot be drawn: {type(error).__name__})"
        return {"text/plain": _plain_head(text_safe(text), limits)}


def _types_of(value: Any, limits: Mapping[str, int]) -> dict[str, Any]:
    failures = _Failures()
    bundle = _bundle(value, failures.ask)
    data: dict[str, Any] = {}
    for mime in MIME_BYTES:
        payload = bundle.get(mime)
        if mime == "text/plain":
            text = _plain_text(value, payload)
            data[mime] = _plain_head("\n".join([text, *failures.messages]), limits)
        elif mime in limits and payload is not None:
            data[mime] = _payload(mime, payload, limits[mime])
    return {mime: payload for mime, payload in data.items() if payload is not None}


def _plain_text(value: Any, given: Any) -> str:
    """Return the text of a value: the one that its formatter has given, if it is one."""
    text = given
    if not isinstance(text, str) or is_styler(value):
        text = text_of(table_of(value))
    return text_safe(without_addresses(text))


def _plain_head(text: str, limits: Mapping[str, int]) -> str:
    return head(text, limits.get("text/plain", MIME_BYTES["text/plain"]))


def _members(value: Any, limits: Mapping[str, int], depth: int) -> list[dict[str, Any]]:
    """Return the bundles of the members of a short list, tuple or dict, each with its key before
    it; empty if all are plain.
    """
    items = _items(value)
    if depth > _MAX_NESTED or all(isinstance(item, _PLAIN) for item in items):
        return []
    parts: list[dict[str, Any]] = []
    for item in items:
        parts += _members(item, limits, depth + 1) or [_limited(item, limits)]
    types = set(chain.from_iterable(parts))
    if len(parts) > _MAX_MEMBERS or types <= _PLAIN_TYPES:
        return []
    return parts


def _items(value: Any) -> list[Any]:
    """Return the members of a short list or tuple, or the keys and values of a short dict; empty
    for all else.
    """
    if isinstance(value, dict):
        if len(value) > _MAX_MEMBERS // 2:
            return []
        return list(chain.from_iterable((str(key), item) for key, item in value.items()))
    if not isinstance(value, (list, tuple)) or hasattr(value, "_fields"):
        return []
    if len(value) > _MAX_MEMBERS:
        return []
    return list(value)


def _holds(value: Any, figure: Any, depth: int) -> bool:
    """Return True if the value is the figure or one of its axes, or a container with one of
    these.
    """
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return depth >= 0 and any(_holds(item, figure, depth - 1) for item in value)
    return not isinstance(value, type) and figure_of(value) is figure


def bundle_of_json(content: Any) -> dict[str, Any]:
    """Return a JSON value as a MIME bundle: text stays text, and text that is itself a JSON object
    or list shows as one.

    A very long text stays text, since its objects would take several times its size.
    """
    if not isinstance(content, str):
        return {"application/json": content}
    if content[:1] in ("{", "[") and len(content) <= MIME_BYTES["application/json"]:
        with contextlib.suppress(msgspec.DecodeError):
            return {"application/json": decode_json(content), "text/plain": content}
    return {"text/plain": content}


class _Failures:
    """The formatters of a value that failed.

    Attributes:
        messages: a line for each of them.
    """

    def __init__(self) -> None:
        self.messages: list[str] = []

    def ask(self, what: str, formatter: Callable[[], Any]) -> Any:
        """Return what a formatter makes; None if it fails."""
        try:
            return formatter()
        except Exception as error:
            reason = line(f"{type(error).__name__}: {error}")
            self.messages.append(f"({what} failed: {reason})")
            return None


def _bundle(value: Any, ask: Ask) -> dict[str, Any]:
    """Return the bundle of all the value's formatters, of any size."""
    if isinstance(value, str):
        return {"text/plain": value}
    bundle = _formatted(value, ask)
    bundle.update(picture_of(value, bundle, ask))
    if isinstance(bundle.get("text/html"), str):
        _adapt_html(value, bundle)
    if isinstance(value, (dict, list)) and "application/json" not in bundle:
        limit = MIME_BYTES["application/json"]
        bundle["application/json"] = ask("JSON", partial(whole_json, value, limit))
    return bundle


def _formatted(value: Any, ask: Ask) -> dict[str, Any]:
    """Return the bundle of IPython's formatters, or else of the value's own."""
    shell = ipython_shell()
    # IPython shows a value with `_ipython_display_` at once, in the wrong place, instead of saying
    # what it looks like.
    if shell is not None and not hasattr(type(value), "_ipython_display_"):
        format = partial(shell.display_formatter.format, value, include=set(MIME_BYTES))
        formats = ask("IPython's formatter", lambda: dict(format()[0]))
        return formats or {}
    if isinstance(value, type):
        return {}
    return _own_bundle(value, ask)


def _adapt_html(value: Any, bundle: dict[str, Any]) -> None:
    """Make the bundle's HTML readable without style sheets, and leave out what a script draws."""
    html: str = bundle["text/html"]
    if is_styler(value):
        html = with_inline_styles(html)
    html = with_words_left(html)
    if not is_drawn_by_script(html):
        bundle["text/html"] = html
        return
    del bundle["text/html"]
    if not any(mime.startswith("image/") for mime in bundle):
        bundle["text/plain"] = f"{summary_of(value)}\n{IN_SCRIPT}"


def _own_bundle(value: Any, ask: Ask) -> dict[str, Any]:
    """Return the bundle of the value's own `_repr_*_` methods; looked up on its class, since
    proxies answer to any name.
    """
    bundle: dict[str, Any] = {}
    whole = getattr(type(value), "_repr_mimebundle_", None)
    if whole is not None:
        given = ask("_repr_mimebundle_", partial(whole, value, include=None, exclude=None))
        made = _without_metadata(given)
        if isinstance(made, dict):
            bundle.update(made)
    for mime, name in _METHODS.items():
        method = getattr(type(value), name, None)
        if method is None or mime in bundle:
            continue
        payload = _without_metadata(ask(name, partial(method, value)))
        if payload is not None:
            bundle[mime] = payload
    return bundle


def _without_metadata(given: Any) -> Any:
    """Return what a `_repr_*_` method has given, which may be a tuple of that and its metadata."""
    if isinstance(given, tuple):
        return given[0]
    return given


def _payload(mime: str, payload: Any, limit: int) -> Any:
    """Return the payload as it is sent, images as base64; None if it is too large, or none of its
    type.
    """
    if isinstance(payload, bytes):
        if len(payload) * 4 > limit * 3:
            return None
        if mime == "image/svg+xml":
            payload = payload.decode(errors="replace")
        else:
            payload = base64.b64encode(payload).decode()
    if mime.endswith("json"):
        return whole_json(payload, limit)
    if not isinstance(payload, str) or len(payload) > limit:
        return None
    payload = text_safe(payload)
    if len(payload.encode()) > limit:
        return None
    return payload
