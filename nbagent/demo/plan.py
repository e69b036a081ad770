"""The calls that a prompt asks for: each of its clauses, and the tool that fits it best."""

import re
from collections.abc import Iterator
from itertools import pairwise

from nbagent.demo.arguments import fill
from nbagent.demo.clues import CLUE, operations, stems
from nbagent.demo.conversation import Item, Json, to_json
from nbagent.demo.json_schema import properties_of

MAX_CALLS = 8
"""Calls for one prompt."""

_CLAUSE_END = re.compile(r"(?i)\b(?:and|then|also|plus)\b|[,;:](?!\d)|[.!?](?=\s|$)|\n")
_VAGUE = stems("""
add call check compute create fetch find get list load look make open print read return run send set
show update write data name result value
""")  # in too many tools' names to tell them apart


def plan(prompt: str, tools: tuple[Json, ...], known: Json, must: bool = False) -> list[Item]:
    """Return the calls that a prompt asks for, in its order.

    Args:
        prompt: the user's.
        tools: functions that may be called.
        known: values by name from the results of other tools.
        must: whether one has to be called: the first, if the prompt asks for none.
    """
    picks = _picks(prompt, tools)
    if not picks and must:
        picks = [(0, tool) for tool in tools[:1]]
    picks = picks[: 3 * MAX_CALLS]  # a pasted text may have thousands
    # A clause that fits no tool belongs to the one before it, and at the start to the one after it.
    bounds = [0, *(start for start, _ in picks[1:]), len(prompt)]
    calls: dict[Item, None] = {}
    for (_, tool), (start, end) in zip(picks, pairwise(bounds), strict=False):
        for args in fill(tool.get("parameters"), prompt, range(start, end), known):
            calls[Item("call", to_json(args), name=tool["name"])] = None
    return list(calls)


def _picks(prompt: str, tools: tuple[Json, ...]) -> list[tuple[int, Json]]:
    """Return where a prompt asks for a tool, and for which."""
    best: list[tuple[int, int, Json]] = []
    if not tools:
        return []
    for start, clause in _clauses(prompt):
        scored = [(_score(tool, clause), tool) for tool in tools]
        score, tool = max(scored, key=lambda pair: pair[0])
        best.append((score, start, tool))
    # One word in common may be chance, so it counts only where no clause has more.
    enough = 2 if any(score >= 2 for score, _, _ in best) else 1
    return [(start, tool) for score, start, tool in best if score >= enough]


def _clauses(prompt: str) -> Iterator[tuple[int, str]]:
    """Yield the clauses of a prompt and where they start, without what is quoted."""
    unquoted = CLUE.sub(lambda clue: " " * len(clue[0]) if clue["quoted"] else clue[0], prompt)
    ends = [end.start() for end in _CLAUSE_END.finditer(unquoted)]
    for start, end in pairwise([0, *ends, len(prompt)]):
        yield start, unquoted[start:end]


def _score(tool: Json, clause: str) -> int:
    """Return a score of how well a clause fits a tool: its name counts most, then its description
    and its parameters.
    """
    parameters = properties_of(tool.get("parameters"))
    asked, name = stems(clause) | operations(clause), stems(tool["name"])
    telling = (name - _VAGUE) or name
    purpose = str(tool.get("description")).split("\n")[0]
    about = stems(" ".join([purpose, *parameters])) - name - _VAGUE
    is_named = re.search(rf"(?<!\w){re.escape(tool['name'])}(?!\w)", clause) is not None
    calculates = "expression" in parameters and any(
        clue["expression"] for clue in CLUE.finditer(clause)
    )
    score = 20 * is_named + 3 * calculates + 3 * len(asked & telling)
    return score + len(asked & (name - telling)) + len(asked & about)
