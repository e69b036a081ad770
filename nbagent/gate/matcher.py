"""Finds the openers and ends of `families` in a text, and the characters at its end that may become
one.
"""

import re
import string
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from nbagent.gate.families import FORMS, THINK_ENDS, Form

MAX_BACKTICKS = 32
"""Backticks that count as one run at most, so that an endless one is never held back."""

_MARKS = {
    "~": re.compile(r"\s{0,16}", re.ASCII),
    "@": re.compile(r"[\w.:/-]{1,64}", re.ASCII),
    "%": re.compile(r"[^\n{}\[\]]{1,80}"),
    "#": re.compile(r" ?\d{0,2}", re.ASCII),
    "^": re.compile(r"[A-Z]"),
}
_PIECES = re.compile(f"([{''.join(map(re.escape, _MARKS))}→])")
_BACKTICKS = rf"`{{1,{MAX_BACKTICKS}}}"
_PLAIN = str.maketrans(string.ascii_uppercase + "｜▁", string.ascii_lowercase + "|_")
_KEY_CHARS = 3
_NEVER = "(?!)"


def plain(tag: str) -> str:
    """Return a tag in the form that all its spellings have in common: lower case if it is in angle
    brackets.
    """
    if not tag.startswith("<"):
        return tag
    return tag.translate(_PLAIN)


class Found(NamedTuple):
    """An opener in a text.

    Attributes:
        form: its row.
        end: offset of its end.
        body: offset at which the body begins.
        name: name of the tool, where it has one.
    """

    form: Form
    end: int
    body: int
    name: str


class Opener:
    """The opener of a form, in pieces that are compared one after another.

    Attributes:
        form: the row.
        head: its literal up to the first mark.
    """

    def __init__(self, form: Form) -> None:
        self.form = form
        self._is_tag = form.opener.startswith("<")
        self._pieces = [piece for piece in _PIECES.split(plain(form.opener)) if piece]
        self.head = next(piece for piece in self._pieces if piece != "→")

    def match(self, text: str, start: int, *, last: bool) -> Found | bool:
        """Return what was found at an offset, or whether the rest of the text may become it.

        A call that the end of the text cuts off in its opener is one if the opener's first literal
        is complete.
        """
        at, body, name = start, -1, ""
        for piece in self._pieces:
            if piece == "→":
                body = at
                continue
            if piece in _MARKS:
                match = _MARKS[piece].match(text, at)
                fits, end = False, at
                if match is not None:
                    fits, end = True, match.end()
                    if piece in "@%":
                        name = match[0].strip()
                is_cut = end == len(text)
            else:
                end = at + len(piece)
                here = text[at:end]
                if self._is_tag:
                    here = here.translate(_PLAIN)
                fits = here == piece
                is_cut = not fits and piece.startswith(here) and end > len(text)
            if is_cut and not last:
                return True
            if not fits:
                is_call = is_cut and body > start and self.form.kind == "tool"
                return is_call and Found(self.form, len(text), body, name)
            at = end
        if body < 0:
            body = at
        return Found(self.form, at, body, name)


class Openers:
    """The openers that count in a text.

    Args:
        forms: their rows; of two that fit, the one with the longer beginning counts, and then the
            earlier.

    Attributes:
        token: matches where one may begin, runs of backticks, and newlines.
        trigger: matches in each chunk that such an opener, or code, may begin in, if it need not
            begin a line.
        line_trigger: matches in the others too, but where a line has begun.
    """

    def __init__(self, forms: Iterable[Form]) -> None:
        openers = [Opener(form) for form in forms]
        heads = {opener.head for opener in openers}
        words = sorted((head for head in heads if head[0].isalnum()), key=len, reverse=True)
        signs = re.escape("".join({head[0] for head in heads if not head[0].isalnum()} - {"`"}))
        self.token = re.compile("|".join([f"[{signs}]", *map(re.escape, words), _BACKTICKS, r"\n"]))
        self._groups: dict[str, dict[tuple[str, str, str], list[Opener]]] = {}
        self._parts: dict[str, list[str]] = {}
        self._words: dict[str, list[Form]] = {}
        anywhere: set[str] = set()  # first characters of those that need not begin a line
        self._words_begin_lines = True
        for opener in openers:
            key, form = opener.head[:_KEY_CHARS], opener.form
            for size in range(1, len(key)):
                self._parts.setdefault(key[:size], []).append(key)
            groups = self._groups.setdefault(key, {})
            groups.setdefault((form.place, form.needs, form.family), []).append(opener)
            if form.place in ("anywhere", "end"):
                anywhere.add(key[0])
            if key[0].isalnum():
                self._words_begin_lines &= form.place in ("line", "beginning")
                for size in range(1, len(opener.head)):
                    self._words.setdefault(opener.head[:size], []).append(form)
        self._longest_word = max(map(len, self._words), default=0)
        starts = re.escape("".join(anywhere)) + "`"
        self.trigger = re.compile(f"[{starts}]")
        self.line_trigger = re.compile(rf"[{starts}\n]")

    def at(
        self, text: str, at: int, fits: Callable[[Form], bool], *, last: bool
    ) -> Iterator[Found | None]:
        """Yield the openers at an offset, and None for one that the rest of the text may become.

        Args:
            text: in which they are looked for.
            at: the offset.
            fits: returns whether a form may stand there; called once for forms of one family, place
                and need.
            last: whether no more text comes.
        """
        start = plain(text[at : at + _KEY_CHARS])
        keys = [start[:size] for size in range(len(start), 0, -1)]
        if len(start) < _KEY_CHARS and not last:
            keys += dict.fromkeys(self._parts.get(start, ()))
        for key in keys:
            for openers in self._groups.get(key, {}).values():
                if not fits(openers[0].form):
                    continue
                for opener in openers:
                    found = opener.match(text, at, last=last)
                    if isinstance(found, Found):
                        yield found
                    elif found:
                        yield None

    def words_at_end(self, text: str, at: int) -> Iterator[tuple[Form, int]]:
        """Yield the forms that begin with a word of which the end of the text has a part, and the
        part's offset.
        """
        first = max(at, len(text) - self._longest_word)
        offsets = range(first, len(text))
        if self._words_begin_lines:
            # Only the first word of the last line can be one.
            line = max(first, text.rfind("\n", first) + 1)
            word = len(text) - len(text[line:].lstrip())
            offsets = range(word, word + 1)
        for here in offsets:
            for form in self._words.get(text[here:], ()):
                yield form, here


class Ends:
    """Marks that end the body of a form, or count inside of it.

    Attributes:
        token: matches an end, a label or an opener of the same form; in a thought also code.
        trigger: matches in each chunk that one of these may begin in.
        ignored: openers of thoughts that are removed, without a meaning, plain.
        closers: ends, plain.
        others: ends of other tags that a model may have meant, plain.
    """

    def __init__(self, form: Form) -> None:
        self.closers = frozenset(map(plain, form.ends))
        self.ignored = _ignored(form)
        self.others: frozenset[str] = frozenset()
        if form.family == "think":
            self.others = frozenset(map(plain, THINK_ENDS)) - self.closers
        labels: set[str] = set()
        if form.labels:
            labels = {Opener(each).head for each in FORMS if each.family == form.family}
        literals = {*form.ends, *self.ignored, *self.others, *labels}
        self._longest = max(map(len, literals), default=0)
        self._parts: set[str] = set()  # beginnings of the marks, plain
        for literal in literals:
            mark = plain(literal)
            self._parts.update(mark[:size] for size in range(1, len(mark)))
        patterns = [_pattern(literal) for literal in sorted(literals, key=len, reverse=True)]
        if form.kind == "thought":
            patterns += [_BACKTICKS, r"\n"]
        self.token = re.compile("|".join(patterns) or _NEVER, re.ASCII)
        starts = "".join({literal[0] for literal in literals})
        self.trigger = re.compile(f"[{re.escape(starts)}`]")

    def part_at_end(self, text: str, at: int) -> int:
        """Return the offset of what may become an end or a label; the length of the text if there
        is none.
        """
        for here in range(max(at, len(text) - self._longest + 1), len(text)):
            if plain(text[here:]) in self._parts:
                return here
        return len(text)


def _ignored(form: Form) -> frozenset[str]:
    """Return the openers of thoughts that have no meaning in the body of a form, plain: of a
    thought whose own opener is in the prompt, those of all thoughts.
    """
    if form.kind != "thought" or form.labels:
        return frozenset()
    same = [form] if form.opener else FORMS
    openers = [each.opener for each in same if each.kind == "thought"]
    return frozenset(plain(opener) for opener in openers if opener[0] in "<[◁")


def _pattern(literal: str) -> str:
    """Return a regular expression for a literal in all its spellings."""
    if not literal.startswith("<"):
        return re.escape(literal)
    spelled = re.escape(plain(literal)).replace(r"\|", "[|｜]").replace("_", "[_▁]")
    return f"(?i:{spelled})"


@lru_cache(maxsize=256)
def ends_of(form: Form) -> Ends:
    """Return what ends the body of a form."""
    return Ends(form)


@lru_cache(maxsize=16)
def openers_of(own: tuple[Form, ...]) -> Openers:
    """Return the openers of the table, after those of the user's own."""
    return Openers([*own, *FORMS])
