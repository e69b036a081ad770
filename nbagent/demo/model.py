"""The demo model's brain: a request in, a turn out. A script, not a language model; the same request gets the same turn."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from nbagent.demo import prose
from nbagent.demo.answer import Done, Length, compose, outcome
from nbagent.demo.arguments import fill
from nbagent.demo.conversation import Call, Item, Message, Output, Request, Turn, digest, to_json
from nbagent.demo.direct import direct
from nbagent.demo.plan import Planned, plan, plan_one, stems
from nbagent.demo.results import read
from nbagent.demo.tokens import split

MAX_STEPS = 6
"""Most tool calls for one prompt, where they are made one after the other."""

_MAX_PARALLEL = 12
_MAX_COUNT = 10_000
_READ_CHARACTERS = 10_000  # of a prompt, to find out what it wants: what a user types, not what they paste

_PARALLEL = re.compile(r"\b(in parallel|at the same time|at once|simultaneously|concurrently|both)\b", re.IGNORECASE)
_AGAIN = re.compile(r"\b(again|once more|reload|refresh|retry|repeat)\b", re.IGNORECASE)
_NO_TOOLS = re.compile(r"\b(no|without|don't use|do not use)( any)? tools?\b", re.IGNORECASE)
_NO_THINKING = re.compile(r"\b(no thinking|without thinking|don't think)\b", re.IGNORECASE)
_LONG = re.compile(r"\b(long(er)? answer|at length|in detail|detailed|essay)\b", re.IGNORECASE)
_BRIEF = re.compile(r"\b(be brief|briefly|short answer|in short|concise(ly)?|one sentence)\b", re.IGNORECASE)
_COUNT = re.compile(r"\bcount (?:up )?to (\d[\d,]*)", re.IGNORECASE)
_REPEAT = re.compile(
    r"\s*(?:please )?(?:repeat|echo|say)\b(?: after me| exactly| this)*(?::[ \t]*\n?|\s+(?=[\"“]))(.+)",
    re.IGNORECASE | re.DOTALL,
)


def think(request: Request) -> Turn:
    """The reply to a request: calls of tools that the prompt asks for and that are still to be made, or else the answer."""
    talk = _Talk(request)
    turn = talk.turn()
    if not request.thinking or _NO_THINKING.search(talk.prompt):
        turn = replace(turn, reasoning=())
    return turn if request.limit is None else _cut(turn, request.limit)


class _Talk:
    """What the history says: the prompt, what was done for it, and what is known from before."""

    def __init__(self, request: Request) -> None:
        self.request = request
        asked = [i for i, item in enumerate(request.history) if isinstance(item, Message) and item.role == "user"]
        last = asked[-1] if asked else -1
        self.whole = getattr(request.history[last], "text", "").strip() if asked else ""
        self.prompt = self.whole[:_READ_CHARACTERS]
        system = (item.text for item in request.history if isinstance(item, Message) and item.role == "system")
        self.orders = "\n".join((request.instructions, *system, self.prompt))
        self.before = _done(request.history[: last + 1], earlier=True)
        self.now = _done(request.history[last + 1 :], earlier=False)

    @property
    def length(self) -> Length:
        return "long" if _LONG.search(self.orders) else "brief" if _BRIEF.search(self.orders) else "normal"

    def turn(self) -> Turn:
        if exact := self._exact():
            return exact
        planned = self._planned()
        reused, to_do = self._sort(planned)
        if to_do and len(self.now) < MAX_STEPS:
            together = self.request.parallel and bool(_PARALLEL.search(self.prompt))
            chosen = to_do[:_MAX_PARALLEL] if together else to_do[:1]
            return Turn(tuple(self._thoughts(planned, chosen, reused)), calls=tuple(self._calls(chosen)))
        return self._answer(reused, to_do)

    def _exact(self) -> Turn | None:
        """Prompts whose answer is laid down in them."""
        if match := _REPEAT.match(self.whole):
            text = re.sub(r'^["“](.*)["”]$', r"\1", match.group(1), flags=re.DOTALL)
            return Turn(("**Repeating**\n\nThe user wants a text back. I write it character for character.",), text)
        if (match := _COUNT.search(self.prompt)) and not self.request.tools:
            most = min(int(match.group(1).replace(",", "")), _MAX_COUNT)
            text = ", ".join(map(str, range(1, most + 1)))
            return Turn((f"**Counting**\n\nThe user wants me to count to {most}. I need no tool for that.",), f"{text}.")
        return None

    # --- what to do -------------------------------------------------------------------------------------------------

    def _planned(self) -> list[Planned]:
        request = self.request
        if request.choice == "none" or not request.tools or _NO_TOOLS.search(self.prompt):
            return []
        known = _values([*self.before, *self.now])
        if planned := plan(self.prompt, request.tools, known):
            return planned
        return [plan_one(self.prompt, request.tools[0], known)] if request.choice == "required" else []

    def _sort(self, planned: Sequence[Planned]) -> tuple[list[Done], list[Planned]]:
        """What is known from an earlier prompt already, and what is still to do."""
        known = {} if _AGAIN.search(self.prompt) else {one.call.key: one for one in self.before if one.result.error is None}
        keys = [Call("", one.tool.name, one.args).key for one in planned]
        reused = [known[key] for key in keys if key in known]
        # A call counts by its tool, not by its arguments: whoever approved it may have changed them.
        made = Counter(one.call.name for one in self.now)
        to_do = []
        for one, key in zip(planned, keys, strict=True):
            if key in known:
                continue
            if made[one.tool.name]:
                made[one.tool.name] -= 1
            else:
                to_do.append(one)
        return reused, to_do

    def _calls(self, chosen: Sequence[Planned]) -> Iterator[Call]:
        for index, one in enumerate(chosen):
            yield Call("call_" + digest(self.request.key, str(index), length=24), one.tool.name, one.args)

    # --- what to say ------------------------------------------------------------------------------------------------

    def _answer(self, reused: Sequence[Done], left: Sequence[Planned]) -> Turn:
        done = [*reused, *self.now] or self._remembered()
        if (schema := self.request.schema) is not None:
            text = to_json(fill(schema, self.prompt, known=_values([*self.before, *self.now]))[0])
            return Turn(("**Filling in the form**\n\nThe answer has to have a given shape, so I fill in what I know.",), text)
        if not done:
            return Turn(tuple(self._thoughts([], [], [])), direct(self.whole, self.request.tools, self.length))
        note = f"I stopped after {MAX_STEPS} steps, with {prose.counted(len(left), 'call')} still to make." if left else ""
        return Turn((_closing(done),), compose(self.prompt, done, self.length, note))

    def _remembered(self) -> list[Done]:
        """Earlier results that the prompt may be about: those it shares a word with, else the latest for a question."""
        good = [one for one in self.before if one.result.error is None]
        asked = stems(self.prompt)
        about = [one for one in good if asked & (stems(one.call.name) | stems(" ".join(_names(one))))]
        question = re.search(
            r"\?|\b(mean|average|total|sum|highest|lowest|best|worst|why|which|what|those|them|that)\b", self.prompt.lower()
        )
        return about or (good[-1:] if question else [])

    def _thoughts(self, planned: Sequence[Planned], chosen: Sequence[Planned], reused: Sequence[Done]) -> Iterator[str]:
        if self.now:
            yield self._between(chosen)
            return
        asked = prose.shortened(" ".join(self.prompt.split()), 120)
        tools = [one.name for one in self.request.tools]
        have = f"I have {prose.counted(len(tools), 'tool')}: {prose.listed(tools[:8])}." if tools else "I have no tools."
        yield f"**Reading the request**\n\nThe user asks: “{asked}” {have}"
        steps = list(_reasons(planned, self.prompt))
        known = [f"{one.call} I have from before." for one in reused]
        if chosen and len(chosen) > 1:
            order = f"The {len(chosen)} calls do not wait for each other, so I make them in one go."
        elif chosen:
            order = "I start with the first." if len(planned) > 1 else "I call it."
        else:
            order = "" if reused else "No tool fits, so I answer right away." if tools else "I answer right away."
        yield "**Choosing what to do**\n\n" + " ".join(part for part in (*steps, *known, order) if part)

    def _between(self, chosen: Sequence[Planned]) -> str:
        last = self.now[-1]
        went = (
            f"failed: {last.result.error} I note it and carry on"
            if last.result.error is not None
            else f"returned {outcome(last.result)}"
        )
        following = prose.listed([f"{one.tool.name}{_with(one)}" for one in chosen])
        return f"**Next step**\n\n{last.call.name} {went}. Next is {following}."


def _closing(done: Sequence[Done]) -> str:
    good = [f"{prose.shortened(str(one.call), 60)} returned {outcome(one.result)}" for one in done if one.result.error is None]
    bad = [f"{one.call.name} {outcome(one.result)} ({one.result.error})" for one in done if one.result.error is not None]
    rest = (
        " I say so in the answer, and invent nothing in its place."
        if bad
        else " I build the answer from that, and from nothing else."
    )
    return f"**Putting the answer together**\n\n{'; '.join([*good, *bad])}.{rest}"


def _reasons(planned: Sequence[Planned], prompt: str) -> Iterator[str]:
    for reason, group in groupby(planned, key=lambda one: one.reason):
        calls = prose.listed([f"{one.tool.name}{_with(one, among=prompt)}" for one in group])
        yield f"“{prose.shortened(reason, 60)}” fits {calls}."


def _with(one: Planned, among: str | None = None) -> str:
    """The arguments in words; those found in the text `among` only, since later results may still change the others."""
    found = {name: str(value) for name, value in one.args.items() if among is None or str(value).lower() in among.lower()}
    values = [f"{name} = {prose.shortened(text, 40)}" for name, text in found.items()]
    return f" with {prose.listed(values)}" if values else ""


def _done(history: Sequence[Item], earlier: bool) -> list[Done]:
    outputs = {item.id: item.text for item in history if isinstance(item, Output)}
    return [Done(item, read(outputs[item.id]), earlier) for item in history if isinstance(item, Call) and item.id in outputs]


def _names(one: Done) -> list[str]:
    return [*(one.result.table.columns if one.result.table else ()), *one.result.facts, *map(str, one.call.args.values())]


def _values(done: Sequence[Done]) -> dict[str, Any]:
    """Single values by name out of results, the latest first to count: what a later tool may need."""
    values: dict[str, Any] = {}
    for one in done:
        result = one.result
        if result.error is None:
            values.update({name.rsplit(".", 1)[-1]: value for name, value in result.facts.items()})
            if result.table and len(result.table.rows) == 1:
                values.update(zip(result.table.columns, result.table.rows[0], strict=True))
            elif isinstance(result.value, Mapping):
                values.update(result.value)
    return values


def _cut(turn: Turn, limit: int) -> Turn:
    """The turn as far as `limit` tokens go. A call is made whole or not at all."""
    left = limit
    thoughts: list[str] = []
    for text in turn.reasoning:
        pieces = list(split(text))
        if left > 0:
            thoughts.append("".join(pieces[:left]))
        left -= len(pieces)
    pieces = list(split(turn.text))
    text = "".join(pieces[: max(left, 0)])
    left -= len(pieces)
    calls = []
    for call in turn.calls:
        left -= sum(1 for _ in split(call.text))
        if left >= 0:
            calls.append(call)
    return replace(turn, reasoning=tuple(thoughts), text=text, calls=tuple(calls), finish="stop" if left >= 0 else "length")
