"""Recordings: the events of a run as JSON lines, written, read back, and played again at their own pace."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from nbagent import events as ev
from nbagent.loop import OwnedStream
from nbagent.plain import json_safe
from nbagent.wire.body import BodyDecoder
from nbagent.wire.json_stream import item_of

_CHUNK = 64 * 1024
_TYPES = {".sse": "text/event-stream", ".json": "application/json", ".ndjson": "application/x-ndjson"}


def save(events: Iterable[ev.Event], path: str | Path) -> None:
    """Write one event per line. Each line is whole as soon as it is written, so that a crash costs at most the last one.

    Raises:
        OSError: the file cannot be written.
    """
    with Path(path).open("wb") as file:
        file.writelines(_line(event) for event in events)


def _line(event: ev.Event) -> bytes:
    with contextlib.suppress(Exception):
        return ev.to_json(event) + b"\n"
    with contextlib.suppress(Exception):  # half a surrogate pair, say: put right, that is better than no recording
        return msgspec.json.encode(json_safe(ev.to_dict(event))) + b"\n"
    lost = ev.Status(message=f"A {ev.type_of(event)} event could not be written here", level="warning")
    return ev.to_json(lost) + b"\n"


def load(path: str | Path) -> list[ev.Event]:
    """Read what `save` wrote.

    A recording that was cut keeps every whole line, and ends with a `status` event that says so. A line that is no event, of a
    newer version perhaps, becomes a `raw` event.

    Raises:
        OSError: the file cannot be read.
    """
    return [item if isinstance(item, ev.Event) else ev.Raw(data=item, name="recording") for item in _lines(Path(path))]


def replay(path: str | Path, speed: float | None = None, *, rate: float | None = None) -> "Replay":
    """Play a recording again: an async iterable of its items, for `nbagent.show` or a loop of your own.

    A `.jsonl` file, as `run.save` writes it, gives its events (or, where a line is some other system's item, that item). Any
    other file is the bytes as a service sent them, and gives its items as they would come from there: the payloads of
    server-sent events, JSON documents, the entries of an array, or text.

    Args:
        path: the recording.
        speed: 1 keeps the time that passed between the events, 2 halves it; None or 0 does not wait. Only events carry times.
        rate: items per second, for any recording; instead of `speed`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: `speed` or `rate` is negative, or both are given.
    """
    if (speed or 0) < 0 or (rate or 0) < 0 or (speed and rate):
        raise ValueError(f"replay() takes a positive speed or a positive rate, not both; got speed={speed!r}, rate={rate!r}")
    if not Path(path).is_file():
        raise FileNotFoundError(f"no recording at {str(path)!r}, seen from {str(Path.cwd())!r}")
    return Replay(Path(path), speed or None, rate or None)


class Replay(OwnedStream):
    """A recording that plays, from its beginning each time it is iterated. Made by `replay`.

    Attributes:
        name: the file's name without its ending.
    """

    def __init__(self, path: Path, speed: float | None, rate: float | None) -> None:
        self.name = path.stem
        self._path = path
        self._speed = speed
        self._rate = rate

    async def __aiter__(self) -> AsyncIterator[Any]:
        loop = asyncio.get_running_loop()
        start = loop.time()
        first: float | None = None
        read = _lines if self._path.suffix == ".jsonl" else _items
        for number, item in enumerate(read(self._path)):
            due = start
            if self._rate:
                due = start + number / self._rate
            elif self._speed and isinstance(item, ev.Event) and item.ts:
                first = item.ts if first is None else first
                due = start + (item.ts - first) / self._speed
            await asyncio.sleep(max(0.0, due - loop.time()))  # 0 gives others their turn
            yield item


def _lines(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            text = line.strip()
            if not text:
                continue
            try:
                yield ev.from_json(text)
            except msgspec.DecodeError as error:
                if isinstance(error, msgspec.ValidationError) or line.endswith(b"\n"):
                    yield item_of(text.decode("utf-8", "replace"))
                else:
                    yield ev.Status(message=f"The recording {path.name} breaks off in line {number}", level="warning")


def _items(path: Path) -> Iterator[Any]:
    """The items of a body as a service sent it."""
    body = BodyDecoder(_TYPES.get(path.suffix, ""))
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield from body.feed(chunk)
    yield from body.close()
