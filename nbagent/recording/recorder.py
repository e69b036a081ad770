"""Whatever is shown, kept in a file while it is shown."""

import io
import logging
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from nbagent import events as ev
from nbagent.recording.file import header, line

_log = logging.getLogger("nbagent")
_lock = threading.Lock()
_active: list["Recorder"] = []
_written: set[Path] = set()  # files that are open, some for runs that go on behind their block


def record(path: str | Path) -> "Recorder":
    """Keep every run that is shown inside a `with` block, as it comes, in one file that `nbagent.replay` plays again.

        with nbagent.record("afternoon.jsonl"):
            nbagent.show(stream)

    A run that goes on behind the block is kept to its end. What a reader may not see is not in the file. Of several runs,
    `nbagent.replay(path, run=2)` plays the second.

    Args:
        path: the file; an existing one is replaced.

    Raises:
        OSError: on entering: the file cannot be written, or a run is still being kept in it.
    """
    return Recorder(Path(path))


def recorders() -> list["Recorder"]:
    """Those that keep what is shown now."""
    with _lock:
        return list(_active)


class Recorder:
    """Writes the events of runs to a file, each at once, so that a crash costs at most the last. Made by `record`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._file: io.FileIO | None = None
        self._left = 0  # runs that are not over, and the block itself

    def __enter__(self) -> Self:
        place, first = self.path.resolve(), header()
        with _lock:
            if place in _written:
                raise FileExistsError(
                    f"{str(self.path)!r} is being written: a run that is kept in it goes on, or a block is open"
                )
            self._file = place.open("wb", buffering=0)
            _written.add(place)
        try:
            self._write(first)
        except OSError:
            self._close()
            raise
        self.begin()
        with _lock:
            _active.append(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with _lock:
            _active.remove(self)
        self.end()

    def begin(self) -> None:
        """One more run is kept, until `end`."""
        with self._lock:
            self._left += 1

    def keep(self, event: ev.Event) -> None:
        """Write one event of such a run. A file that cannot be written any more is given up, and said so in the log."""
        text = line(event)
        with self._lock:
            try:
                self._write(text)
            except OSError:
                _log.exception("The recording %s ends here: it cannot be written", self.path)
                self._close()

    def end(self) -> None:
        """A run is over, or the block; behind the last of them the file is closed."""
        with self._lock:
            self._left -= 1
            if not self._left:
                self._close()

    def _write(self, text: bytes) -> None:
        while text and self._file is not None:  # on a disk that is nearly full, a part of it at a time
            text = text[self._file.write(text) :]

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with _lock:
                _written.discard(Path(file.name))
            file.close()

    def __repr__(self) -> str:
        return f"<Recorder {str(self.path)!r}>"
