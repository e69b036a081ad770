"""`TagContext`: the text before a tag, which decides whether the tag counts where it stands."""

import re
from typing import Literal

from nbagent.gate.cursor import Cursor, is_only
from nbagent.gate.families import FOLLOWED, LABELLED, OPENED_IN_PROMPT, TEXT
from nbagent.gate.form import Form
from nbagent.gate.grammar import Grammar
from nbagent.gate.line_state import SPACE, LineState
from nbagent.gate.matcher import Found, ends_of, plain
from nbagent.gate.written_calls import FINAL_ANSWER

_BLANK_RUN = re.compile(r"\s*")
_AHEAD_CHARS = 4000  # held back after a tag at most, to see whether what it needs follows
_STRIKE = re.compile(r"<(/?)s[\s>]", re.IGNORECASE)
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "(": ")"}


class TagContext:
    """The beginning of a text, up to the offset that a cursor is at.

    Args:
        grammar: what counts as a tag.
        in_thought: whether the text begins inside a thought.

    Attributes:
        grammar: what counts as a tag.
        form: form of the next characters.
        line: the line that they stand in.
        before: the last character.
        families: families that have come, of those in `FOLLOWED`.
        is_struck: whether HTML's `<s>` is open.
        is_pristine: whether no tag has come yet.
        is_fresh: whether only space has come since the last tag, or at all.
    """

    def __init__(self, grammar: Grammar, *, in_thought: bool) -> None:
        self.grammar = grammar
        self.form = TEXT
        if in_thought:
            self.form = OPENED_IN_PROMPT
        self.line = LineState()
        self.before = ""
        self.families: set[str] = set()
        self.is_struck = False
        self.is_pristine = True
        self.is_fresh = True

    def enter(self, form: Form) -> None:
        """Begin the body of a form behind its tag, with a line of its own."""
        self.is_pristine = False
        self.is_fresh = True
        self.line = LineState()
        if form.kind == "text":
            self.form = TEXT
            self.families.discard(form.family)
        else:
            self.form = form
            if form.family in FOLLOWED:
                self.families.add(form.family)

    def at_beginning(self, place: Cursor, here: int) -> bool:
        """Return True if only space has come before an offset since the last tag."""
        return self.is_fresh and is_only(_BLANK_RUN, place.text, place.start, here)

    def is_in_code(self, place: Cursor, at: int) -> bool | None:
        """Return True if a tag that ends at `at` is part of code; None if the rest of its line must
        be seen first.
        """
        if self.line.fence and self.form.kind == "text":
            return True
        return self.form.kind in ("text", "thought") and self.line.is_in_span(place, at)

    def word_at_end(self, place: Cursor, default: int) -> int:
        """Return the offset of a word at the end of the text that may become an opener."""
        if place.last:
            return default
        for form, at in self.grammar.openers.words_at_end(place.text, place.at):
            if at < default and self._fits(place, form, at):
                return at
        return default

    def opener(self, place: Cursor, here: int) -> Found | Literal[False] | None:
        """Return the opener at an offset that counts; None if more of the text must be seen."""

        def fits(form: Form) -> bool:
            return self._fits(place, form, here)

        for found in self.grammar.openers.at(place.text, here, fits, last=place.last):
            if found is None:
                return None
            counts = self._counts(place, found, here)
            if counts is None:
                return None
            if counts:
                return found
        return False

    def label(self, place: Cursor, here: int) -> Found | Literal[False] | None:
        """Return the opener of the same family at an offset; None if more of the text must be
        seen.
        """

        def fits(form: Form) -> bool:
            if form.family != self.form.family:
                return False
            if form.kind == "text" and form.family not in LABELLED:
                return False
            return form.place != "line" or self.line.at_start(place, here)

        return next(self.grammar.openers.at(place.text, here, fits, last=place.last), False)

    def closes_again(self, place: Cursor, at: int) -> bool | None:
        """Return True if the outer thought goes on at an offset, as its own end shows; None if more
        must be seen.
        """
        ends, stop = ends_of(self.form), at + _AHEAD_CHARS
        for token in ends.token.finditer(place.text, at, stop):
            tag = plain(token[0])
            if tag in ends.closers:
                return True
            if tag in ends.ignored:
                return False
        if place.last or len(place.text) >= stop:
            return False
        return None

    def pass_over(self, place: Cursor, here: int) -> None:
        """Take a sign that begins no opener."""
        tag = _STRIKE.match(place.text, here)
        if tag is not None:
            self.is_struck = not tag[1]

    def _before(self, place: Cursor, here: int) -> str:
        """Return the character before an offset."""
        return place.text[here - 1] if here else self.before

    def _fits(self, place: Cursor, form: Form, here: int) -> bool:
        """Return True if a form may stand at an offset."""
        match form.place:
            case "word" if self._before(place, here).isalnum():
                return self.at_beginning(place, here)
            case "tail" if self._before(place, here) in (" ", "\t"):
                return False
            case "line" if not self.line.at_start(place, here):
                return False
            case "beginning" if not self.at_beginning(place, here):
                return False
        match form.needs:
            case "tag":
                return not self.is_pristine
            case "family":
                return form.family in self.families
            case "unopened":
                return not self.is_struck
            case "name":
                return self.grammar.watches_lines
            case "start":
                known = self.grammar.watches_lines or form.family in self.families
                return known or self.at_beginning(place, here)
        return True

    def _counts(self, place: Cursor, found: Found, here: int) -> bool | None:
        """Return True if an opener is a tag, and not part of an answer; None if more of the text
        must be seen.
        """
        for check in (self._ends_line, self._is_unquoted, self._is_outside_code, self._is_followed):
            answer = check(place, found, here)
            if answer is not True:
                return answer
        return True

    def _ends_line(self, place: Cursor, found: Found, here: int) -> bool | None:
        """Return True if nothing but a tag follows in the line, where the form needs that."""
        if found.form.place not in ("end", "tail"):
            return True
        rest = place.text[found.end :].lstrip(SPACE)
        if found.form.place == "tail" and self.line.at_start(place, here):
            return self._ends_text(place, rest)
        if rest:
            return rest[0] in "\n<"
        return True if place.last else None

    def _ends_text(self, place: Cursor, rest: str) -> bool | None:
        """Return True if the rest of a text has nothing but space; None if more of it must be
        seen.
        """
        if rest.strip():
            return False
        return True if place.last else None

    def _is_unquoted(self, place: Cursor, found: Found, here: int) -> bool | None:
        """Return True if the opener is neither escaped nor in quotation marks."""
        text, end = place.text, found.end
        before = self._before(place, here)
        if before == "\\":
            return False
        if before not in _QUOTES:
            return True
        if end == len(text) and not place.last:
            return None
        return text[end : end + 1] != _QUOTES[before]

    def _is_outside_code(self, place: Cursor, found: Found, here: int) -> bool | None:
        """Return True if the opener is not in code. A tag may be right behind a fence."""
        if found.form.place == "fence":
            return True
        if self.line.closes_fence and self.line.at_margin(place, here):
            return True
        in_code = self.is_in_code(place, found.end)
        return None if in_code is None else not in_code

    def _is_followed(self, place: Cursor, found: Found, here: int) -> bool | None:
        """Return True if what the form needs is behind the opener."""
        form = found.form
        if form.ahead:
            return self._has_ahead(place, found, here)
        if form.needs in ("name", "start"):
            return self._is_call(place, form, found.name, here)
        return True

    def _is_call(self, place: Cursor, form: Form, name: str, here: int) -> bool:
        grammar = self.grammar
        if grammar.asks(form) or grammar.knows(name) or form.family in self.families:
            return True
        if form.needs != "start" or grammar.is_complete:
            return False
        return self.at_beginning(place, here)

    def _has_ahead(self, place: Cursor, found: Found, here: int) -> bool | None:
        """Return True if what an opener needs is behind it; None if more of the text must be
        seen.
        """
        form = found.form
        if self.grammar.asks(form) or form.family in self.families:
            return True
        ahead = place.text[found.end : found.end + _AHEAD_CHARS]
        flags = re.IGNORECASE if form.opener.startswith("<") else 0
        match = re.search(form.ahead, ahead, flags)
        if match is None:
            if place.last or len(ahead) == _AHEAD_CHARS:
                return False
            return None
        if form.needs == "nothing":
            return True
        name = next(filter(None, match.groups()), None)
        if name is None or name == FINAL_ANSWER:
            return self.at_beginning(place, here)
        return self._is_call(place, form, name, here)
