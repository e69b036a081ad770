"""The file of a recording: the lines of `nbagent.events.lines`, each complete as soon as it is
written.

Any other file is read as the body that a service sent.
"""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from nbagent import events as ev
from nbagent.errors import NbagentError
from nbagent.events.lines import HEADER_TYPE, header, line
from nbagent.sources.wire.body import BodyDecoder
from nbagent.sources.wire.json_stream import DocumentTooLarge, item_of

DAMAGED = "damaged_recording"
"""Code of the error event that takes the place of the lines that cannot be read."""

_CHUNK_BYTES = 64 * 1024
_TYPES = {
    ".sse": "text/event-stream",
    ".json": "application/json",
    ".ndjson": "application/x-ndjson",
}


def save(events: Iterable[ev.Event], path: str | Path) -> None:
    """Write a header and one event per line. A crash costs at most the last one.

    Raises:
        OSError: the file cannot be written.
    """
    with Path(path).open("wb") as file:
        file.write(header(time.time()))
        file.writelines(map(line, events))


def load(path: str | Path) -> list[ev.Event]:
    """Read a recording, all of it at once.

    Of a recording that was cut or damaged, every event before the damage is returned, and then an
    `error` event with its place. A line that is no event (of a newer version, perhaps) becomes a
    `raw` event.

    Args:
        path: of the file, as `record` or `run.save` wrote it.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: the file cannot be read.
    """
    events: list[ev.Event] = []
    for item in _lines(existing_file(path)):
        if isinstance(item, ev.Event):
            events.append(item)
        else:
            events.append(ev.Raw(data=item, name="recording"))
    return events


def items(path: str | Path, run: int = 1) -> Iterator[Any]:
    """Yield the items of a recording: events, or the items of a service's body.

    The file is read as they are taken.

    Args:
        path: as for `replay`.
        run: number of the run, from 1, if it holds several; in the order in which they began.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: the file cannot be read.
        ValueError: `run` is not positive.
        NbagentError: there are fewer runs, an item is larger than 64 MiB, or a binary stream is
            damaged.
    """
    path, run = existing_file(path), positive_run(run)
    if path.suffix == ".jsonl":
        return _of_run(_lines(path), run, path.name)
    return _items(path)


def positive_run(run: int) -> int:
    """Return the number of a run.

    Raises:
        ValueError: it is not positive.
    """
    if run < 1:
        raise ValueError(f"run must be the number of a recorded run, counted from 1; got {run!r}")
    return run


def existing_file(path: str | Path) -> Path:
    """Return the path of a file.

    Raises:
        FileNotFoundError: there is none; the message has the current directory.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"there is no recording at {str(path)!r}; the current directory is {str(Path.cwd())!r}"
        )
    return Path(path)


def _lines(path: Path) -> Iterator[Any]:
    """Yield events, one a line. Without a header, a line may also be some other system's item."""
    has_header, offset = False, 0
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            try:
                if text.strip():
                    yield ev.from_json(text)
            except msgspec.DecodeError as error:
                item = _item_of(text)
                if isinstance(item, str) and (has_header or not text.endswith(b"\n")):
                    yield _damage(path, number, offset, text, error)
                    return
                if number == 1 and isinstance(item, dict) and item.get("type") == HEADER_TYPE:
                    has_header = True
                else:
                    yield item
            offset += len(text)


def _item_of(text: bytes) -> Any:
    line = text.strip().decode("utf-8", "replace")
    try:
        return item_of(line)
    except DocumentTooLarge:
        return line


def _of_run(items: Iterable[Any], wanted: int, name: str) -> Iterator[Any]:
    """Yield the items of one run among several.

    If more runs follow, a `status` event before its end reports it.
    """
    numbers = _RunNumbers()
    end: ev.RunEnd | None = None
    for item in items:
        run = wanted
        if isinstance(item, ev.Event) and item.run_id:
            run = numbers.of(item)
        if run == wanted:
            if isinstance(item, ev.RunEnd):
                end = item
            else:
                yield item
        if end is not None and numbers.count > wanted:
            yield ev.Status(message=f"{name} keeps more than one run: run={wanted + 1} is the next")
            break
    if end is not None:
        yield end
    elif 0 < numbers.count < wanted:
        held = f"{numbers.count} runs"
        if numbers.count == 1:
            held = "1 run"
        raise NbagentError(f"{name} holds {held}; there is no run {wanted}")


class _RunNumbers:
    """Numbers the runs of a recording in the order in which they come.

    Attributes:
        count: number of runs so far.
    """

    def __init__(self) -> None:
        self.count = 0
        self._by_id: dict[str, int] = {}
        self._started: set[str] = set()

    def of(self, event: ev.Event) -> int:
        """Return the number of an event's run, which is a new one if that starts again."""
        id = event.run_id
        assert id
        begins = isinstance(event, ev.RunStart)
        # what was given with the stream, such as its prompt, comes before its start
        if id not in self._by_id or (begins and id in self._started):
            self.count += 1
            self._by_id[id] = self.count
        if begins:
            self._started.add(id)
        return self._by_id[id]


def _damage(path: Path, number: int, offset: int, text: bytes, error: Exception) -> ev.Error:
    reason = "it was cut there"
    if text.endswith(b"\n"):
        reason = str(error)
    message = (
        f"The recording {path.name} cannot be read from line {number} on (byte {offset:,}): "
        f"{reason}. All before that is whole."
    )
    return ev.Error(message=message, code=DAMAGED, fatal=True)


def _items(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        yield from body_items(file, _TYPES.get(path.suffix, ""))


def body_items(file: BinaryIO, content_type: str = "") -> Iterator[Any]:
    """Yield the items of a body as a service sent it, read from an open file as they are taken.

    Raises:
        OSError: the file cannot be read.
        NbagentError: an item is larger than 64 MiB, or a binary stream is damaged.
    """
    body = BodyDecoder(content_type)
    while chunk := file.read(_CHUNK_BYTES):
        yield from body.feed(chunk)
    yield from body.close()
