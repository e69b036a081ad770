"""What a reader may ask of a run beside its transcript: its events, filtered and searched, its timeline, its text to copy.

The view asks as it does for anything large (see `pump.parts`): by the name of a part, which is the question itself.

    events/{"at","type","text","block","kind"}   {"rows": [[number, time, type, summary], …], "total", "seen", "count", "types"}
    event/NUMBER                                 the event's JSON
    timeline                                     {"bars": […], "start", "end", "first_token", "gaps", …, "seen", "count"}
    copy/markdown, copy/json, copy/python        the transcript in that form

`rows` are those of the matching events from row `at` (from 0) on, as many as fit, and `total` is how many match. An event's
number counts from 1; of an event that is no longer kept the row is the number alone. One question looks at a stretch of the
run, not at all of it, because the run waits meanwhile: while `seen` is less than `count` there is more to find, and the view
asks again. Only what has passed the gate is here.
"""

import itertools
import json
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.events.jsonable import json_safe, text_safe
from nbagent.events.log import EventLog
from nbagent.inspector.brief import brief
from nbagent.inspector.search import Question, Search, json_text
from nbagent.inspector.timeline import Bar, Timeline
from nbagent.protocol.json_size import json_size, truncate_to_bytes
from nbagent.render.markdown import transcript_markdown
from nbagent.render.messages import messages_python

ROWS = 100
"""Events in one page."""
WAYS = 4
"""Searches that are remembered, so that a page further on, or another view, does not begin anew."""
TIMED = 20_000
"""Events that one question adds to the timeline."""


class Inspector:
    """Answers questions about one run; called under the run's lock.

    Args:
        log: the events, as they passed the gate.
        place: the id of the block of an event's id and a kind; see `Transcript.place`.
        snapshot: the transcript as plain JSON.
    """

    def __init__(self, log: EventLog, place: Callable[[str, str], str], snapshot: Callable[[], list[dict[str, Any]]]) -> None:
        self._log = log
        self._place = place
        self._snapshot = snapshot
        self._searches: OrderedDict[Question, Search] = OrderedDict()
        self._types: Counter[type[e.Event]] = Counter()
        self._counted = 0
        self._timeline = Timeline()
        self._timed = 0
        self._text: tuple[str, str] | None = None

    @staticmethod
    def knows(name: str) -> bool:
        """Whether that is the name of a part that is asked for here."""
        return name.partition("/")[0] in ("events", "event", "timeline", "copy")

    def page(self, name: str, at: int, room: int) -> tuple[str, int]:
        """A page of an answer from character `at` on, and the characters in all of it.

        Args:
            name: the question.
            at: the page's first character.
            room: bytes of JSON that the page may take.

        Raises:
            LookupError: that is no question, or there is no such event; the message is for the reader.
        """
        kind, _, rest = name.partition("/")
        if kind == "events" or kind == "timeline":
            answer = self._events(_question(rest), room) if kind == "events" else self._times(room)
            return answer, len(answer)
        # Made once for all its pages: it may be long, and the run may go on meanwhile.
        if self._text is None or self._text[0] != name or at == 0:
            self._text = (name, text_safe(self._copy(rest) if kind == "copy" else self._event(rest)))
        text = self._text[1]
        page, _ = truncate_to_bytes(text, at, room)
        if at + len(page) >= len(text):
            self._text = None
        return page, len(text)

    def _events(self, question: Question, room: int) -> str:
        self._types.update(map(type, self._log.since(self._counted + 1)))
        self._counted = self._log.count
        numbers: Sequence[int] = range(1, self._log.count + 1)
        seen = self._log.count
        if question.type or question.text or question.block:
            search = self._search(question)
            search.go_on(self._log)
            numbers, seen = search.found, search.seen
        types = {str(kind.__struct_config__.tag): count for kind, count in self._types.items()}
        head = {"total": len(numbers), "seen": seen, "count": self._log.count, "types": types}
        return _answer(head, "rows", (self._row(number) for number in numbers[question.at : question.at + ROWS]), room)

    def _search(self, question: Question) -> "Search":
        key = msgspec.structs.replace(question, at=0)
        search = self._searches.pop(key, None) or Search(key, self._place)
        self._searches[key] = search
        if len(self._searches) > WAYS:
            self._searches.popitem(last=False)
        return search

    def _row(self, number: int) -> list[Any]:
        event = self._log.get(number)
        return [number] if event is None else [number, event.ts, e.type_of(event), brief(event)]

    def _times(self, room: int) -> str:
        for event in itertools.islice(self._log.since(self._timed + 1), TIMED):
            self._timeline.feed(event)
            self._timed = max(self._timed, self._log.gone) + 1
        line = self._timeline
        names = ("start", "end", "first_token", "gap_count", "gap_seconds")
        head = {name: getattr(line, name) for name in names} | {"gaps": list(line.gaps), "left_out": line.left_out}
        head |= {"seen": self._timed, "count": self._log.count}
        return _answer(head, "bars", map(self._bar, reversed(line.bars)), room)

    def _bar(self, bar: Bar) -> Bar:
        return bar if bar.block is None else msgspec.structs.replace(bar, block=self._place(bar.block, bar.kind))

    def _event(self, number: str) -> str:
        event = self._log.get(int(number)) if number.isascii() and number.isdigit() else None
        if event is None:
            raise LookupError(f"event {number} is no longer kept")
        return json_text(event)

    def _copy(self, form: str) -> str:
        blocks = self._snapshot()
        match form:
            case "markdown":
                return transcript_markdown(blocks)
            case "json":
                return json.dumps(blocks, ensure_ascii=False, indent=2)
            case "python":
                results = (event for event in self._log if isinstance(event, e.ToolResult) and not event.preliminary)
                return messages_python(blocks, {self._place(event.id, "tool"): json_safe(event.content) for event in results})
        raise LookupError(f"there is no copy as {form}")


def _question(name: str) -> Question:
    try:
        question = msgspec.json.decode(name, type=Question)
    except msgspec.MsgspecError as error:
        raise LookupError(f"that is no question about events: {error}") from error
    if question.at < 0:
        raise LookupError("rows count from 0")
    return question


def _answer(head: dict[str, Any], name: str, items: Iterable[Any], room: int) -> str:
    """`head` as JSON, and in it under `name` as many of the items as there is room for."""
    return f"{_written(head)[:-1]},{_written(name)}:[{','.join(_fitting(items, room - json_size(_written(head)) - 64))}]}}"


def _fitting(items: Iterable[Any], room: int) -> Iterator[str]:
    for item in items:
        text = _written(item)
        room -= json_size(text)  # as it will be: a text in a message, its quotation marks escaped
        if room < 0:
            return
        yield text


def _written(value: Any) -> str:
    return msgspec.json.encode(value).decode()
