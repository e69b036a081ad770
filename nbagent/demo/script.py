"""The demo model: plays the scene that fits a conversation.

The same request always gets the same completion.
"""

import re
import tomllib
from importlib.resources import files
from itertools import pairwise

import msgspec

from nbagent.demo.arguments import CLUE, fill, resolve, stems
from nbagent.demo.conversation import Completion, Item, Json, Request, digest, to_json
from nbagent.demo.results import code_of, listed, quote

_READ_CHARS = 10_000  # of a prompt, to find out what it asks for
_MAX_CALLS = 8  # for one prompt
_CLAUSE_END = re.compile(r"(?i)\b(?:and|then|also|plus)\b|[,;:](?!\d)|[.!?](?=\s|$)|\n")
_PARALLEL = re.compile(
    r"(?i)\b(in parallel|at the same time|at once|simultaneously|concurrently)\b"
)
_NO_THINKING = re.compile(r"(?i)\b(no thinking|without thinking|don't think)\b")
_REPEAT = re.compile(r"(?is)\s*(?:please )?repeat:[ \t]*\n?(.+)")
_FORMULA = re.compile(r"(?s)\$\$.+?\$\$")
_VAGUE = stems("""add call check compute create fetch find get list load look make open print read return run send set show
update write data name result value""")  # in too many tools' names to tell them apart


class Scene(msgspec.Struct, forbid_unknown_fields=True):
    """A scene of `scenes.toml`, which explains the fields."""

    answer: str
    prompt: str = ""
    calls: list[str] | None = None
    offers_tools: bool = False
    thoughts: tuple[str, ...] = (
        "**Looking it up**\n\nThis one is in my script. I read it out, word for word.",
    )


_DATA = tomllib.loads(files("nbagent.demo").joinpath("scenes.toml").read_text("utf-8"))
SCENES = msgspec.convert(_DATA["scenes"], list[Scene])
SIGNATURE: str = _DATA["signature"]


def play(request: Request) -> Completion:
    """Return the completion that replies to a request: the calls that its prompt asks for and that
    remain, else the answer.
    """
    start = max(
        (index for index, item in enumerate(request.history) if item.kind == "user"), default=-1
    )
    prompt = request.history[start].text if start >= 0 else ""
    orders = "\n".join(
        [*(item.text for item in request.history if item.kind == "system"), prompt[:_READ_CHARS]]
    )
    if repeat := _REPEAT.fullmatch(prompt):
        completion = Completion("**An echo**\n\nI write the text back as it came.", repeat[1])
    else:
        completion = _turn(request, prompt[:_READ_CHARS].strip(), request.history[start + 1 :])
    thinks = request.thinks and not _NO_THINKING.search(orders)
    return completion._replace(thought=completion.thought if thinks else "").up_to(
        request.max_tokens
    )


def _turn(request: Request, prompt: str, since: tuple[Item, ...]) -> Completion:
    outputs = {item.id: item.text for item in since if item.kind == "output"}
    made = [item for item in since if item.kind == "call"]
    quotes = [quote(call, outputs[call.id], prompt) for call in made]
    known = {name: value for one in quotes for name, value in one.fields.items()}
    planned = plan(prompt, request.tools, known, request.must_call)[:_MAX_CALLS]
    # matched by tool, since an approval may have changed the arguments
    left, done = (
        [],
        [call.name for call in made],
    )
    for call in planned:
        done.remove(call.name) if call.name in done else left.append(call)
    together = request.parallel and _PARALLEL.search(prompt) is not None
    calls = [
        call._replace(id=f"call_{digest(request.key, *call)[:24]}")
        for call in (left if together else left[:1])
    ]
    if request.schema is not None and not calls:
        text = to_json(fill(request.schema, prompt, known=known)[0])
        return Completion(
            "**A form to fill in**\n\nThe answer has a given shape. I fill in what the prompt "
            "says.",
            text,
        )
    names: Json = {call.name: quote(call, None, prompt) for call in planned}
    names |= {call.name: one for call, one in zip(made, quotes, strict=True)}
    names |= {
        "calls": listed([f"`{name}`" for name in dict.fromkeys(call.name for call in planned)]),
        "how": "it" if len(planned) == 1 else "them at once" if together else "one after the other",
        "last": quotes[-1].outcome if quotes else "",
        "next": listed([code_of(call) for call in calls]),
        "outcomes": listed([one.outcome for one in quotes]),
        "results": "\n\n".join(
            part for one in quotes for part in (one.sentence, one.table) if part
        ),
        "tools": listed([f"`{tool['name']}`" for tool in request.tools]),
    }
    called = [call.name for call in planned or made]
    for scene in SCENES:
        fits = scene.calls == called if scene.calls else bool(called) == (scene.calls == [])
        if (
            fits
            and bool(request.tools) >= scene.offers_tools
            and re.search(scene.prompt, prompt, re.IGNORECASE | re.DOTALL)
        ):
            last = len(scene.thoughts) - 1
            thought = scene.thoughts[min(len(made), last - 1) if calls else last]
            try:
                thought, answer = (
                    thought.format(**names),
                    "" if calls else scene.answer.format(**names),
                )
            except (
                AttributeError,
                LookupError,
                ValueError,
            ):
                # It quotes what the tools did not return.
                continue
            text = _FORMULA.sub(
                lambda formula: re.sub(r"(?<=\d),(?=\d{3})", "{,}", formula[0]), answer.strip()
            )
            return Completion(thought, f"{text}\n\n{SIGNATURE}" if text else "", tuple(calls))
    raise AssertionError("the last scenes fit any conversation")


def plan(prompt: str, tools: tuple[Json, ...], known: Json, must: bool = False) -> list[Item]:
    """Return the calls that `prompt` asks for, in its order; one of the first tool if there are
    none but one `must` be made.
    """
    unquoted = CLUE.sub(lambda clue: " " * len(clue[0]) if clue["quoted"] else clue[0], prompt)
    clauses = pairwise([0, *(end.start() for end in _CLAUSE_END.finditer(unquoted)), len(prompt)])
    fits = [
        (max((_fit(tool, unquoted[start:end]), -i) for i, tool in enumerate(tools)), start)
        for start, end in clauses
        if tools
    ]
    enough = 2 if any(fit >= 2 for (fit, _), _ in fits) else 1
    picks = [(start, tools[-index]) for (fit, index), start in fits if fit >= enough] or [
        (0, tool) for tool in tools[:must]
    ]
    # A clause that fits no tool belongs to the one before it, and at the start to the one after it.
    picks = picks[: 3 * _MAX_CALLS]  # a pasted text may have thousands
    bounds = [0, *(start for start, _ in picks[1:]), len(prompt)]
    calls: dict[Item, None] = {}
    for (_, tool), (start, end) in zip(picks, pairwise(bounds), strict=False):
        for args in fill(tool.get("parameters"), prompt, range(start, end), known):
            calls[Item("call", to_json(args), name=tool["name"])] = None
    return list(calls)


def _fit(tool: Json, clause: str) -> int:
    """Return a score of how well a clause fits a tool: its name counts most, then its description
    and its parameters.
    """
    parameters = resolve(tool.get("parameters"), tool.get("parameters")).get("properties") or {}
    asked, name = stems(clause), stems(tool["name"])
    telling = (name - _VAGUE) or name
    about = (
        stems(" ".join([str(tool.get("description")).split("\n")[0], *parameters])) - name - _VAGUE
    )
    exact = re.search(rf"(?<!\w){re.escape(tool['name'])}(?!\w)", clause) is not None
    sums = "expression" in parameters and any(clue["expression"] for clue in CLUE.finditer(clause))
    return (
        20 * exact
        + 3 * len(asked & telling)
        + len(asked & (name - telling))
        + len(asked & about)
        + 3 * sums
    )
