"""Finds the thoughts, tool calls and results that a model wrote into its text, at any chunk border.

`families` lists what is recognised. A tag in a fenced code block, in a `code span` that closes on
its line, between quotation marks or behind a backslash is text: an answer may be about tags. Any
other tag is removed from the text, with or without its counterpart.
"""

import re
from typing import Literal

from nbagent.gate.cursor import Cursor, Segment, is_only
from nbagent.gate.families import (
    HARMONY_CALL,
    HARMONY_THOUGHT,
    LABELLED,
    OPENED_IN_PROMPT,
    TEXT,
    THOUGHT_END,
    Form,
    Kind,
)
from nbagent.gate.grammar import Grammar
from nbagent.gate.line_state import SPACE, LineState
from nbagent.gate.matcher import MAX_BACKTICKS, Found, ends_of, plain
from nbagent.gate.value_end import ValueEnd
from nbagent.gate.written_calls import FINAL_ANSWER, final_answer

_BLANK_RUN = re.compile(r"\s*")
_AHEAD_CHARS = 4000  # held back after a tag at most, to see whether what it needs follows
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "(": ")"}


class Splitter:
    """Cuts one text into segments as it streams in, holding back only characters that may become a
    tag.

    The segments of a text do not depend on its chunks, except for the borders inside text of one
    kind.

    Args:
        in_thought: whether the text begins inside a thought.
        grammar: what counts as a tag.
    """

    def __init__(self, *, in_thought: bool = False, grammar: Grammar | None = None) -> None:
        self._grammar = grammar or Grammar()
        self._form = OPENED_IN_PROMPT if in_thought else TEXT  # of the next characters
        self._pristine = True  # whether no tag has come yet
        self._families: set[str] = set()  # with labels, that have come
        self._depth = 0  # thoughts inside the thought
        self._value: ValueEnd | None = None
        self._held = ""
        self._body: list[str] = []  # of a tool call, result or header
        self._name = ""
        self._before = ""  # the last character
        self._is_fresh = True  # whether only space has come since the last tag, or at all
        self._line = LineState()
        self._trigger = self._new_trigger()

    @property
    def kind(self) -> Kind:
        """Kind of the next characters, as far as it is known."""
        return "thought" if self._form.kind == "header" else self._form.kind

    def feed(self, chunk: str, *, last: bool = False) -> list[Segment]:
        """Return the segments that no later chunk can change; with `last`, all remaining ones."""
        place = Cursor(self._held + chunk, last=last)
        while self._step(place):
            pass
        text, stop = place.text, place.at
        self._add(place, stop)
        self._line.pause(place)
        self._before = text[stop - 1 : stop] or self._before
        self._held = text[stop:]
        if last:
            self._leave(place.segments, at_end=True)
        self._trigger = self._new_trigger()
        return place.segments

    def skip(self, chunk: str) -> bool:
        """Return True if a chunk only continues the open segment, as nearly every chunk does."""
        if self._trigger is None or not chunk or self._trigger.search(chunk):
            return False
        self._line.pass_over(chunk)
        self._is_fresh = self._is_fresh and chunk.isspace()
        self._before = chunk[-1]
        return True

    def _new_trigger(self) -> re.Pattern[str] | None:
        """Return what a chunk that only continues the segment has not; None if each chunk must be
        read.
        """
        if self._held or self._line.is_pending or self._form.kind not in ("text", "thought"):
            return None
        if self._form.kind == "thought":
            return ends_of(self._form).trigger
        openers = self._grammar.openers
        if not (self._grammar.watches_lines or self._is_fresh or self._families):
            return openers.trigger
        return None if self._line.is_blank else openers.line_trigger

    # --- reading ---

    def _step(self, place: Cursor) -> bool:
        """Read up to the next tag, newline or code.

        Return False if what follows must wait for more text.
        """
        if self._form.kind == "text":
            return self._text_step(place)
        if self._value is not None:
            return self._value_step(place, self._value)
        return self._body_step(place)

    def _text_step(self, place: Cursor) -> bool:
        openers, text = self._grammar.openers, place.text
        token = openers.token.search(text, place.at)
        if token is None:
            return self._wait(place, self._word_at_end(place, len(text)))
        here, sign = token.start(), token[0][0]
        if sign == "\n":
            return self._newline(place, token)
        if sign == "`" and self._is_open_run(place, token):
            return False
        may_open = sign != "`" or (not self._line.fence and self._line.at_margin(place, here))
        found = self._opener(place, here) if may_open else False
        if found is None:
            return self._wait(place, self._word_at_end(place, here))
        if found:
            self._enter(place, here, found)
        elif sign == "`":
            self._backticks(place, token)
        else:
            place.at = here + 1
        return True

    def _body_step(self, place: Cursor) -> bool:
        ends, text = ends_of(self._form), place.text
        token = ends.token.search(text, place.at)
        if token is None:
            place.at = len(text) if place.last else ends.part_at_end(text, place.at)
            return False
        if token[0] == "\n" and "\n" not in ends.closers:
            return self._newline(place, token)
        if token[0][0] == "`":
            if self._is_open_run(place, token):
                return False
            self._backticks(place, token)
            return True
        in_code = self._is_in_code(place, token.end())
        if in_code is None:
            return self._wait(place, token.start())
        if in_code:
            place.at = token.end()
            return True
        return self._end_step(place, token)

    def _value_step(self, place: Cursor, value: ValueEnd) -> bool:
        ends, text, last = ends_of(self._form), place.text, place.last
        token = ends.token.search(text, place.at)
        certain = len(text) if last else ends.part_at_end(text, place.at)
        stop = token.start() if token else certain
        place.at, is_over = value.find(text, place.at, stop, last=last)
        if is_over:
            self._enter(place, place.at, Found(TEXT, place.at, place.at, ""))
            return True
        if token is None or place.at < stop:
            return False
        if value.in_quote:
            place.at, _ = value.find(text, stop, token.end(), last=last)
            return place.at == token.end()
        return self._end_step(place, token)

    def _end_step(self, place: Cursor, token: re.Match[str]) -> bool:
        """Leave the body at an end or label.

        Return False if what follows must wait for more text.
        """
        ends, tag = ends_of(self._form), plain(token[0])
        here, end = token.span()
        if tag in ends.closers or tag in ends.others:
            goes_on = (self._depth > 0 or tag in ends.others) and self._closes_again(place, end)
            if goes_on is None:
                return self._wait(place, here)
            if goes_on and tag in ends.others:
                place.at = end
            elif goes_on:
                self._depth -= 1
                self._drop(place, token)
            elif self._form.kind == "header":
                self._add(place, here)
                header = "".join(self._body)
                self._body.clear()
                self._enter(place, here, Found(TEXT, end, end, ""))
                self._harmony_header(header)
            else:
                self._enter(place, here, Found(TEXT, end, end, ""))
            return True
        if tag in ends.ignored:
            # A model may repeat the tag that is in its prompt.
            if self._form is not OPENED_IN_PROMPT and not self._at_beginning(place, here):
                self._depth += 1
            self._drop(place, token)
            return True
        label = self._label(place, here)
        if label is None:
            return self._wait(place, here)
        if label:
            self._enter(place, here, label)
        else:
            place.at = end
        return True

    def _word_at_end(self, place: Cursor, default: int) -> int:
        """Return the offset of a word at the end of the text that may become an opener."""
        parts = () if place.last else self._grammar.openers.words_at_end(place.text, place.at)
        return min(
            (at for form, at in parts if at < default and self._fits(place, form, at)),
            default=default,
        )

    def _wait(self, place: Cursor, here: int) -> bool:
        place.at = here
        return False

    # --- tags ---

    def _opener(self, place: Cursor, here: int) -> Found | Literal[False] | None:
        """Return the opener at an offset that counts; None if more of the text must be seen."""
        openers = self._grammar.openers
        for found in openers.at(
            place.text, here, lambda form: self._fits(place, form, here), last=place.last
        ):
            counts = found and self._counts(place, found, here)
            if counts is None or counts:
                return found if counts else None
        return False

    def _label(self, place: Cursor, here: int) -> Found | Literal[False] | None:
        """Return the opener of the same family at an offset; None if more of the text must be
        seen.
        """

        def fits(form: Form) -> bool:
            is_label = form.family == self._form.family and (
                form.kind != "text" or form.family in LABELLED
            )
            return is_label and (form.place != "line" or self._line.at_start(place, here))

        return next(self._grammar.openers.at(place.text, here, fits, last=place.last), False)

    def _fits(self, place: Cursor, form: Form, here: int) -> bool:
        """Return True if a form may stand at an offset."""
        match form.place:
            case "line" if not self._line.at_start(place, here):
                return False
            case "beginning" if not self._at_beginning(place, here):
                return False
        match form.needs:
            case "tag":
                return not self._pristine
            case "family":
                return form.family in self._families
            case "name":
                return self._grammar.watches_lines
            case "start":
                known = self._grammar.watches_lines or form.family in self._families
                return known or self._at_beginning(place, here)
        return True

    def _counts(self, place: Cursor, found: Found, here: int) -> bool | None:
        """Return True if an opener is a tag, and not part of an answer; None if more of the text
        must be seen.
        """
        form, text, end = found.form, place.text, found.end
        if form.place == "end":
            rest = text[end:].lstrip(SPACE)
            if not rest and not place.last:
                return None
            if rest and rest[0] not in "\n<":
                return False
        before = text[here - 1] if here else self._before
        if before == "\\":
            return False
        if before in _QUOTES:
            if end == len(text) and not place.last:
                return None
            if text[end : end + 1] == _QUOTES[before]:
                return False
        if form.place != "fence" and not (
            self._line.closes_fence and self._line.at_margin(place, here)
        ):
            # A tag may be right behind a fence.
            in_code = self._is_in_code(place, end)
            if in_code is not False:
                return None if in_code is None else False
        if form.needs in ("name", "start") and not form.ahead:
            return self._is_call(place, form, found.name, here)
        return self._has_ahead(place, found, here) if form.ahead else True

    def _is_call(self, place: Cursor, form: Form, name: str, here: int) -> bool:
        grammar = self._grammar
        if grammar.asks(form) or grammar.knows(name) or form.family in self._families:
            return True
        return form.needs == "start" and not grammar.is_complete and self._at_beginning(place, here)

    def _has_ahead(self, place: Cursor, found: Found, here: int) -> bool | None:
        form = found.form
        if self._grammar.asks(form) or form.family in self._families:
            return True
        ahead = place.text[found.end : found.end + _AHEAD_CHARS]
        match = re.search(form.ahead, ahead, re.IGNORECASE if form.opener.startswith("<") else 0)
        if match is None:
            return False if place.last or len(ahead) == _AHEAD_CHARS else None
        if form.needs == "nothing":
            return True
        name = next(filter(None, match.groups()), None)
        if name is None or name == FINAL_ANSWER:
            return self._at_beginning(place, here)
        return self._is_call(place, form, name, here)

    def _closes_again(self, place: Cursor, at: int) -> bool | None:
        """Return True if the outer thought goes on at an offset, as its own end shows; None if more
        must be seen.
        """
        ends, stop = ends_of(self._form), at + _AHEAD_CHARS
        for token in ends.token.finditer(place.text, at, stop):
            tag = plain(token[0])
            if tag in ends.closers or tag in ends.ignored:
                return tag in ends.closers
        return False if place.last or len(place.text) >= stop else None

    def _enter(self, place: Cursor, here: int, found: Found) -> None:
        """Leave the segment that ends at an offset, and enter the one that a tag begins there."""
        form, text = found.form, place.text
        is_end_only = form.family == THOUGHT_END and self._pristine and self._form.kind == "text"
        self._add(place, here)
        self._leave(place.segments)
        place.segments.append(Segment("reclassify" if is_end_only else "boundary"))
        self._pristine = False
        if form.family in LABELLED:
            (self._families.discard if form.kind == "text" else self._families.add)(form.family)
        self._form, self._name, self._depth, self._value = form, "", 0, None
        place.start, place.at, place.line = found.body, found.end, found.end
        if form.place == "fence":
            place.at = found.body
        if form.kind == "text":
            self._form = TEXT
        elif form.kind == "header" and not form.ends:
            place.start = found.end
            self._harmony_header(text[found.body : found.end])
        elif form.value:
            self._value = ValueEnd(text[found.body : found.end], lines=form.labels)
        self._line = LineState()
        self._is_fresh = True

    def _leave(self, segments: list[Segment], *, at_end: bool = False) -> None:
        body, answer = "".join(self._body), None
        self._body.clear()
        match self._form.kind:
            case "tool":
                answer = final_answer(body) if self._form.family in LABELLED else None
                if answer is None:
                    segments.append(Segment("tool", body, self._name))
            case "result":
                if at_end and self._form.labels:
                    # No label follows: the paragraphs behind it are the answer.
                    body, _, answer = body.partition("\n\n")
                segments.append(Segment("result", body))
            case "header" if body:
                # a header without a message: kept, but not as an answer
                segments.append(Segment("thought", body))
        if answer:
            segments.append(Segment("text", answer))

    def _drop(self, place: Cursor, token: re.Match[str]) -> None:
        self._add(place, token.start())
        place.start = place.at = place.line = token.end()

    def _add(self, place: Cursor, stop: int) -> None:
        """Add the text up to an offset to the open segment."""
        text, place.start = place.text[place.start : stop], stop
        if not text:
            return
        self._is_fresh = self._is_fresh and text.isspace()
        kind = self._form.kind
        if kind == "text" or kind == "thought":
            place.segments.append(Segment(kind, text))
        else:
            self._body.append(text)

    def _harmony_header(self, header: str) -> None:
        """Enter the segment of a harmony header, which names the channel and, for a tool call, the
        recipient.
        """
        recipient = re.search(r"to=([^\s<]+)", header)
        if recipient:
            self._form, self._name = HARMONY_CALL, recipient[1].removeprefix("functions.")
        elif "analysis" in header.rpartition("<|channel|>")[2]:
            self._form = HARMONY_THOUGHT
        else:
            self._form = TEXT

    # --- lines and code ---

    def _newline(self, place: Cursor, token: re.Match[str]) -> bool:
        self._line.end_line(place, token.start())
        place.at = place.line = token.end()
        return True

    def _at_beginning(self, place: Cursor, here: int) -> bool:
        """Return True if only space has come before an offset since the last tag."""
        return self._is_fresh and is_only(_BLANK_RUN, place.text, place.start, here)

    def _is_open_run(self, place: Cursor, token: re.Match[str]) -> bool:
        """Return True, and wait, if a run of backticks may become longer."""
        if place.last or token.end() < len(place.text) or len(token[0]) == MAX_BACKTICKS:
            return False
        place.at = token.start()
        return True

    def _backticks(self, place: Cursor, token: re.Match[str]) -> None:
        self._line.backticks(place, token, may_be_fence=self._form.kind == "text")

    def _is_in_code(self, place: Cursor, at: int) -> bool | None:
        """Return True if a tag that ends at `at` is part of code; None if the rest of its line must
        be seen first.
        """
        if self._line.fence and self._form.kind == "text":
            return True
        return self._form.kind in ("text", "thought") and self._line.is_in_span(place, at)


def split(text: str, *, in_thought: bool = False, grammar: Grammar | None = None) -> list[Segment]:
    """Return the segments of a whole text: without markers, neighbours of one kind joined, the
    space around tags removed.
    """
    segments: list[Segment] = []
    tagged = False
    for segment in Splitter(in_thought=in_thought, grammar=grammar).feed(text, last=True):
        if segment.kind in ("boundary", "reclassify"):
            tagged = True
            if segment.kind == "reclassify":
                segments = [Segment("thought", before.text) for before in segments]
        else:
            segments.append(segment._replace(text=segment.text.lstrip()) if tagged else segment)
    segments = [
        segment._replace(text=segment.text.lstrip()) if segment.kind == "thought" else segment
        for segment in segments
    ]
    return [
        segment
        for segment in segments
        if segment.text.strip() or segment.name or (segment.kind == "text" and not tagged)
    ]
