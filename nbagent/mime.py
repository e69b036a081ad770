"""How a Python value looks: to a reader (`display_of`), to a model (`json_of`), in one line (`summary_of_json`), as an error.

Values are known by what they can do, never by their class: pandas, polars, NumPy and Matplotlib are not imported here, and
IPython is asked only where it runs already. Nothing here raises, whatever a value's own methods do.
"""

import base64
import dataclasses
import datetime
import decimal
import enum
import io
import math
import pathlib
import sys
import traceback
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from nbagent.events import Display, ErrorInfo
from nbagent.plain import text_safe

KB = 1024
LIMITS: dict[str, int] = {
    "text/html": 256 * KB,
    "image/png": 2048 * KB,
    "image/jpeg": 2048 * KB,
    "image/gif": 2048 * KB,
    "image/webp": 2048 * KB,
    "image/svg+xml": 2048 * KB,
    "text/markdown": 64 * KB,
    "application/json": 256 * KB,
    "text/plain": 64 * KB,
}
"""The MIME types a reader can be shown, richest first, and the largest payload of each in bytes (images: as base64)."""

_METHODS = {
    "text/html": "_repr_html_",
    "image/png": "_repr_png_",
    "image/jpeg": "_repr_jpeg_",
    "image/svg+xml": "_repr_svg_",
    "text/markdown": "_repr_markdown_",
    "application/json": "_repr_json_",
}
_LINE = 80
_ROWS = 20
_DEPTH = 32
_HOME = str(pathlib.Path(__file__).parent)


def display_of(value: Any, *, limits: Mapping[str, int] = LIMITS) -> Display:
    """How a value looks to a reader: one line, and a bundle of MIME types like the notebook's own.

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
    text = plain if isinstance(plain, str) else _text_of(value)
    text = "\n".join([text_safe(text), *failures])
    return Display(summary=_summary(value), data={**data, "text/plain": _head(text, limits.get("text/plain", 64 * KB))})


def summary_of_json(content: Any) -> str:
    """A JSON value in one short line: `list of 4`, `dict with 3 keys`, `'text…'`, `0`."""
    return _summary(content)


def json_of(value: Any, limit: int = 16 * KB) -> Any:
    """A tool's return value as a model gets to see it.

    Args:
        value: anything. Tables become their shape and first rows, objects with fields become dicts, NaN and infinities null.
        limit: about how many bytes of JSON it may make; what is left out is counted in its place ("… 12 more items").

    Returns:
        JSON: dicts, lists, strings, numbers, booleans, None.
    """
    return _Shrinker(limit).json(value, _DEPTH)


def error_of(error: BaseException) -> ErrorInfo:
    """An exception as data: its class, its message, and its traceback without nbagent's own frames, at most 16 KB."""
    try:
        message = str(error)
    except Exception as broken:
        message = f"(its message cannot be read: {type(broken).__name__})"
    try:
        report = traceback.TracebackException.from_exception(error, compact=True)
        _drop_own_frames(report)
        text: str | None = text_safe("".join(report.format()))
    except Exception:
        text = None
    if text is not None and len(text) > 16 * KB:
        text = f"{text[: 4 * KB]}\n… {len(text) - 16 * KB:,} more characters …\n{text[-12 * KB :]}"
    return ErrorInfo(type=type(error).__name__, message=_head(text_safe(message), 4 * KB), traceback=text)


def _drop_own_frames(report: traceback.TracebackException) -> None:
    queue = [report]
    for each in queue:
        frames = [frame for frame in each.stack if not frame.filename.startswith(_HOME)]
        each.stack = traceback.StackSummary.from_list(frames)
        queue += [linked for linked in (each.__cause__, each.__context__, *(each.exceptions or ())) if linked is not None]


# --- one line ---------------------------------------------------------------------------------------------------------


def _summary(value: Any) -> str:
    try:
        return text_safe(_line(_measure(value)))
    except Exception as error:
        return f"{type(value).__name__} (no summary: {type(error).__name__})"


def _measure(value: Any) -> str:
    """What a value is and how large; for small things, what it says."""
    name = type(value).__name__
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _count(len(value), "byte")
    if isinstance(value, dict):
        return f"{name} with {_count(len(value), 'key')}" if value else f"empty {name}"
    if isinstance(value, list | tuple | set | frozenset) and not hasattr(value, "_fields"):
        if len(value) == 1 and isinstance(value, list) and isinstance(text := _text_item(value[0]), str):
            return _quote(text)
        return f"{name} of {len(value):,}" if value else f"empty {name}"
    if isinstance(value, BaseException):
        return f"{name}: {value}"
    if not isinstance(value, type) and (size := _size(value)):
        return f"{name} {'×'.join(f'{side:,}' for side in size)}"
    return repr(value)


def _size(value: Any) -> tuple[int, ...]:
    """The sides of a table, an array, a figure or an image; empty for anything else."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape and all(isinstance(side, int) for side in shape):
        return shape
    if hasattr(value, "savefig") and hasattr(value, "get_size_inches"):
        return tuple(round(inches * value.dpi) for inches in value.get_size_inches())
    size = getattr(value, "size", None)
    if isinstance(size, tuple) and len(size) == 2 and isinstance(getattr(value, "mode", None), str):
        return size
    return ()


def _text_item(item: Any) -> Any:
    """The text of a content part such as MCP's `{"type": "text", "text": …}`."""
    return item.get("text") if isinstance(item, dict) and item.get("type") == "text" else None


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _quote(text: str) -> str:
    line = " ".join(text[: 4 * _LINE].split()) or text[:_LINE]
    cut = len(text) > 4 * _LINE or len(line) > _LINE - 2
    return repr(line[: _LINE - 3] + "…" if cut else line)


def _line(text: str) -> str:
    line = " ".join(text[: 4 * _LINE].split())
    return line if len(text) <= 4 * _LINE and len(line) <= _LINE else line[: _LINE - 1] + "…"


# --- the bundle -------------------------------------------------------------------------------------------------------


def _bundle(value: Any, failures: list[str]) -> dict[str, Any]:
    """Everything the value's formatters say, whatever its size."""

    def ask(what: str, formatter: Callable[[], Any]) -> Any:
        try:
            return formatter()
        except Exception as error:
            failures.append(f"({what} failed: {_line(f'{type(error).__name__}: {error}')})")
            return None

    if isinstance(value, str):
        return {"text/plain": value}
    bundle: dict[str, Any] = {}
    shell = _shell()
    # IPython shows a value with `_ipython_display_` at once, in the wrong place, instead of saying what it looks like.
    if shell is not None and not hasattr(type(value), "_ipython_display_"):
        formats = ask("IPython's formatter", lambda: shell.display_formatter.format(value, include=set(LIMITS))[0])
        bundle.update(formats or {})
    elif not isinstance(value, type):
        bundle.update(_own_bundle(value, ask))
    figure = None if isinstance(value, type) else _figure_of(value)
    if figure is not None and "image/png" not in bundle:
        bundle["image/png"] = ask("savefig", lambda: _png_of(figure))
    if isinstance(value, dict | list) and "application/json" not in bundle:
        bundle["application/json"] = ask("JSON", lambda: _whole_json(value))
    return bundle


def _own_bundle(value: Any, ask: Callable[[str, Callable[[], Any]], Any]) -> dict[str, Any]:
    """What the value's own `_repr_*_` methods say; looked up on its class, since proxies answer to any name."""
    bundle: dict[str, Any] = {}
    for mime, name in {"": "_repr_mimebundle_", **_METHODS}.items():
        method = getattr(type(value), name, None)
        if method is None or mime in bundle:
            continue
        said = ask(name, lambda method=method, mime=mime: method(value) if mime else method(value, include=None, exclude=None))  # type: ignore[misc]
        said = said[0] if isinstance(said, tuple) else said  # data and metadata
        if mime and said is not None:
            bundle[mime] = said
        elif isinstance(said, dict):
            bundle.update(said)
    return bundle


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def _figure_of(value: Any) -> Any:
    """A Matplotlib figure, given itself or its axes."""
    if hasattr(type(value), "get_figure") and not hasattr(type(value), "savefig"):
        value = value.get_figure()
    return value if hasattr(type(value), "savefig") and hasattr(value, "canvas") else None


def _png_of(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight")
    return file.getvalue()


def _whole_json(value: Any) -> Any:
    """The value as JSON, or None if it is too large to show."""
    shrinker = _Shrinker(LIMITS["application/json"])
    plain = shrinker.json(value, _DEPTH)
    return None if shrinker.cut else plain


def _payload(mime: str, payload: Any, limit: int) -> Any:
    """A payload as it travels, or None if it is too large or no payload of its type."""
    if isinstance(payload, bytes):
        if len(payload) * 4 > limit * 3:
            return None
        payload = base64.b64encode(payload).decode() if mime != "image/svg+xml" else payload.decode(errors="replace")
    if mime == "application/json":
        shrinker = _Shrinker(limit)
        payload = shrinker.json(payload, _DEPTH)
        return None if shrinker.cut else payload
    if not isinstance(payload, str) or len(payload) > limit:
        return None
    payload = text_safe(payload)
    return payload if len(payload.encode()) <= limit else None


def _text_of(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__module__}.{type(value).__qualname__} object> (its repr failed: {type(error).__name__})"


def _head(text: str, limit: int) -> str:
    """The first `limit` bytes of a text, and how much is missing."""
    if len(text) <= limit // 4:
        return text
    head = text[:limit].encode()[:limit].decode(errors="ignore")
    return head if len(head) == len(text) else f"{head}\n… {_count(len(text) - len(head), 'more character')}"


# --- JSON for a model -------------------------------------------------------------------------------------------------


class _Shrinker:
    """Turns a value into JSON that stays within a number of bytes, give or take its last marks of omission."""

    def __init__(self, limit: int) -> None:
        self.left = limit
        self.cut = False

    def json(self, value: Any, depth: int) -> Any:
        if isinstance(value, enum.Enum):
            value = value.value
        if value is None or isinstance(value, bool):
            self.left -= 5
            return value
        if isinstance(value, int | float):
            return self._number(value)
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return self._text(f"<{_count(len(value), 'byte')}>")
        if depth <= 0:
            self.cut = True
            return "…"
        try:
            value = _parts_of(value)
        except Exception as error:
            value = f"<{type(value).__name__} that cannot be read: {type(error).__name__}: {error}>"
        if isinstance(value, dict):
            return self._dict(value, depth)
        if isinstance(value, list | tuple):
            return self._list(value, depth)
        return self._text(value) if isinstance(value, str) else self.json(value, depth - 1)

    def _number(self, value: int | float) -> Any:
        if isinstance(value, float):
            self.left -= 20
            return float(value) if math.isfinite(value) else None
        # JSON readers take larger ones for floats, or refuse them.
        if -(2**63) <= value < 2**64:
            self.left -= 20
            return int(value)
        return self._text(hex(value))

    def _text(self, text: str) -> str:
        room = max(self.left, 0)
        head = text_safe(text[:room])
        while (size := len(msgspec.json.encode(head))) > room + 2:
            head = head[: len(head) * room // size]
        self.left -= size
        if len(head) >= len(text):
            return head
        self.cut = True
        return f"{head}… {_count(len(text) - len(head), 'more character')}"

    def _list(self, items: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
        out: list[Any] = []
        self.left -= 2
        for item in items:
            if self.left <= 0:
                self.cut = True
                out.append(f"… {_count(len(items) - len(out), 'more item')}")
                break
            out.append(self.json(item, depth - 1))
            self.left -= 1
        return out

    def _dict(self, items: dict[Any, Any], depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        self.left -= 2
        for number, (key, item) in enumerate(items.items()):
            if self.left <= 0:
                self.cut = True
                out["…"] = _count(len(items) - number, "more key")
                break
            name = self._text(key if isinstance(key, str) else _text_of(key))
            out[name] = self.json(item, depth - 1)
            self.left -= 2
        return out


def _parts_of(value: Any) -> Any:
    """One level of a value, in terms of dicts, lists and plain values; what has no parts becomes its text."""
    kind = type(value)
    if isinstance(value, type):
        return _text_of(value)
    if isinstance(value, datetime.date | datetime.time):
        said = value.isoformat()
        return said.removesuffix("T00:00:00")  # a column of days is one of timestamps in pandas
    if isinstance(value, decimal.Decimal | uuid.UUID | pathlib.PurePath | datetime.timedelta):
        return str(value)
    if isinstance(value, BaseException):
        return f"{kind.__name__}: {value}"
    if isinstance(getattr(value, "shape", None), tuple):
        return _array(value)
    if hasattr(kind, "model_dump"):
        return value.model_dump()
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    if hasattr(kind, "_fields") and isinstance(value, tuple):
        return dict(zip(kind._fields, value, strict=True))
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, set | frozenset):
        return list(value)
    return str(value)


def _array(value: Any) -> Any:
    """A table, a series or an array: all of it if it is small, else its shape and its head."""
    shape = list(value.shape)
    if not shape:
        return value.item()
    if hasattr(value, "columns") and hasattr(value, "head"):
        table = value.head(_ROWS)
        index = getattr(table, "index", None)
        if index is not None and type(index).__name__ != "RangeIndex" and not set(index.names) & set(table.columns):
            table = table.reset_index()  # an index that means something: groups, dates
        rows = table.to_dict("records") if hasattr(table, "to_dict") and index is not None else table.to_dicts()
        return {"type": type(value).__name__, "shape": shape, "rows": rows, **_missing(shape[0], _ROWS, "row")}
    most = _ROWS * 10
    head = value.head(most) if hasattr(value, "head") else value if math.prod(shape) <= most else value.ravel()[:most]
    if hasattr(head, "index") and hasattr(head, "to_dict"):
        items: Any = head.to_dict()
    else:
        items = head.to_list() if hasattr(head, "to_list") else head.tolist()
    if isinstance(items, list) and math.prod(shape) <= most:
        return items
    return {"type": type(value).__name__, "shape": shape, "values": items, **_missing(math.prod(shape), most, "value")}


def _missing(total: int, shown: int, noun: str) -> dict[str, str]:
    return {"…": _count(total - shown, f"more {noun}")} if total > shown else {}
