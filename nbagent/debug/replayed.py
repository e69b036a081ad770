"""`ReplayedPart`: the history and the events of a run up to a point, for another run that goes on
from there.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from nbagent import events as e
from nbagent.agent.model import input_items, valid_history
from nbagent.agent.model.recorded_run import RecordedCall, RecordedRun, RecordedStep
from nbagent.agent.model.response import Call
from nbagent.agent.run.history import Conversation
from nbagent.debug.fork_label import is_seam
from nbagent.debug.point import Point
from nbagent.events.meta import GIVEN

_PREFIX = re.compile(r"(?:.*/)?fork-(\d+)/")


class ReplayedPart:
    """The part of a run before a point.

    Args:
        run: the run.
        point: where another one goes on.
        exact: the history of a run of nbagent's own agent, with what only its model understands;
            None for a recording.
        keeps_handoffs: whether the hand-offs beside the point's call are repeated. A framework
            makes none again; an agent does, after the call.

    Attributes:
        before: the history before the prompt.
        prompt: the prompt, with the messages that were given with it; empty if the run does not
            have it.
        steps: the responses of the model in this part, those to other prompts excluded.
        open: the calls of the last response that are still to be made; the one of the point is the
            first.
    """

    def __init__(
        self, run: RecordedRun, point: Point, exact: Any = None, *, keeps_handoffs: bool = False
    ) -> None:
        self._run = run
        self._point = point
        number = run.prompt_of(point.step.number)
        last = point.step.number
        if point.call is None:
            last -= 1
        self.steps: list[RecordedStep] = run.steps[run.first_step(number) : last]
        self.open = self._open_calls(keeps_handoffs)
        self._begin = 0
        self.before: list[input_items.Item] = []
        self.prompt: list[input_items.Item] = []
        if number >= 0:
            prompt, _, at = run.prompts[number]
            self._begin = at + 1
            self.prompt = [_prompt_item(prompt)]
        for index in range(number):
            self.before += _exchange(run, index)
        self._items = [step.items() for step in self.steps]
        if isinstance(exact, Conversation) and len(run.prompts) <= 1:
            self._take_exact(exact)

    def _take_exact(self, exact: Conversation) -> None:
        """Take the exact history in place of what the events say, if it is that of the part."""
        items = _exact_items(exact, self.steps)
        if items is not None:
            start, stop = exact.prompt.start, exact.prompt.stop
            self.before, self.prompt = exact.items[:start], exact.items[start:stop]
            self._items = items

    def _open_calls(self, keeps_handoffs: bool) -> list[RecordedCall]:
        """Return the calls of the point's response that are still to be made, its own first.

        A hand-off is one of them: it takes place after all other calls of its response.
        """
        call = self._point.call
        if call is None:
            return []
        again: set[str | None] = set()
        if not keeps_handoffs:
            again = {each.tool_id for each in self._run.events if isinstance(each, e.AgentHandoff)}
        others = [each for each in self._point.step.calls.values() if each is not call]
        return [call, *(each for each in others if each.result is None or each.start.id in again)]

    @property
    def handoffs(self) -> list[str]:
        """Names of the tools by which agents have handed over."""
        names = {call.start.id: call.start.name for call in self._run.calls}
        return [
            names[event.tool_id]
            for event in self._events()
            if isinstance(event, e.AgentHandoff) and event.tool_id in names
        ]

    @property
    def prefix(self) -> str:
        """Prefix of ids that the part does not have."""
        last = 0
        for event in self._events():
            found = _PREFIX.match(str(getattr(event, "id", "")))
            if found is not None:
                last = max(last, int(found[1]))
        return f"fork-{last + 1}"

    def items_since_prompt(
        self, args: e.ToolArgs | None = None, output: str | None = None
    ) -> list[input_items.Item]:
        """Return the history since the prompt.

        Args:
            args: of the point's call, in place of those that the model wrote.
            output: the result of that call, for the model; None if it is still to be made.
        """
        made: list[input_items.Item] = []
        for step, items in zip(self.steps, self._items, strict=True):
            at_point = step is self._point.step
            if at_point and args is not None:
                items = [_with_args(item, self._point.call, args.args_text) for item in items]
            made += items
            for call in step.calls.values():
                text = self._output(call, output, at_point=at_point)
                if text is not None:
                    made.append(input_items.FunctionCallOutput(call_id=call.call_id, text=text))
        return made

    def _output(self, call: RecordedCall, given: str | None, *, at_point: bool) -> str | None:
        """Return the result of a call for the model; None if the call is still to be made."""
        if call is self._point.call:
            return given
        if at_point and call in self.open:
            return None
        return call.output

    def calls(self, args: e.ToolArgs | None = None) -> list[Call]:
        """Return the calls that are still to be made; `args` are those of the point's call, None
        for the model's.
        """
        made: list[Call] = []
        for call in self.open:
            written = call.args
            if args is not None and call is self._point.call:
                written = args
            if written is not None:
                made.append((call.start, written))
        return made

    def events(self, args: e.ToolArgs | None = None) -> list[e.Event]:
        """Return the events of the part, without tokens, which are spent once; `args` as for
        `items_since_prompt`.
        """
        made: list[e.Event] = []
        for event in self._events():
            match event:
                case e.StepEnd():
                    event = replace(event, usage=None)
                case e.Status() if is_seam(event):
                    continue  # of the fork that is forked
                case e.ApprovalRequest():
                    event = replace(event, reply=None)
                case e.ToolArgsDelta() if args is not None and event.id == args.id:
                    continue  # the changed arguments come whole
                case e.ToolArgs() if args is not None and event.id == args.id:
                    meta = {**(event.meta or {}), GIVEN: True}
                    given: dict[str, Any] = {"args": args.args, "args_text": args.args_text}
                    event = replace(event, **given, valid=True, meta=meta)
            made.append(event)
        return made

    def _events(self) -> Iterable[e.Event]:
        """Yield the events between the prompt and the point, without what follows the arguments of
        the open calls.
        """
        step, at_call = self._point.step, self._point.call is not None
        number = None
        if step.begin < len(self._run.events):
            number = self._run.events[step.begin].step
        calls = {call.start.id: call for call in self.open}
        left_out = set(calls)
        for event in self._run.events[self._begin : self._stop()]:
            id, approval = getattr(event, "id", None), getattr(event, "approval_id", None)
            if id in calls and not _is_written(event, calls[id]):
                continue
            if left_out & {event.parent_id, getattr(event, "tool_id", None), approval}:
                left_out |= {each for each in (id, approval) if each is not None}
            elif event.parent_id is not None or not _is_of_run(event, number, at_call=at_call):
                yield event

    def _stop(self) -> int:
        """Return the index of the first event after the point."""
        step = self._point.step
        if self._point.call is None:
            return step.begin
        later = (each.begin for each in self._run.steps if each.number > step.number)
        return next(later, len(self._run.events))


def changed_args(call: RecordedCall, args: Any) -> e.ToolArgs:
    """Return the arguments of a call with some of them changed."""
    whole = dict(args)
    if call.args is not None and isinstance(call.args.args, dict):
        whole = {**call.args.args, **args}
    return e.ToolArgs(id=call.start.id, args=whole, args_text=msgspec.json.encode(whole).decode())


def _is_written(event: e.Event, call: RecordedCall) -> bool:
    """Return True if the event holds what the model wrote of its call."""
    if not isinstance(event, e.ToolArgs):
        return isinstance(event, e.ToolStart | e.ToolArgsDelta)
    own = call.args
    return own is not None and (event.seq, event.args_text) == (own.seq, own.args_text)


def _is_of_run(event: e.Event, step: int | None, *, at_call: bool) -> bool:
    """Return True if the event is about the run, its tokens, its end, or a response after the
    point.
    """
    match event:
        case e.RunStart() | e.RunEnd() | e.Prompt() | e.UsageUpdate() | e.Error(fatal=True):
            return True
        case e.Status() if event.step is not None and step is not None:
            return event.step > step if at_call else event.step >= step
    return False


def _exact_items(
    exact: Conversation, steps: Sequence[RecordedStep]
) -> list[list[input_items.Item]] | None:
    """Return the items of each response, with the message that corrects it; None if the history is
    not theirs.
    """
    groups: list[list[input_items.Item]] = []
    is_open = False
    for item in exact.items[exact.prompt.stop :]:
        if input_items.is_of_model(item):
            if not is_open:
                groups.append([])
            groups[-1].append(item)
            is_open = True
            continue
        is_open = False
        if groups and isinstance(item, input_items.Message):  # it asks for another form
            groups[-1].append(item)
    if len(groups) < len(steps):
        return None
    for group, step in zip(groups, steps, strict=False):
        ids = [item.call_id for item in group if isinstance(item, input_items.FunctionCall)]
        if ids != [call.call_id for call in step.calls.values()]:
            return None
    return groups[: len(steps)]


def _exchange(run: RecordedRun, prompt: int) -> Iterable[input_items.Item]:
    """Yield a prompt, by its index, and the history up to the next one."""
    yield _prompt_item(run.prompts[prompt][0])
    made: list[input_items.Item] = []
    for step in run.steps[run.first_step(prompt) : run.first_step(prompt + 1)]:
        made += step.items()
        for call in step.calls.values():
            if call.output is not None:
                made.append(input_items.FunctionCallOutput(call_id=call.call_id, text=call.output))
    yield from valid_history.ended([_prompt_item(run.prompts[prompt][0]), *made])[1:]


def _prompt_item(prompt: e.Prompt) -> input_items.Item:
    if not prompt.files:
        return input_items.Message(role="user", content=prompt.text)
    text = {"type": "input_text", "text": prompt.text}
    return input_items.Message(role="user", content=[text, *map(_file_part, prompt.files)])


def _file_part(file: dict[str, Any]) -> dict[str, Any]:
    """Return a file of a recorded prompt as a content part: a picture, or the name of what is not
    in the recording.
    """
    url = file.get("url")
    if not url and file.get("data"):
        url = f"data:{file.get('media_type', '')};base64,{file['data']}"
    if url and str(file.get("media_type", "")).startswith("image/"):
        return {"type": "input_image", "image_url": url, "detail": "auto"}
    name = file.get("name") or file.get("media_type") or "without a name"
    return {"type": "input_text", "text": f"[file: {name}]"}


def _with_args(
    item: input_items.Item, call: RecordedCall | None, arguments: str | None
) -> input_items.Item:
    """Return the item, with other arguments if it is the call."""
    if not isinstance(item, input_items.FunctionCall) or call is None:
        return item
    if item.call_id != call.call_id:
        return item
    whole = None
    if item.item is not None:
        whole = {**item.item, "arguments": arguments}
    return replace(item, arguments=arguments or "", item=whole)
