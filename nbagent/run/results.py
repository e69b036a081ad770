"""What has come of a run so far: its texts, its tools, its events, as Python's own objects."""

import itertools
import reprlib
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbagent import events as e
from nbagent import recording
from nbagent.errors import MissingExtra, StreamError
from nbagent.events.log import EventLog
from nbagent.gate.privacy import Privacy
from nbagent.inspector import Inspector
from nbagent.pump import LargeValues
from nbagent.run.tool_call import ToolCall, ToolCalls
from nbagent.transcript import ROOT, Transcript

if TYPE_CHECKING:
    import pandas as pd


class Lane:
    """One of several streams that were shown together. `run.lanes` makes them.

    Args:
        transcript: of the run.
        block: the lane's.
        lock: guards both.
    """

    def __init__(self, transcript: Transcript, block: str, lock: threading.RLock) -> None:
        self._transcript = transcript
        self._block = transcript.blocks[block]
        self._lock = lock

    @property
    def name(self) -> str:
        """The stream's name."""
        return str(self._block.props["name"])

    @property
    def status(self) -> str:
        """`"running"`, or how it ended."""
        return str(self._block.props["status"])

    @property
    def text(self) -> str:
        """What was said in it so far, paragraphs apart."""
        return joined(self._transcript, self._lock, "text", self._block.id)

    def __repr__(self) -> str:
        return f"<Lane {self.name!r} {self.status}: {reprlib.repr(self.text)}>"


class Outcome:
    """What a run has come to; read again later, it says more."""

    _transcript: Transcript
    _events: EventLog
    _privacy: Privacy
    _large_values: LargeValues
    _inspector: Inspector
    _error: BaseException | None
    _told: e.Error | None
    _tools: ToolCalls
    _lock: threading.RLock
    _answer_at: int

    @property
    def name(self) -> str:
        """The name in the header."""
        return str(self._transcript.root.props["name"])

    @property
    def status(self) -> str:
        """`"running"`, `"stopping"`, or how it ended: completed, incomplete, cancelled, failed, paused, max_steps."""
        return str(self._transcript.root.props["status"])

    @property
    def text(self) -> str:
        """Everything the run's own agent has said so far, paragraphs apart."""
        return joined(self._transcript, self._lock, "text")

    @property
    def answer(self) -> str:
        """The final answer so far: what the run's own agent said after its last tool call, or what its service calls so."""
        with self._lock:
            blocks = list(self._transcript.blocks.values())
            final = [block for block in blocks if block.props.get("phase") == "final_answer"]
            said = final or [block for block in blocks[self._answer_at :] if block.props.get("phase") != "commentary"]
            texts = [block.text() for block in said if block.kind == "text" and block.parent == ROOT]
            return "\n\n".join(filter(None, texts))

    @property
    def thinking(self) -> str:
        """The thoughts so far, if they may be seen."""
        return joined(self._transcript, self._lock, "reasoning")

    @property
    def tools(self) -> list[ToolCall]:
        """The tool calls so far, in order."""
        return self._tools.of(self._transcript)

    @property
    def lanes(self) -> list[Lane]:
        """The streams of a run that watches several, in the order they were given; else none."""
        with self._lock:
            lanes = [id for id, block in self._transcript.blocks.items() if block.kind == "agent" and block.parent == ROOT]
            return [Lane(self._transcript, id, self._lock) for id in sorted(lanes, key=_place) if _place(id)]

    @property
    def usage(self) -> e.Usage:
        """Tokens so far."""
        return e.Usage(**self._transcript.root.props.get("usage", {}))

    @property
    def events(self) -> list[e.Event]:
        """The events so far, as they passed the gate: all, or the newest 40 MB of them (about 130,000 deltas)."""
        with self._lock:
            return list(self._events)

    @property
    def private(self) -> list[e.Event]:
        """The events as they came, before anything was hidden or masked: all, or the newest 40 MB. Empty if nothing was.

        They are in this process's memory only; `save(path, private=True)` writes them to a file.
        """
        with self._lock:
            return self._privacy.events

    @property
    def error(self) -> BaseException | None:
        """What made the run fail: the exception that ended the stream, or a `StreamError` with what the stream said."""
        if self._error is None and self._told is not None and self.status == "failed":
            return StreamError(self._told.message, self._told.code)
        return self._error

    def events_df(self) -> "pd.DataFrame":
        """The events as a table: one row each, with every field that any of them has; `ts` as a time.

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
        """The tool calls as a table: name, state, seconds, arguments, result (the live object) and error.

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
            path: the file; an existing one is replaced.
            private: also what was hidden from the reader. Credentials are masked all the same.
        """
        kept = (self.private if private else []) or self.events
        redactor = self._privacy.redactor()
        recording.save(itertools.chain((shown for event in kept for shown in redactor.feed(event)), redactor.close()), path)

    def snapshot(self) -> list[dict[str, Any]]:
        """The transcript as plain JSON: one dict for each block, parents first."""
        with self._lock:
            return self._transcript.snapshot()

    def to_markdown(self) -> str:
        """The transcript so far as Markdown."""
        from nbagent.render.markdown import transcript_markdown  # as below: a Markdown parser, for those who ask for it

        return transcript_markdown(self.snapshot())

    def to_html(self) -> str:
        """The transcript so far as a page of its own: static HTML that needs no script and no other file."""
        from nbagent.render.html import document_html

        return document_html(self.snapshot())

    def page(self, name: str, at: int, room: int) -> tuple[str, int]:
        """A page of something that was too large to travel with its block, and the characters in all of it.

        Args:
            name: as the block has it in place of the value: `result/BLOCK/MIME` or `prop/BLOCK/FIELD`; or a question to the
                inspector.
            at: the page's first character.
            room: bytes of JSON that the page may take.

        Raises:
            LookupError: there is no such part.
        """
        with self._lock:
            asked = self._inspector if self._inspector.knows(name) else self._large_values
            return asked.page(name, at, room)

    def _props_of(self, block: str) -> Mapping[str, Any] | None:
        found = self._transcript.blocks.get(block)
        return None if found is None else found.props

    def _text_of(self, block: str) -> str | None:
        # A pattern may match across two pages: of a result that is masked, no more is shown than its head.
        return self._tools.text_of(block) if not self._privacy.has_patterns else None


def joined(transcript: Transcript, lock: threading.RLock, kind: str, parent: str = ROOT) -> str:
    """The texts of all blocks of a kind that stand right inside another, paragraphs apart."""
    with lock:
        blocks = [block for block in transcript.blocks.values() if block.kind == kind and block.parent == parent]
        return "\n\n".join(text for block in blocks if (text := block.text()))


def _place(block: str) -> int:
    """A lane's place by its id, from 1; 0 for another agent."""
    number = block.removeprefix("lane-")
    return int(number) if number != block and number.isdecimal() else 0


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise MissingExtra("A table", "lab") from None
    return pandas
