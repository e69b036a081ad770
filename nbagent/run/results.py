"""The results of a run so far, as Python objects: texts, tool calls, events, tables, documents."""

import itertools
import reprlib
import threading
from typing import TYPE_CHECKING, Any

from nbagent import events as e
from nbagent import recording
from nbagent.errors import MissingExtra, StreamError
from nbagent.run.state import RunState
from nbagent.run.tool_call import ToolCall
from nbagent.transcript import ROOT, Transcript

if TYPE_CHECKING:
    import pandas as pd


class Lane:
    """Stream among several that are shown together. `run.lanes` makes it.

    Args:
        transcript: of the run.
        block_id: of the lane's block.
        lock: guards both.
    """

    def __init__(self, transcript: Transcript, block_id: str, lock: threading.RLock) -> None:
        self._transcript = transcript
        self._block = transcript.blocks[block_id]
        self._lock = lock

    @property
    def name(self) -> str:
        """Name of the stream."""
        return str(self._block.props["name"])

    @property
    def status(self) -> str:
        """`"running"`, or how the stream ended."""
        return str(self._block.props["status"])

    @property
    def text(self) -> str:
        """Text of the stream so far, with an empty line between two paragraphs."""
        return joined(self._transcript, self._lock, "text", self._block.id)

    def __repr__(self) -> str:
        return f"<Lane {self.name!r} {self.status}: {reprlib.repr(self.text)}>"


class RunResults:
    """The results of a run so far. Every property may be read at any time, also while the stream still runs.

    Args:
        state: of the run.
    """

    def __init__(self, state: RunState) -> None:
        self._state = state

    @property
    def name(self) -> str:
        """Name of the run, as the header shows it."""
        return str(self._state.transcript.root.props["name"])

    @property
    def status(self) -> str:
        """`"running"`, `"stopping"`, or how the run ended: completed, incomplete, cancelled, failed, paused, max_steps."""
        return str(self._state.transcript.root.props["status"])

    @property
    def text(self) -> str:
        """Text of the run's own agent so far, with an empty line between two paragraphs."""
        return self._joined("text")

    @property
    def answer(self) -> str:
        """The final answer so far: the text after the last tool call, or the text that the service marks as final."""
        with self._state.lock:
            blocks = list(self._state.transcript.blocks.values())
            final = [block for block in blocks if block.props.get("phase") == "final_answer"]
            last = [block for block in blocks[self._state.answer_index :] if block.props.get("phase") != "commentary"]
            texts = [block.text() for block in final or last if block.kind == "text" and block.parent == ROOT]
            return "\n\n".join(filter(None, texts))

    @property
    def thinking(self) -> str:
        """The thoughts so far; "" if they are hidden."""
        return self._joined("reasoning")

    @property
    def tools(self) -> list[ToolCall]:
        """The tool calls so far, in order."""
        return self._state.tool_calls.of(self._state.transcript)

    @property
    def lanes(self) -> list[Lane]:
        """The streams that are shown together, in the order in which they were given; empty if there is only one."""
        with self._state.lock:
            blocks = self._state.transcript.blocks
            lanes = [id for id, block in blocks.items() if block.kind == "agent" and block.parent == ROOT]
            return [
                Lane(self._state.transcript, id, self._state.lock) for id in sorted(lanes, key=_lane_number) if _lane_number(id)
            ]

    @property
    def usage(self) -> e.Usage:
        """Tokens used so far."""
        return e.Usage(**self._state.transcript.root.props.get("usage", {}))

    @property
    def events(self) -> list[e.Event]:
        """The events so far, as they passed the gate: all, or the newest 40 MB of them (about 130,000 deltas)."""
        with self._state.lock:
            return list(self._state.events)

    @property
    def event_count(self) -> int:
        """Number of the events so far, including those that `events` has dropped."""
        return self._state.events.count

    @property
    def private(self) -> list[e.Event]:
        """The original events, before anything was hidden or masked: all, or the newest 40 MB. Empty if nothing was.

        They are in this process's memory only; `save(path, private=True)` writes them to a file.
        """
        with self._state.lock:
            return self._state.privacy.events

    @property
    def error(self) -> BaseException | None:
        """The exception that ended the stream, or a `StreamError` with the stream's message; None if the run did not fail."""
        fatal = self._state.fatal_error
        if self._state.error is None and fatal is not None and self.status == "failed":
            return StreamError(fatal.message, fatal.code)
        return self._state.error

    def events_df(self) -> "pd.DataFrame":
        """Return the events as a table: one row each, a column for every field that any of them has, `ts` as a time.

        Raises:
            MissingExtra: pandas is not installed.
        """
        pandas = _pandas()
        rows = [e.to_dict(event) for event in self.events]
        first = ["seq", "ts", "type", "id"]
        table: pd.DataFrame = pandas.DataFrame(
            rows, columns=[*first, *sorted({name for row in rows for name in row} - set(first))]
        )
        return table.assign(ts=pandas.to_datetime(table["ts"], unit="s", utc=True)).drop(columns="run_id", errors="ignore")

    def tools_df(self) -> "pd.DataFrame":
        """Return the tool calls as a table: name, state, seconds, args, result (the live object) and error.

        Raises:
            MissingExtra: pandas is not installed.
        """
        columns = ["name", "state", "seconds", "args", "result", "error"]
        rows = [[getattr(call, column) for column in columns] for call in self.tools]
        table: pd.DataFrame = _pandas().DataFrame(rows, columns=columns)
        return table

    def save(self, path: str, *, private: bool = False) -> None:
        """Write the events to a JSONL file that `nbagent.replay` plays again.

        Args:
            path: of the file; an existing one is replaced.
            private: write the original events, with what was hidden. Credentials are masked all the same.
        """
        events = (self.private if private else []) or self.events
        redactor = self._state.privacy.redactor()
        masked = (shown for event in events for shown in redactor.feed(event))
        recording.save(itertools.chain(masked, redactor.close()), path)

    def snapshot(self) -> list[dict[str, Any]]:
        """Return the transcript so far as plain JSON: one dict for each block, parents first."""
        with self._state.lock:
            return self._state.transcript.snapshot()

    def to_markdown(self) -> str:
        """Return the transcript so far as Markdown."""
        from nbagent.render.markdown import transcript_markdown  # imported here, as below, for the sake of the start-up time

        return transcript_markdown(self.snapshot())

    def to_html(self) -> str:
        """Return the transcript so far as a page of its own: static HTML that needs no script and no other file."""
        from nbagent.render.html import document_html

        return document_html(self.snapshot())

    def page(self, name: str, offset: int, max_bytes: int) -> tuple[str, int]:
        """Return a page of a large value or of an inspector's answer, and the characters in all of it.

        Args:
            name: of the value, as its block has it: `result/BLOCK/MIME` or `prop/BLOCK/FIELD`; or a question to the inspector.
            offset: of the page's first character.
            max_bytes: bytes of JSON that the page may take.

        Raises:
            LookupError: there is nothing of that name.
        """
        return self._state.read_page(name, offset, max_bytes)

    def _joined(self, kind: str) -> str:
        return joined(self._state.transcript, self._state.lock, kind)


def joined(transcript: Transcript, lock: threading.RLock, kind: str, parent: str = ROOT) -> str:
    """Return the texts of all blocks of a kind directly inside another, with an empty line between two."""
    with lock:
        blocks = [block for block in transcript.blocks.values() if block.kind == kind and block.parent == parent]
        return "\n\n".join(text for block in blocks if (text := block.text()))


def _lane_number(block_id: str) -> int:
    """Return the number of a lane, from 1, by its block's id; 0 for the block of another agent."""
    number = block_id.removeprefix("lane-")
    return int(number) if number != block_id and number.isdecimal() else 0


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise MissingExtra("A table", "lab") from None
    return pandas
