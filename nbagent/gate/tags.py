"""Finds the thoughts, tool calls and results that a model wrote into its text, at any chunk border.

`families` lists what is recognised. A tag in a fenced code block, in a `code span` that closes on
its line, between quotation marks or behind a backslash is text: an answer may be about tags. Any
other tag is removed from the text, with or without its counterpart.
"""

import re
from typing import Literal

from nbagent.gate.cursor import Cursor, Segment
from nbagent.gate.families import (
    HARMONY_CALL,
    HARMONY_THOUGHT,
    LABELLED,
    OPENED_IN_PROMPT,
    TEXT,
    THOUGHT_END,
)
from nbagent.gate.form import Kind
from nbagent.gate.grammar import Grammar
from nbagent.gate.matcher import MAX_BACKTICKS, Ends, Found, ends_of, plain
from nbagent.gate.tag_context import TagContext
from nbagent.gate.value_end import ValueEnd
from nbagent.gate.written_calls import final_answer


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
        self._context = TagContext(grammar or Grammar(), in_thought=in_thought)
        self._depth = 0  # thoughts inside the thought
        self._value: ValueEnd | None = None
        self._held = ""
        self._body: list[str] = []  # of a tool call, result or header
        self._name = ""
        self._trigger = self._new_trigger()

    @property
    def kind(self) -> Kind:
        """Kind of the next characters, as far as it is known."""
        kind = self._context.form.kind
        if kind == "header":
            return "thought"
        return kind

    def feed(self, chunk: str, *, last: bool = False) -> list[Segment]:
        """Return the segments that no later chunk can change; with `last`, all remaining ones."""
        place = Cursor(self._held + chunk, last=last)
        while self._step(place):
            pass
        text, stop = place.text, place.at
        self._add(place, stop)
        self._context.line.pause(place)
        self._context.before = text[stop - 1 : stop] or self._context.before
        self._held = text[stop:]
        if last:
            self._leave(place.segments, at_end=True)
        self._trigger = self._new_trigger()
        return place.segments

    def skip(self, chunk: str) -> bool:
        """Return True if a chunk only continues the open segment, as nearly every chunk does."""
        if self._trigger is None or not chunk or self._trigger.search(chunk):
            return False
        self._context.line.pass_over(chunk)
        self._context.is_fresh = self._context.is_fresh and chunk.isspace()
        self._context.before = chunk[-1]
        return True

    def _new_trigger(self) -> re.Pattern[str] | None:
        """Return what a chunk that only continues the segment has not; None if each chunk must be
        read.
        """
        context = self._context
        if self._held or context.line.is_pending:
            return None
        if context.form.kind == "thought":
            return ends_of(context.form).trigger
        if context.form.kind != "text":
            return None
        if context.line.is_blank:
            return None
        return context.grammar.openers.trigger

    # --- reading ---

    def _step(self, place: Cursor) -> bool:
        """Read up to the next tag, newline or code.

        Return False if what follows must wait for more text.
        """
        if self._context.form.kind == "text":
            return self._text_step(place)
        if self._value is not None:
            return self._value_step(place, self._value)
        return self._body_step(place)

    def _text_step(self, place: Cursor) -> bool:
        openers, text = self._context.grammar.openers, place.text
        token = openers.token.search(text, place.at)
        if token is None:
            return self._wait(place, self._context.word_at_end(place, len(text)))
        here, sign = token.start(), token[0][0]
        if sign == "\n":
            return self._newline(place, token)
        if sign == "`" and self._is_open_run(place, token):
            return False
        line = self._context.line
        found: Found | Literal[False] | None = False
        if sign != "`" or (not line.fence and line.at_margin(place, here)):
            found = self._context.opener(place, here)
        if found is None:
            return self._wait(place, self._context.word_at_end(place, here))
        if found:
            self._enter(place, here, found)
        elif sign == "`":
            self._backticks(place, token)
        else:
            self._context.pass_over(place, here)
            place.at = here + 1
        return True

    def _body_step(self, place: Cursor) -> bool:
        ends, text = ends_of(self._context.form), place.text
        token = ends.token.search(text, place.at)
        if token is None:
            place.at = _certain(place, ends)
            return False
        if token[0] == "\n" and "\n" not in ends.closers:
            here = token.start()
            if not place.last and ends.part_at_end(text, here) == here:
                return self._wait(place, here)  # of a fence that ends
            return self._newline(place, token)
        if token[0][0] == "`":
            if self._is_open_run(place, token):
                return False
            self._backticks(place, token)
            return True
        in_code = self._context.is_in_code(place, token.end())
        if in_code is None:
            return self._wait(place, token.start())
        if in_code:
            place.at = token.end()
            return True
        return self._end_step(place, token)

    def _value_step(self, place: Cursor, value: ValueEnd) -> bool:
        ends, text, last = ends_of(self._context.form), place.text, place.last
        token = ends.token.search(text, place.at)
        if token is not None:
            stop = token.start()
        else:
            stop = _certain(place, ends)
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
        context = self._context
        ends, tag, here = ends_of(context.form), plain(token[0]), token.start()
        if tag in ends.closers or tag in ends.others:
            return self._closer_step(place, token, is_other=tag in ends.others)
        if tag in ends.ignored:
            # A model may repeat the tag that is in its prompt.
            if context.form is not OPENED_IN_PROMPT and not context.at_beginning(place, here):
                self._depth += 1
            self._drop(place, token)
            return True
        label = context.label(place, here)
        if label is None:
            return self._wait(place, here)
        if label:
            self._enter(place, here, label)
        else:
            place.at = token.end()
        return True

    def _closer_step(self, place: Cursor, token: re.Match[str], *, is_other: bool) -> bool:
        """Leave the body at its own end, or at another tag's that the model may have meant.

        Return False if what follows must wait for more text.
        """
        here, end = token.span()
        goes_on: bool | None = False
        if self._depth > 0 or is_other:
            goes_on = self._context.closes_again(place, end)
        if goes_on is None:
            return self._wait(place, here)
        if goes_on and is_other:
            place.at = end
        elif goes_on:
            self._depth -= 1
            self._drop(place, token)
        elif self._context.form.kind == "header":
            self._add(place, here)
            header = "".join(self._body)
            self._body.clear()
            self._enter(place, here, Found(TEXT, end, end, ""))
            self._harmony_header(header)
        else:
            self._enter(place, here, Found(TEXT, end, end, ""))
        return True

    def _wait(self, place: Cursor, here: int) -> bool:
        place.at = here
        return False

    # --- tags ---

    def _enter(self, place: Cursor, here: int, found: Found) -> None:
        """Leave the segment that ends at an offset, and enter the one that a tag begins there."""
        form, text, context = found.form, place.text, self._context
        self._add(place, here)
        self._leave(place.segments)
        if form.family == THOUGHT_END and context.is_pristine and context.form.kind == "text":
            place.segments.append(Segment("reclassify"))
        else:
            place.segments.append(Segment("boundary"))
        context.enter(form)
        self._name, self._depth, self._value = "", 0, None
        place.start, place.at, place.line = found.body, found.end, found.end
        if form.place == "fence":
            place.at = found.body
        if form.kind == "header" and not form.ends:
            place.start = found.end
            self._harmony_header(text[found.body : found.end])
        elif form.value:
            self._value = ValueEnd(text[found.body : found.end], lines=form.labels)

    def _leave(self, segments: list[Segment], *, at_end: bool = False) -> None:
        body, answer = "".join(self._body).rstrip(self._context.form.frame), None
        self._body.clear()
        match self._context.form.kind:
            case "tool":
                if self._context.form.family in LABELLED:
                    answer = final_answer(body)
                if answer is None:
                    segments.append(Segment("tool", body, self._name))
            case "result":
                if at_end and self._context.form.labels:
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
        self._context.is_fresh = self._context.is_fresh and text.isspace()
        kind = self._context.form.kind
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
            self._context.form, self._name = HARMONY_CALL, recipient[1].removeprefix("functions.")
        elif "analysis" in header.rpartition("<|channel|>")[2]:
            self._context.form = HARMONY_THOUGHT
        else:
            self._context.form = TEXT

    # --- lines and code ---

    def _newline(self, place: Cursor, token: re.Match[str]) -> bool:
        self._context.line.end_line(place, token.start())
        place.at = place.line = token.end()
        return True

    def _is_open_run(self, place: Cursor, token: re.Match[str]) -> bool:
        """Return True, and wait, if a run of backticks may become longer."""
        if place.last or token.end() < len(place.text) or len(token[0]) == MAX_BACKTICKS:
            return False
        place.at = token.start()
        return True

    def _backticks(self, place: Cursor, token: re.Match[str]) -> None:
        self._context.line.backticks(place, token, may_be_fence=self._context.form.kind == "text")


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
        elif tagged:
            segments.append(segment._replace(text=segment.text.lstrip()))
        else:
            segments.append(segment)
    found: list[Segment] = []
    for segment in segments:
        if segment.kind == "thought":
            segment = segment._replace(text=segment.text.lstrip())
        if segment.text.strip() or segment.name or (segment.kind == "text" and not tagged):
            found.append(segment)
    return found


def _certain(place: Cursor, ends: Ends) -> int:
    """Return the offset up to which no end can begin that the rest of the text completes."""
    if place.last:
        return len(place.text)
    return ends.part_at_end(place.text, place.at)
