"""What a prompt has in it that could be an argument: quoted text, numbers, dates, names, codes."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_STOP_WORDS = """a about after again all also an and any are as at be before between both but by can could did do does
each every for from give had has have here how i if in into is it its just let make many may me might
more most much my no not now of on one only or other our out over per please same shall should so some
such tell than that the their them then there these they this those to too up us use using want was we
were what when where which while who whole why will with would you your"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Words that are never a value by themselves."""

_PREPOSITIONS = frozenset(("to", "from", "in", "at", "by", "for", "of", "on", "with"))
_SYNONYMS = dict.fromkeys(("column", "field", "key", "dimension", "group"), "by")
_NUMBER_WORDS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

# The kinds in order: a later one gives way where an earlier one has the text already, except inside a sum.
_KINDS = (
    ("quoted", r"\"([^\"\n]+)\"|“([^”\n]+)”|`([^`\n]+)`|(?<!\w)'([^'\n]+)'(?!\w)"),
    ("url", r"\bhttps?://[^\s<>\"]*[^\s<>\".,;:!?)]"),
    ("email", r"\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+"),
    ("date", r"\b\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})?)?(?!\w)"),
    ("time", r"(?<![\w:])\d{1,2}:\d{2}(?::\d{2})?(?![\w:])"),
    ("sum", r"(?<![\w.])\(*-?\d[\d.]*(?:\s*(?:\)\s*)*[-+*/^%]+\s*(?:\(\s*)*\d[\d.]*)+(?:\s*\))*"),
    ("path", r"(?<![\w/.])[\w~./-]{0,200}\w\.[A-Za-z]\w{1,4}\b"),
    ("number", r"(?<![\w.])(?:(?<=[\s(=:])-|(?<!-)(?<!\d)|^-)\d+(?:,\d{3}(?!\d))*(?:\.\d+)?(?![\w])"),
    ("number", rf"(?i:\b(?:{'|'.join(_NUMBER_WORDS)})\b)"),
    ("code", r"\b(?=[\w-]{0,80}\d)(?=[\w-]{0,80}[A-Za-z])\w[\w-]*"),
    ("name", r"\b[A-Z][\w’'-]*(?:\s+[A-Z][\w’'-]*)*"),
)
_FIND = tuple((kind, re.compile(pattern)) for kind, pattern in _KINDS)
_LIST_SEPARATOR = re.compile(
    r"\s*(?:(?:,|;|&|\+|\band\b|\bor\b|\bas well as\b)\s*)+(?:(?:by|for|of|in|from|per|the|also)\s+)*", re.IGNORECASE
)
_SENTENCE_START = re.compile(r"(?:^|[.!?:\n]\s*)[\s\"“'`(*-]*$")


class Clue(NamedTuple):
    """A piece of the prompt from `start` to `end` that could be a value; `text` is the value as written."""

    start: int
    end: int
    kind: str
    text: str

    @property
    def number(self) -> float | None:
        """The number it is, if it is one."""
        if self.kind != "number":
            return None
        if self.text.lower() in _NUMBER_WORDS:
            return _NUMBER_WORDS.index(self.text.lower()) + 2
        value = float(self.text.replace(",", ""))
        return int(value) if value.is_integer() and "." not in self.text else value

    @property
    def is_year(self) -> bool:
        """Whether it looks like a year, such as 2025."""
        return self.kind == "number" and re.fullmatch(r"(19|20)\d\d", self.text) is not None


class Clues:
    """The clues of one prompt, each used for one argument only."""

    def __init__(self, prompt: str) -> None:
        self.prompt = prompt
        self._all = sorted(_find(prompt))
        self._used: list[Clue] = []

    def free(self, start: int, end: int, *kinds: str) -> Iterator[Clue]:
        """The unused clues of these kinds between two positions, as they come."""
        for clue in self._all:
            if clue.kind in kinds and start <= clue.start and clue.end <= end and self._is_free(clue):
                yield clue

    def use(self, clue: Clue) -> None:
        """Take a clue."""
        self._used.append(clue)

    def _is_free(self, clue: Clue) -> bool:
        return not any(clue.start < used.end and used.start < clue.end for used in self._used)

    def mentions(self, word: str, start: int, end: int) -> Iterator[Clue]:
        """Where the prompt has `word`; spaces stand for underscores, and short words are read with their case."""
        pattern = r"[\s_-]+".join(map(re.escape, re.split(r"[\s_-]+", word.strip("_ -")) or [word]))
        flags = re.IGNORECASE if len(word) > 2 else 0
        for match in re.compile(rf"(?<!\w){pattern}(?!\w)", flags).finditer(self.prompt, start, end):
            clue = Clue(match.start(), match.end(), "mention", match.group())
            if word and self._is_free(clue):
                yield clue

    def named(self, name: str, start: int, end: int) -> Iterator[Clue]:
        """Values that the prompt gives by the parameter's name: `region=west`, `region: "west"`, `region west`, `to USD`."""
        words = [word for word in re.split(r"[_\W]+", name) if word]
        forms = [r"[\s_-]+".join(map(re.escape, words))] if words else []
        forms += [synonym for synonym in (_SYNONYMS.get(word.lower()) for word in words) if synonym]
        forms += [re.escape(word) for word in words if len(words) > 1 and (len(word) > 2 or word in _PREPOSITIONS)]
        for index, form in enumerate(forms):
            pattern = rf"\b{form}_?\b(\s*[=:]\s*|\s+(?:is|of|named|called)\s+|\s+)(?=\S)"
            for match in re.compile(pattern, re.IGNORECASE).finditer(self.prompt, start, end):
                at = match.end()
                clue = next((clue for clue in self._all if clue.start == at and self._is_free(clue)), None)
                assigned = match.group(1).strip() in ("=", ":")
                plain = form == "by" if index else name not in _PREPOSITIONS
                if clue is None and (assigned or plain):
                    clue = self._word(at, end, bare=not assigned)
                if clue is not None and clue.end <= end:
                    yield clue

    def _word(self, at: int, end: int, bare: bool) -> Clue | None:
        match = re.compile(r"[^\s,;)\]}]+").match(self.prompt, at, end)
        text = match.group().rstrip(".?!:\"'”") if match else ""
        if not text or (bare and (text.lower() in STOP_WORDS or not text[0].isalnum())):
            return None
        return Clue(at, at + len(text), "word", text)

    def listed(self, clue: Clue, others: list[Clue]) -> list[Clue]:
        """Those of `others` that continue a list begun with `clue`: "CHF, USD and EUR"."""
        found: list[Clue] = []
        last = clue
        for other in sorted(others):
            if other.start >= last.end and _LIST_SEPARATOR.fullmatch(self.prompt, last.end, other.start):
                found.append(other)
                last = other
        return found


def _find(prompt: str) -> Iterator[Clue]:
    taken: list[tuple[int, int]] = []
    for kind, pattern in _FIND:
        spans = []
        for match in pattern.finditer(prompt):
            start, end = match.span()
            if any(start < right and left < end for left, right in taken):
                continue
            text = next((group for group in match.groups() if group), match.group())
            if kind == "name":
                start, text = _without_opening(prompt, start, text)
            if text:
                yield Clue(start, end, kind, text)
                spans.append((start, end))
        if kind != "sum":
            taken += spans


def _without_opening(prompt: str, start: int, text: str) -> tuple[int, str]:
    """A capital letter at the start of a sentence says nothing, unless the whole word is in capitals."""
    first = text.split()[0]
    if first == "I" or (_SENTENCE_START.search(prompt, max(0, start - 20), start) and not (first.isupper() and len(first) > 1)):
        rest = text[len(first) :].lstrip()
        return start + len(text) - len(rest), rest
    return start, text
