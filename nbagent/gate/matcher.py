"""Finds the openers and ends of `families` in a text, and the characters at its end that may become
one.
"""

import copy
import re
import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from nbagent.gate.families import FORMS, THINK_ENDS
from nbagent.gate.form import ARGS_KEYS, NAME_KEYS, OWN, Form
from nbagent.gate.late_families import named_forms

MAX_BACKTICKS = 32
"""Backticks that count as one run at most, so that an endless one is never held back."""

_ATTRIBUTES = r"""(?:[ \t]{1,4}[\w:-]+=(?:"[^"<>\n]*"|'[^'<>\n]*'|[^\s"'<>]+)){0,16}[ \t]{0,4}"""
_MARKS = {
    "~": re.compile(r"\s{0,16}", re.ASCII),
    "@": re.compile(r"[\w.:/-]{1,64}", re.ASCII),
    "%": re.compile(r"[^\n{}\[\]]{1,80}"),
    "№": re.compile(r" ?\d{0,2}", re.ASCII),
    "^": re.compile(r"[A-Z]"),
    "¶": re.compile(r'"(?:[^"\\]|\\(?:.|\Z)){0,4000}(?:"|\Z)', re.DOTALL),
    # A tag that is not complete yet may have attributes up to the end of the text.
    "…": re.compile(rf"(?=[^<>\n]{{0,400}}>){_ATTRIBUTES}(?=>)|(?:[ \t][^<>\n]{{0,399}})?\Z"),
}
_CHOICES = {
    "$": tuple(f'"{key}"' for key in NAME_KEYS),
    "&": tuple(f'"{key}"' for key in ARGS_KEYS),
}
"""JSON keys that a mark stands for."""
_PIECES = re.compile(f"([{''.join(map(re.escape, [*_MARKS, *_CHOICES]))}→\\n])")
_BACKTICKS = rf"`{{1,{MAX_BACKTICKS}}}"
_PLAIN = str.maketrans(string.ascii_uppercase + "｜▁", string.ascii_lowercase + "|_")
_KEY_CHARS = 3
_NEVER = "(?!)"


def plain(tag: str) -> str:
    """Return a tag in the form that all its spellings have in common: lower case if it is in angle
    brackets.
    """
    if not tag.startswith(("<", "→<")):
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


class OpenerTree:
    """Openers of forms of one family, place and need, as a tree of their pieces.

    What openers have in common is compared once.

    Args:
        is_tag: whether they are in angle brackets, and so recognised in all their spellings.
        has_marks: whether they are in the notation of `form`.
    """

    def __init__(self, *, is_tag: bool, has_marks: bool) -> None:
        self._is_tag = is_tag
        self._has_marks = has_marks
        self._forms: list[Form] = []
        self._next: dict[str, OpenerTree] = {}

    def add(self, form: Form, pieces: Sequence[str]) -> None:
        """Add a form by the pieces of its opener."""
        if not pieces:
            self._forms.append(form)
            return
        if pieces[0] not in self._next:
            self._next[pieces[0]] = OpenerTree(is_tag=self._is_tag, has_marks=self._has_marks)
        self._next[pieces[0]].add(form, pieces[1:])

    def forms(self) -> Iterator[Form]:
        """Yield all forms."""
        yield from self._forms
        for tree in self._next.values():
            yield from tree.forms()

    def match(
        self, text: str, at: int, *, last: bool, body: int = -1, name: str = "", start: int = -1
    ) -> Iterator[Found | None]:
        """Yield what is found at an offset, and None for what the rest of the text may become.

        A call that the end of the text cuts off in its opener is one if the opener's first literal
        is complete.

        Args:
            text: in which they are looked for.
            at: offset of what is left of the openers.
            last: whether no more text comes.
            body: offset at which the body begins; negative if it has not begun.
            name: of the tool.
            start: offset at which the openers begin; negative if it is `at`.
        """
        if start < 0:
            start = at
        for piece, tree in self._next.items():
            if piece == "→":
                yield from tree.match(text, at, last=last, body=at, name=name, start=start)
                continue
            fits, end, is_cut = self._fit(piece, text, at)
            if is_cut and not last:
                yield None
            elif fits:
                if piece in "@%":
                    name = text[at:end].strip()
                yield from tree.match(text, end, last=last, body=body, name=name, start=start)
            elif is_cut and body > start:
                for form in tree.forms():
                    if form.kind == "tool":
                        yield Found(form, len(text), body, name)
        for form in self._forms:
            yield Found(form, at, at if body < 0 else body, name)

    def _fit(self, piece: str, text: str, at: int) -> tuple[bool, int, bool]:
        """Return whether a piece is at an offset, the offset of its end, and whether the end of the
        text cuts it off.
        """
        literals: Sequence[str] = (piece,)
        if self._has_marks and piece in _MARKS:
            match = _MARKS[piece].match(text, at)
            end = at if match is None else match.end()
            return match is not None, end, end == len(text)
        if self._has_marks and piece in _CHOICES:
            literals = _CHOICES[piece]
        is_cut = False
        for literal in literals:
            end = at + len(literal)
            here = text[at:end]
            if self._is_tag:
                here = here.translate(_PLAIN)
            if here == literal:
                return True, end, False
            is_cut = is_cut or (end > len(text) and literal.startswith(here))
        return False, at, is_cut


def _pieces(form: Form) -> list[str]:
    """Return the literals and marks of a form's opener."""
    if form.family == OWN:
        return [plain(form.opener)]
    return [piece for piece in _PIECES.split(plain(form.opener)) if piece]


def _head(form: Form) -> str:
    """Return a form's opener up to its first mark."""
    return next(piece for piece in _pieces(form) if piece != "→")


def _is_word(head: str) -> bool:
    """Return True if the first character of an opener is so common that it is looked for whole."""
    return head[0].isalnum() or head[0] == ":"


class Openers:
    """The openers that count in a text.

    Args:
        forms: their rows; of two that fit, the one with the longer beginning counts, and then the
            earlier.

    Attributes:
        token: matches where one may begin, runs of backticks, and newlines.
        trigger: matches in each chunk that such an opener, or code, may begin in, but where a line
            has begun.
    """

    def __init__(self, forms: Iterable[Form]) -> None:
        self._heads: set[str] = set()
        self._groups: dict[str, dict[tuple[str, str, str], tuple[Form, OpenerTree]]] = {}
        self._parts: dict[str, list[str]] = {}
        self._words: dict[str, list[Form]] = {}
        self._anywhere: set[str] = set()  # beginnings of those that need not begin a line
        self._words_begin_lines = True
        self._add(forms)

    def with_forms(self, forms: Iterable[Form]) -> "Openers":
        """Return these openers and those of more forms, whose family has no others."""
        both = copy.copy(self)
        both._heads, both._anywhere = set(self._heads), set(self._anywhere)
        both._groups = {key: dict(groups) for key, groups in self._groups.items()}
        both._parts = {part: list(keys) for part, keys in self._parts.items()}
        both._words = {part: list(words) for part, words in self._words.items()}
        both._add(forms)
        return both

    def _add(self, forms: Iterable[Form]) -> None:
        for form in forms:
            head = _head(form)
            self._heads.add(head)
            key = head[:_KEY_CHARS]
            for size in range(1, len(key)):
                self._parts.setdefault(key[:size], []).append(key)
            groups = self._groups.setdefault(key, {})
            rules = (form.place, form.needs, form.family)
            if rules not in groups:
                tree = OpenerTree(is_tag=head.startswith("<"), has_marks=form.family != OWN)
                groups[rules] = (form, tree)
            groups[rules][1].add(form, _pieces(form))
            if form.place not in ("line", "beginning", "fence"):
                self._anywhere.add(key if _is_word(head) else key[0])
            if _is_word(head):
                self._words_begin_lines &= form.place in ("line", "beginning")
                for size in range(1, len(head)):
                    self._words.setdefault(head[:size], []).append(form)
        self._longest_word = max(map(len, self._words), default=0)
        words = sorted(filter(_is_word, self._heads), key=len, reverse=True)
        signs = {head[0] for head in self._heads.difference(words)} - {"`"}
        patterns = [f"[{re.escape(''.join(signs))}]", _any_of(words), _BACKTICKS, r"\n"]
        self.token = re.compile("|".join(patterns))
        self.trigger = re.compile("|".join(_starts(self._anywhere)))

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
            for form, tree in self._groups.get(key, {}).values():
                if fits(form):
                    yield from tree.match(text, at, last=last)

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
            labels = {_head(each) for each in FORMS if each.family == form.family}
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
    openers = [each.opener.replace("…", "") for each in same if each.kind == "thought"]
    return frozenset(plain(opener) for opener in openers if opener[0] in "<[◁")


def _starts(beginnings: Iterable[str]) -> Iterator[str]:
    """Yield regular expressions for what a chunk has where an opener, code or a line begins: of a
    word three characters, or what the end of the chunk leaves of them.
    """
    words = sorted(filter(_is_word, beginnings))
    signs = "".join(sorted(set(beginnings).difference(words)))
    yield rf"[{re.escape(signs)}`\n]"
    for word in words:
        yield rf"\b{re.escape(word)}"
        for size in range(1, len(word)):
            yield rf"\b{re.escape(word[:size])}\Z"


def _any_of(words: Sequence[str]) -> str:
    """Return a regular expression for any of the words, which fails fast where none begins."""
    firsts = "".join(sorted({word[0] for word in words}))
    if not firsts:
        return _NEVER
    return f"(?=[{firsts}])(?:{'|'.join(map(re.escape, words))})"


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


@lru_cache(maxsize=64)
def openers_with_tools(own: tuple[Form, ...], names: frozenset[str]) -> Openers:
    """Return the same, and the openers that begin with the name of a tool."""
    return openers_of(own).with_forms(form for name in sorted(names) for form in named_forms(name))
