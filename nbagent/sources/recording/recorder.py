"""`record()`: writes every run that is shown to a file, while it is shown."""

import io
import logging
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from nbagent import events as ev
from nbagent.events.lines import header, line

_log = logging.getLogger("nbagent")
_lock = threading.Lock()
_active: list["Recorder"] = []
_open_files: set[Path] = set()  # some of them for runs that outlive their `with` block


def record(path: str | Path) -> "Recorder":
    """Write every run that is shown inside a `with` block, as it comes, to one file that
    `nbagent.replay` plays again.

        with nbagent.record("afternoon.jsonl"):
            nbagent.show(stream)

    A run that outlives the block is recorded to its end. What the gate hides is not in the file. Of
    several runs, `nbagent.replay(path, run=2)` plays the second.

    Args:
        path: the file; an existing one is replaced.

    Raises:
        OSError: on entering: the file cannot be written, or a run is still being recorded in it.
    """
    return Recorder(Path(path))


def recorders() -> list["Recorder"]:
    """Return the recorders that are active now."""
    with _lock:
        return list(_active)


class Recorder:
    """Writes the events of runs to a file, each at once, so that a crash costs at most the last.

    `record` makes it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._file: io.FileIO | None = None
        self._users = 0  # the runs that are not over, and the `with` block

    def __enter__(self) -> Self:
        resolved, first = self.path.resolve(), header(time.time())
        with _lock:
            if resolved in _open_files:
                raise FileExistsError(
                    f"{str(self.path)!r} is being written: a run that is recorded in it goes on, "
                    "or a block is open"
                )
            self._file = resolved.open("wb", buffering=0)
            _open_files.add(resolved)
        try:
            self._write(first)
        except OSError:
            self._close()
            raise
        self.begin()
        with _lock:
            _active.append(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with _lock:
            _active.remove(self)
        self.end()

    def begin(self) -> None:
        """Begin to record one more run, until `end`."""
        with self._lock:
            self._users += 1

    def keep(self, event: ev.Event) -> None:
        """Write one event of such a run.

        A file that cannot be written any more is given up, with an entry in the log.
        """
        text = line(event)
        with self._lock:
            try:
                self._write(text)
            except OSError:
                _log.exception("The recording %s ends here: it cannot be written", self.path)
                self._close()

    def end(self) -> None:
        """End the recording of a run, or of the block. The last of them closes the file."""
        with self._lock:
            self._users -= 1
            if not self._users:
                self._close()

    def _write(self, text: bytes) -> None:
        while text and self._file is not None:
            # A disk that is nearly full takes a part of it at a time.
            text = text[self._file.write(text) :]

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with _lock:
                _open_files.discard(Path(file.name))
            file.close()

    def __repr__(self) -> str:
        return f"<Recorder {str(self.path)!r}>"
