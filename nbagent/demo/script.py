"""The demo model: plays the scene that fits a conversation.

The same request always gets the same completion.
"""

import re
from types import SimpleNamespace

from nbagent.demo.arguments import fill
from nbagent.demo.conversation import Completion, Item, Json, Request, digest, to_json
from nbagent.demo.plan import MAX_CALLS, plan
from nbagent.demo.results import code_of, ended, listed, quote
from nbagent.demo.scenes import SCENES, SIGNATURE, Scene, Situation

_READ_CHARS = 10_000  # of a prompt, to find out what it asks for
_PARALLEL = re.compile(
    r"(?i)\b(in parallel|at the same time|at once|simultaneously|concurrently)\b"
)
_NO_THINKING = re.compile(r"(?i)\b(no thinking|without thinking|don't think)\b")
_REPEAT = re.compile(r"(?is)\s*(?:please )?repeat:[ \t]*\n?(.+)")


def play(request: Request) -> Completion:
    """Return the completion that replies to a request: the calls that its prompt asks for and that
    remain, else the answer.
    """
    prompt, since = _newest_prompt(request.history)
    read = prompt[:_READ_CHARS]
    repeat = _REPEAT.fullmatch(prompt)
    if repeat:
        completion = Completion("**An echo**\n\nI write the text back as it came.", repeat[1])
    else:
        completion = _Reply(request, read.strip(), since).completion()
    orders = [item.text for item in request.history if item.kind == "system"]
    if not request.thinks or _NO_THINKING.search("\n".join([*orders, read])):
        completion = completion._replace(thought="")
    return completion.up_to(request.max_tokens)


def _newest_prompt(history: tuple[Item, ...]) -> tuple[str, tuple[Item, ...]]:
    """Return the last prompt, "" if there is none, and what followed it."""
    for index in reversed(range(len(history))):
        if history[index].kind == "user":
            return history[index].text, history[index + 1 :]
    return "", history


class _Reply:
    """The reply to a prompt, of which some calls may have been made.

    Args:
        request: to the model.
        prompt: the user's.
        since: what followed it.
    """

    def __init__(self, request: Request, prompt: str, since: tuple[Item, ...]) -> None:
        outputs = {item.id: item.text for item in since if item.kind == "output"}
        self._request, self._prompt = request, prompt
        self._made = [item for item in since if item.kind == "call"]
        self._quotes = [quote(call, outputs[call.id], prompt) for call in self._made]
        self._known: Json = {}
        for one in self._quotes:
            self._known |= one.fields
        planned = plan(prompt, request.tools, self._known, request.must_call)
        self._planned = planned[:MAX_CALLS]
        self._together = request.parallel and _PARALLEL.search(prompt) is not None
        self._calls = self._next_calls()

    def completion(self) -> Completion:
        """Return the reply: the next calls, or the answer."""
        if self._request.schema is not None and not self._calls:
            return self._form(self._request.schema)
        names = self._names()
        called = [call.name for call in self._planned or self._made]
        situation = Situation(self._prompt, called, bool(self._request.tools))
        for scene in SCENES:
            if not scene.fits(situation):
                continue
            try:
                return self._played(scene, names)
            except (AttributeError, LookupError, ValueError):
                continue  # it quotes what the tools did not return
        raise AssertionError("the last scenes fit any conversation")

    def _played(self, scene: Scene, names: Json) -> Completion:
        thought = scene.thought(len(self._made), is_last=not self._calls, names=names)
        if self._calls:
            return Completion(thought, "", tuple(self._calls))
        text = scene.text(names)
        if text:
            text = f"{text}\n\n{SIGNATURE}"
        return Completion(thought, text)

    def _form(self, schema: Json) -> Completion:
        thought = (
            "**A form to fill in**\n\nThe answer has a given shape. I fill in what the prompt says."
        )
        return Completion(thought, to_json(fill(schema, self._prompt, known=self._known)[0]))

    def _next_calls(self) -> list[Item]:
        """Return the calls of this response: one, or all that are left if they are made at once."""
        # Matched by tool, since an approval may have changed the arguments.
        done = [call.name for call in self._made]
        left: list[Item] = []
        for call in self._planned:
            if call.name in done:
                done.remove(call.name)
            else:
                left.append(call)
        count = 1
        if self._together:
            count = len(left)
        key = self._request.key
        return [call._replace(id=f"call_{digest(key, *call)[:24]}") for call in left[:count]]

    def _names(self) -> Json:
        """Return what fills the gaps of a scene's texts; `scenes.toml` explains them."""
        planned, quotes = self._planned, self._quotes
        by_tool: dict[str, SimpleNamespace] = {
            call.name: quote(call, None, self._prompt) for call in planned
        }
        by_tool |= {call.name: one for call, one in zip(self._made, quotes, strict=True)}
        tools = dict.fromkeys(call.name for call in planned)
        results = [part for one in quotes for part in (one.sentence, one.table)]
        outcomes = [one.outcome for one in quotes]
        return by_tool | {
            "calls": listed([f"`{name}`" for name in tools]),
            "how": self._how(),
            "last": ended(listed(outcomes[-1:])),
            "next": listed([code_of(call) for call in self._calls]),
            "outcomes": ended(listed(outcomes)),
            "results": "\n\n".join(filter(None, results)),
            "tools": listed([f"`{tool['name']}`" for tool in self._request.tools]),
        }

    def _how(self) -> str:
        """Return how the planned calls are made, in words."""
        if len(self._planned) == 1:
            return "it"
        if self._together:
            return "them at once"
        return "one after the other"
