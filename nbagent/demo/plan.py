"""Which tools a prompt calls for, and with what."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nbagent.demo.arguments import SUM_NAMES, fill
from nbagent.demo.clues import STOP_WORDS, Clues
from nbagent.demo.conversation import Tool
from nbagent.demo.schema import alternatives

_VERBS = """add call check compute create display do fetch find get give list load look make open print read retrieve
return run send set show tell tool update value values write data name number text result function string
input output"""
_COMMON = frozenset(_VERBS.split())
_ENOUGH = 2.0
_MOST_PICKS = 24  # far more than are ever made for one prompt; a pasted text may have thousands
_CLAUSE = re.compile(r"[,;:\n]+|[.!?](?=\s|$)|\b(?:and|then|also|plus)\b", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"\n]*\"|“[^”\n]*”|`[^`\n]*`|(?<!\w)'[^'\n]*'(?!\w)")


@dataclass(frozen=True, slots=True)
class Planned:
    """A call to make: the tool, its arguments, and the words of the prompt that ask for it."""

    tool: Tool
    args: Mapping[str, Any]
    reason: str


def plan(prompt: str, tools: tuple[Tool, ...], known: Mapping[str, Any]) -> list[Planned]:
    """The calls that `prompt` asks for, in its order; the same call only once.

    Args:
        prompt: what the user wrote.
        tools: what there is to call.
        known: values by name from earlier results, for parameters that the prompt leaves open.
    """
    planned: dict[tuple[str, str], Planned] = {}
    for tool, start, end in _pick(prompt, tools):
        for args in fill(tool.parameters, prompt, span=(start, end), known=known, tool_words=frozenset(_words(tool.name))):
            reason = prompt[start:end].strip(" \n\t,;:.?!")
            planned.setdefault((tool.name, repr(sorted(args.items()))), Planned(tool, args, _without_and(reason)))
    return list(planned.values())


def plan_one(prompt: str, tool: Tool, known: Mapping[str, Any]) -> Planned:
    """A call of this tool, whether or not the prompt asks for it."""
    args = fill(tool.parameters, prompt, known=known, tool_words=frozenset(_words(tool.name)))[0]
    return Planned(tool, args, prompt.strip())


def _pick(prompt: str, tools: tuple[Tool, ...]) -> list[tuple[Tool, int, int]]:
    """The tool for each clause. A clause that fits none belongs to the one before it; an opening one to the first."""
    scores = [_Scorer(tool) for tool in tools]
    picks: list[tuple[Tool, int]] = []
    for start, end in _clauses(prompt):
        best = max(scores, key=lambda scorer: scorer.score(prompt[start:end]), default=None)
        if best and best.score(prompt[start:end]) >= _ENOUGH:
            picks.append((best.tool, start))
        if len(picks) == _MOST_PICKS:
            break
    if not picks:
        best = max(scores, key=lambda scorer: scorer.score(prompt), default=None)
        picks = [(best.tool, 0)] if best and best.score(prompt) >= 1 else []
    starts = [0, *(start for _, start in picks[1:])]
    return [(tool, starts[i], starts[i + 1] if i + 1 < len(starts) else len(prompt)) for i, (tool, _) in enumerate(picks)]


def _clauses(prompt: str) -> Iterator[tuple[int, int]]:
    quoted = [match.span() for match in _QUOTED.finditer(prompt)]
    start = 0
    for match in _CLAUSE.finditer(prompt):
        if not any(left <= match.start() < right for left, right in quoted) and not _inside_number(prompt, match):
            if prompt[start : match.start()].strip():
                yield start, match.start()
            start = match.start() if match.group()[0].isalpha() else match.end()
    if prompt[start:].strip():
        yield start, len(prompt)


def _inside_number(prompt: str, match: re.Match[str]) -> bool:
    around = prompt[max(0, match.start() - 1) : match.end() + 1]
    return re.fullmatch(r"\d[,:]\d", around) is not None


class _Scorer:
    """How well a clause fits one tool: its name counts most, then the words of its description and parameters."""

    def __init__(self, tool: Tool) -> None:
        self.tool = tool
        names = {_stem(word) for word in _words(tool.name)} - {_stem(word) for word in STOP_WORDS}
        specific = {word for word in names if word not in _COMMON_STEMS} or names
        self._names = {word: 3.0 if word in specific else 1.0 for word in names}
        self._others = (_vocabulary(tool) - names - _COMMON_STEMS) - {_stem(word) for word in STOP_WORDS}
        self._sums = bool(_parameters(tool) & SUM_NAMES)
        self._full = re.compile(r"\b" + r"[\s_-]+".join(_words(tool.name)) + r"\b", re.IGNORECASE)
        self._exact = re.compile(rf"(?<!\w){re.escape(tool.name)}(?!\w)")

    def score(self, clause: str) -> float:
        words = {_stem(word) for word in _words(clause)}
        own = words & self._names.keys()
        score = sum(self._names[word] for word in own) + len(words & self._others)
        score += 3 if self._sums and next(Clues(clause).free(0, len(clause), "sum"), None) else 0
        score += len(own) / (2 * len(self._names)) if own else 0
        return score + (20 if self._exact.search(clause) else 10 if self._full.search(clause) and len(self._names) > 1 else 0)


def _parameters(tool: Tool) -> set[str]:
    return {name for choice in alternatives(tool.parameters, tool.parameters) for name in choice.get("properties") or ()}


def _vocabulary(tool: Tool) -> set[str]:
    """The words of a tool's description (its first paragraph), parameters and allowed values."""
    texts = [tool.description.split("\n\n")[0]]
    for choice in alternatives(tool.parameters, tool.parameters):
        for name, inner in (choice.get("properties") or {}).items():
            texts.append(name)
            for one in alternatives(inner, tool.parameters):
                texts += [member for member in one.get("enum") or () if isinstance(member, str)]
    return {_stem(word) for text in texts for word in _words(text)}


def _words(text: str) -> list[str]:
    """The words of a sentence or of a name, `camelCase` and `snake_case` taken apart."""
    return [word.lower() for word in re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text))]


def stems(text: str) -> set[str]:
    """The words of a text that carry meaning, without their endings."""
    return {_stem(word) for word in _words(text) if word not in STOP_WORDS} - _COMMON_STEMS


def _stem(word: str) -> str:
    for ending in ("ings", "ing", "ies", "ed", "es", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not (ending in ("s", "es") and word.endswith("ss")):
            return word.removesuffix(ending)
    return word


def _without_and(reason: str) -> str:
    return re.sub(r"^(?:and|then|also|plus)\b[\s,]*(?:then\b\s*)?", "", reason, flags=re.IGNORECASE)


_COMMON_STEMS = {_stem(word) for word in _COMMON}
