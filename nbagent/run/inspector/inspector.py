"""Answers the view's questions about a run: its events, filtered and searched, its timeline, its
text to copy, its past.

The questions and answers are declared in `nbagent.protocol.inspection`. One question searches a
stretch of the run, not all of it, because the run waits meanwhile. Only events that have passed the
gate are here.
"""

import itertools
import json
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.events.json_text import decode_json
from nbagent.events.jsonable import json_safe, text_safe
from nbagent.events.log import EventLog
from nbagent.protocol.inspection import (
    Bar,
    Carried,
    EventsAnswer,
    EventsQuestion,
    TimelineAnswer,
)
from nbagent.render.messages import messages_python
from nbagent.run.inspector.brief import LINE_CHARS, brief
from nbagent.run.inspector.fitting import PagedAnswer, filled
from nbagent.run.inspector.requests import request_bar
from nbagent.run.inspector.search import Search, joined, json_text
from nbagent.run.inspector.time_travel import TimeTravel
from nbagent.run.inspector.timeline import Timeline
from nbagent.run.requests import RequestList
from nbagent.transcript import Transcript

PAGE_ROWS = 100
"""Events in one page."""
MAX_SEARCHES = 4
"""Searches that are kept, so that the next page, or another view, does not start from the
beginning.
"""
MAX_TIMELINE_EVENTS = 130_000
"""Events that one question adds to the timeline at most: about as many deltas as a run keeps, in a
twentieth of a second.
"""


class Inspector:
    """Answers questions about one run; called under the run's lock.

    Args:
        log: the events, as they passed the gate.
        transcript: of the events.
        past: the transcript as it was.
        requests: returns the requests to the model, which are steps of the timeline where the
            stream has fewer.
        carried: returns what the results of calls cost in later requests, by the service's id of
            the call.
    """

    def __init__(
        self,
        log: EventLog,
        transcript: Transcript,
        past: TimeTravel,
        requests: Callable[[], RequestList] = RequestList,
        carried: Callable[[], dict[str, Carried]] = dict,
    ) -> None:
        self._log = log
        self._transcript = transcript
        self._time_travel = past
        self._requests = requests
        self._carried = carried
        self._carried_by_call: dict[str, Carried] = {}
        self._searches: OrderedDict[EventsQuestion, Search] = OrderedDict()
        self._types: Counter[type[e.Event]] = Counter()
        self._counted = 0
        self._timeline = Timeline()
        self._timed = 0
        self._paged = PagedAnswer()

    @staticmethod
    def knows(name: str) -> bool:
        """Return True if the name is a question to the inspector."""
        return name.partition("/")[0] in ("events", "event", "timeline", "copy", "past")

    def page(self, name: str, offset: int, max_bytes: int) -> tuple[str, int]:
        """Return a page of an answer, and the characters in all of it.

        Args:
            name: the question.
            offset: of the page's first character.
            max_bytes: bytes of JSON that the page may take.

        Raises:
            LookupError: the name is not a question, or there is no such event; the message is for
                the reader.
        """
        kind, _, rest = name.partition("/")
        if kind == "events":
            answer = self._events(_question(rest), max_bytes)
            return answer, len(answer)
        if kind == "timeline":
            answer = self._times(max_bytes, _number(rest) if rest else None)
            return answer, len(answer)
        number, _, value = rest.partition("/")
        if kind == "past" and value:
            return self._time_travel.page(_number(number), value, offset, max_bytes)
        make = {"copy": self._copy, "past": self._stretch}.get(kind, self._event)
        return self._paged.page(name, offset, max_bytes, lambda: text_safe(make(rest)))

    def _events(self, question: EventsQuestion, max_bytes: int) -> str:
        self._types.update(map(type, self._log.since(self._counted + 1)))
        self._counted = self._log.count
        numbers: Sequence[int] = range(1, self._log.count + 1)
        seen = self._log.count
        if question.type or question.text or question.block or question.fold:
            search = self._search(question)
            search.search_next(self._log)
            numbers, seen = search.found, search.seen
        types = {str(kind.__struct_config__.tag): count for kind, count in self._types.items()}
        rows = (
            self._row(number, question.fold)
            for number in numbers[question.at : question.at + PAGE_ROWS]
        )
        answer = EventsAnswer(
            total=len(numbers), seen=seen, count=self._log.count, types=types, rows=[]
        )
        return filled(answer, rows, max_bytes)

    def _search(self, question: EventsQuestion) -> "Search":
        key = msgspec.structs.replace(question, at=0)
        search = self._searches.pop(key, None) or Search(key, self._transcript.block_id)
        self._searches[key] = search
        if len(self._searches) > MAX_SEARCHES:
            self._searches.popitem(last=False)
        return search

    def _row(self, number: int, fold: bool) -> list[Any]:
        if fold:
            event = joined(self._log, number, LINE_CHARS)
        else:
            event = self._log.get(number)
        if event is None:
            return [number]
        return [number, event.ts, e.type_of(event), brief(event)]

    def _times(self, max_bytes: int, before: int | None) -> str:
        """Return the timeline with the newest bars, or with those before the one of a number."""
        for event in itertools.islice(self._log.since(self._timed + 1), MAX_TIMELINE_EVENTS):
            self._timeline.feed(event)
            self._timed = max(self._timed, self._log.dropped) + 1
        line = self._timeline
        bars = self._with_requests(line)
        if before is None:
            self._carried_by_call = self._carried()
        total = line.left_out + len(bars)
        to = total if before is None else min(before, total)
        run = self._transcript.root.props
        starts = [line.start, run.get("started"), *(bar.start for bar in itertools.islice(bars, 1))]
        start = None
        if line.start is not None:
            start = min(each for each in starts if each is not None)
        first_token = run.get("first_token")
        if first_token is not None:  # seconds
            first_token += run["started"]
        answer = TimelineAnswer(
            start=start,
            end=run.get("ended") or line.end,
            first_token=first_token,
            gap_count=line.gap_count,
            gap_seconds=line.gap_seconds,
            gaps=list(line.gaps),
            steps=sum(bar.kind == "step" for bar in bars),
            by_requests=bars is not line.bars,
            left_out=line.left_out,
            total=total,
            to=to,
            seen=self._timed,
            count=self._log.count,
            bars=[],
        )
        wanted = itertools.islice(reversed(bars), total - to, None)
        return filled(answer, map(self._bar, wanted), max_bytes)

    def _with_requests(self, line: Timeline) -> Sequence[Bar]:
        """Return the bars, with the requests as steps if the stream has fewer steps than there were
        requests.
        """
        requests = self._requests()
        if len({(each.lane, each.agent, each.step) for each in requests}) <= line.steps:
            return line.bars
        others = (bar for bar in line.bars if bar.kind != "step")
        return sorted([*map(request_bar, requests), *others], key=lambda bar: bar.start)

    def _bar(self, bar: Bar) -> Bar:
        if bar.block is None:
            return bar
        id = self._transcript.block_id(bar.block, bar.kind)
        block = self._transcript.blocks.get(id)
        if block is None:
            return msgspec.structs.replace(bar, block=id)
        return msgspec.structs.replace(
            bar,
            block=id,
            waited=block.props.get("waited"),
            carried=self._carried_by_call.get(block.props.get("call_id", "")),
        )

    def _stretch(self, numbers: str) -> str:
        after, _, to = numbers.partition("-")
        return self._time_travel.stretch(_number(after), _number(to))

    def _event(self, number: str) -> str:
        event = self._log.get(_number(number))
        if event is None:
            raise LookupError(f"event {number} is no longer kept")
        return json_text(event)

    def contents(self) -> dict[str, Any]:
        """Return the result of each tool call as the model got it, by the id of the call's
        block.
        """
        results = (
            event
            for event in self._log
            if isinstance(event, e.ToolResult) and not event.preliminary
        )
        return {
            self._transcript.block_id(event.id, "tool"): json_safe(event.content)
            for event in results
        }

    def _copy(self, form: str) -> str:
        blocks = self._transcript.snapshot()
        match form:
            case "markdown":
                # On demand: it loads the parser of Markdown.
                from nbagent.render.markdown import transcript_markdown

                return transcript_markdown(blocks)
            case "json":
                return json.dumps(blocks, ensure_ascii=False, indent=2)
            case "python":
                return messages_python(blocks, self.contents())
        raise LookupError(
            f"the transcript cannot be copied as {form!r}; use 'markdown', 'json' or 'python'"
        )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise LookupError(f"expected the number of an event; got {text!r}")
    return int(text)


def _question(name: str) -> EventsQuestion:
    try:
        question = decode_json(name, type=EventsQuestion)
    except msgspec.MsgspecError as error:
        raise LookupError(f"invalid question about events: {error}") from error
    if question.at < 0:
        raise LookupError(f"rows are counted from 0; got {question.at}")
    return question
