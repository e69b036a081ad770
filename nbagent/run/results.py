"""The results of a run, and of each of its lanes, so far, as Python objects: texts, tool calls,
events, tables, documents.
"""

import itertools
import reprlib
from typing import TYPE_CHECKING, Any

from nbagent import events as e
from nbagent.blocks.end import end_label
from nbagent.errors import StreamError
from nbagent.events.told import with_told
from nbagent.gate.masking import mask_json
from nbagent.render.durations import worked
from nbagent.run.object_size import object_bytes
from nbagent.run.pandas_module import pandas_module
from nbagent.run.requests import RequestList
from nbagent.run.state import RunState
from nbagent.run.tool_call import ToolCallList
from nbagent.sources import recording
from nbagent.transcript import ROOT

if TYPE_CHECKING:
    import pandas as pd


class Results:
    """The results of a stream so far.

    Every property may be read at any time, also while the stream still runs.

    Args:
        state: of the run.
        scope: id of the block that shows the stream: `ROOT` for the run, or a lane's.
    """

    def __init__(self, state: RunState, scope: str = ROOT) -> None:
        self._state = state
        self._scope = scope

    @property
    def name(self) -> str:
        """Name of the stream, as the header shows it."""
        return str(self._props["name"])

    @property
    def status(self) -> str:
        """`"running"`, `"stopping"`, or how the stream ended: completed, incomplete, cancelled,
        failed, paused, max_steps.
        """
        return str(self._props["status"])

    @property
    def text(self) -> str:
        """Text of the stream's own agent so far, with an empty line between two paragraphs."""
        return self._joined("text")

    @property
    def answer(self) -> str:
        """The final answer so far: the text after the last tool call, or the text that the service
        marks as final.
        """
        with self._state.lock:
            blocks = list(self._state.transcript.blocks.values())
            begin = self._state.answer_index.get(self._scope, 0)
            texts = [
                (at, block)
                for at, block in enumerate(blocks)
                if block.kind == "text" and block.parent == self._scope
            ]
            final = [block for _, block in texts if block.props.get("phase") == "final_answer"]
            last = [
                block
                for at, block in texts
                if at >= begin and block.props.get("phase") != "commentary"
            ]
            return "\n\n".join(text for block in final or last if (text := block.text()))

    @property
    def output(self) -> Any:
        """The answer as the object that was asked for: `agent.stream(…, output=Invoice)`.

        Of any other stream the whole answer that it gave, a text or JSON; None if it gave none, or
        goes on.
        """
        return self._state.outputs.get(self._scope)

    @property
    def thinking(self) -> str:
        """The thoughts so far; "" if they are hidden."""
        return self._joined("reasoning")

    @property
    def tools(self) -> ToolCallList:
        """The tool calls so far, in order; also by the tool's name, `tools["search"]`, which is the
        latest call of it.
        """
        return self._state.tool_calls.of(self._state.transcript, self._scope)

    @property
    def requests(self) -> RequestList:
        """The requests to the model so far: what it was sent, and the raw responses.

        In this process's memory only.

        Those of nbagent's own agent, and of the clients given to `nbagent.watch`. They are not
        among the events, and in no saved file.
        """
        return self._state.requests(self._scope)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation so far, as messages of Chat Completions, for the next request:
        `run.messages + [{…}]`.

        The prompt is among them if the stream has it, or `prompt=` was given; of a run that goes on
        from another, also what was said before. A call that waits for you to run it has no `tool`
        message yet: add that first. What is hidden is left out; where parts of tool calls are
        hidden, all calls before the prompt are.
        """
        # Imported here, as below, for the sake of the start-up time.
        from nbagent.render.messages import messages_of, texts_of

        state = self._state
        with state.lock:
            made = messages_of(state.transcript.snapshot(), state.inspector.contents(), self._scope)
        if state.conversation is None or self._scope != ROOT:
            return made
        if state.privacy.hides_tools:
            before = texts_of(state.conversation.earlier)
        else:
            before = state.conversation.earlier
        return [*mask_json(before, state.privacy.mask), *made]

    @property
    def responses_input(self) -> list[dict[str, Any]]:
        """The conversation so far, as the `input` of OpenAI's Responses API; otherwise as
        `messages`.
        """
        from nbagent.render.messages import responses_of

        return responses_of(self.messages)

    @property
    def usage(self) -> e.Usage:
        """Tokens used so far; of a lane, those of a stream that has ended."""
        if self._scope != ROOT:
            return self._state.usages.get(self._scope, e.Usage())
        return e.Usage(**self._props.get("usage", {}))

    @property
    def events(self) -> list[e.Event]:
        """The events so far, as they passed the gate: all, or the newest 40 MB of them (about
        130,000 deltas).
        """
        with self._state.lock:
            events = list(self._state.events)
        if self._scope == ROOT:
            return events
        inside = f"{self._scope}/"
        return [
            event
            for event in events
            if getattr(event, "id", None) == self._scope
            or event.parent_id == self._scope
            or (event.parent_id or "").startswith(inside)
        ]

    def held_bytes(self) -> dict[int, int]:
        """Return about how many bytes the run keeps alive, by the id of the object: live results,
        outputs and events.
        """
        with self._state.lock:
            objects = [*self._state.tool_calls.results(), *self._state.outputs.values()]
            events = self._state.events
            return {id(events): events.bytes} | {
                id(value): object_bytes(value) for value in objects
            }

    @property
    def error(self) -> BaseException | None:
        """The exception that ended the stream, or a `StreamError` with the stream's message; None
        if it did not fail.
        """
        if self._scope == ROOT and self._state.error is not None:
            return self._state.error
        fatal = self._state.fatal_errors.get(self._scope)
        if fatal is not None and self.status == "failed":
            return StreamError(fatal.message, fatal.code)
        return None

    def events_df(self) -> "pd.DataFrame":
        """Return the events as a table: one row each, a column for every field that any of them
        has, `ts` as a time.

        Raises:
            MissingExtra: pandas is not installed.
        """
        pandas = pandas_module()
        rows = [e.to_dict(event) for event in self.events]
        first = ["seq", "ts", "type", "id"]
        table: pd.DataFrame = pandas.DataFrame(
            rows, columns=[*first, *sorted({name for row in rows for name in row} - set(first))]
        )
        return table.assign(ts=pandas.to_datetime(table["ts"], unit="s", utc=True)).drop(
            columns="run_id", errors="ignore"
        )

    def tools_df(self) -> "pd.DataFrame":
        """Return the tool calls as a table: name, state, seconds, args, result (the live object)
        and error.

        Raises:
            MissingExtra: pandas is not installed.
        """
        columns = ["name", "state", "seconds", "args", "result", "error"]
        rows = [[getattr(call, column) for column in columns] for call in self.tools]
        table: pd.DataFrame = pandas_module().DataFrame(rows, columns=columns)
        return table

    @property
    def _props(self) -> dict[str, Any]:
        return self._state.transcript.blocks[self._scope].props

    def _joined(self, kind: str) -> str:
        with self._state.lock:
            blocks = self._state.transcript.blocks.values()
            texts = [
                block.text()
                for block in blocks
                if block.kind == kind and block.parent == self._scope
            ]
            return "\n\n".join(filter(None, texts))


class Lane(Results):
    """One of several streams that are shown together: its results. `run.lanes` makes it."""

    @property
    def seconds(self) -> float | None:
        """Seconds that the stream took, without those for which it waited for you; None while it
        runs.
        """
        return worked(self._props)

    def __repr__(self) -> str:
        return f"<Lane {self.name!r} {self.status}: {reprlib.repr(self.text)}>"


class RunResults(Results):
    """The results of a run so far: those of its stream, its lanes, and the documents that can be
    made of them.
    """

    @property
    def thread_id(self) -> str | None:
        """The service's id of the stream's session, thread or conversation, for the next request;
        None if it has none.
        """
        return self._state.thread_id

    @property
    def conversation(self) -> Any:
        """The exact history of a run of nbagent's own agent, for `agent.stream(…, after=run)`; None
        of other streams.
        """
        return self._state.conversation

    @property
    def lanes(self) -> list[Lane]:
        """The streams shown together of which reading has begun, in the order given; empty if there
        is only one stream.
        """
        with self._state.lock:
            blocks = self._state.transcript.blocks
            lanes = [
                id
                for id, block in blocks.items()
                if block.kind == "agent" and block.parent == ROOT and _lane_number(id)
            ]
        return [Lane(self._state, id) for id in sorted(lanes, key=_lane_number)]

    def lanes_df(self) -> "pd.DataFrame":
        """Return the lanes as a table, a row each: name, status, seconds, text, tools, input,
        output, error.

        `tools` is the number of calls, `input` and `output` are tokens, `error` is why the answer
        is not whole: the error's message, or "Cut off at 12 tokens (max_tokens)".

        Raises:
            MissingExtra: pandas is not installed.
        """
        columns = ["name", "status", "seconds", "text", "tools", "input", "output", "error"]
        rows = [
            [
                lane.name,
                lane.status,
                lane.seconds,
                lane.text,
                len(lane.tools),
                lane.usage.input,
                lane.usage.output,
                _message(lane),
            ]
            for lane in self.lanes
        ]
        table: pd.DataFrame = pandas_module().DataFrame(rows, columns=columns)
        return table

    @property
    def event_count(self) -> int:
        """Number of the events so far, including those that `events` has dropped."""
        with self._state.lock:
            return self._state.events.count

    @property
    def private(self) -> list[e.Event]:
        """The original events, before anything was hidden or masked: all, or the newest 40 MB.

        Empty if nothing was.

        They are in this process's memory only; `save(path, private=True)` writes them to a file.
        """
        with self._state.lock:
            return self._state.privacy.events

    def save(self, path: str, *, private: bool = False) -> None:
        """Write the events to a JSONL file that `nbagent.replay` plays again.

        Args:
            path: of the file; an existing one is replaced.
            private: write the original events, with what was hidden. Credentials are masked all the
                same.
        """
        events = self.events
        if private:
            events = self.private or events  # the originals, if something was hidden
        redactor = self._state.privacy.redactor()
        masked = (shown for event in events for shown in redactor.feed(with_told(event)))
        recording.save(itertools.chain(masked, redactor.close()), path)

    def snapshot(self) -> list[dict[str, Any]]:
        """Return the transcript so far as plain JSON: one dict for each block, parents first."""
        with self._state.lock:
            return self._state.transcript.snapshot()

    def to_markdown(self) -> str:
        """Return the transcript so far as Markdown.

        The answer's own HTML, links and remote pictures stay as they are, so it is for renderers
        that filter these, as GitHub's and JupyterLab's do. `to_html` has filtered them itself.
        """
        from nbagent.render.markdown import transcript_markdown

        return transcript_markdown(self.snapshot())

    def to_html(self) -> str:
        """Return the transcript so far as a page of its own: static HTML that needs no script and
        no other file.
        """
        from nbagent.render.html import document_html

        return document_html(self.snapshot())

    def page(self, name: str, offset: int, max_bytes: int) -> tuple[str, int]:
        """Return a page of a large value or of an inspector's answer, and the characters in all of
        it.

        Args:
            name: of the value, as its block has it: `result/BLOCK/MIME` or `prop/BLOCK/FIELD`; or a
                question to the inspector.
            offset: of the page's first character.
            max_bytes: bytes of JSON that the page may take.

        Raises:
            LookupError: there is nothing of that name.
        """
        return self._state.read_page(name, offset, max_bytes)


def _lane_number(block_id: str) -> int:
    """Return the number of a lane, from 1, by its block's id; 0 for the block of another agent."""
    number = block_id.removeprefix("lane-")
    if number == block_id or not number.isdecimal():
        return 0
    return int(number)


def _message(lane: Lane) -> str | None:
    """Return why a lane has no whole answer; None if it has one, or goes on."""
    if lane.error is not None:
        return str(lane.error)
    if lane.status in ("running", "completed"):
        return None
    return end_label(lane._props)
