"""`RecordedConnection`: a model whose responses come from a recording, one for each request; the
tools are called for real.
"""

import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec
import openai

from nbagent import events as e
from nbagent.adapters.base.decoder import BaseDecoder
from nbagent.adapters.nbagent_events.decoder import EventsDecoder
from nbagent.agent.model import input_items
from nbagent.agent.model.connection import Connection, status_error
from nbagent.agent.model.model_options import ModelOptions
from nbagent.agent.model.recorded_run import MASKED, RecordedCall, RecordedRun, recorded_run
from nbagent.agent.model.structured import JsonForm, OutputFormat
from nbagent.agent.tools.described_tool import DescribedTool
from nbagent.errors import NbagentError
from nbagent.events.ids import with_id_prefix
from nbagent.events.json_text import decode_json
from nbagent.printable import printable_line
from nbagent.sources.closing import closing
from nbagent.sources.recording import Replay

ENDED = "recording_ended"
"""Code of a run that asks for more responses than the recording has."""

_SHOWN_CHARS = 100
"""Characters of a value in the warning that it is not the recorded one."""


class RecordingEnded(NbagentError):
    """The recording has no further response."""


class RecordedConnection:
    """A recording in the place of a model, for one run.

    Args:
        recording: its responses are given in order, from the one that the history asks for.
        live: makes the connection to the model that goes on at the recording's end; None ends the
            run with an error.

    Attributes:
        model: name of the recording.
        recording: as given.
    """

    def __init__(
        self, recording: RecordedRun, live: Callable[[], Connection] | None = None
    ) -> None:
        self.model = label(recording)
        self.max_retries = 0
        self.recording = recording
        self._make_live = live
        self._live: Connection | None = None
        self._next: int | None = None  # index of the next response

    def status_error(self, status: int) -> openai.APIStatusError:
        """Return the error of a response of that HTTP status, as if the model's server had sent
        one.
        """
        return status_error(
            openai.AsyncOpenAI(base_url="http://recording.invalid", api_key="none"), status
        )

    def __repr__(self) -> str:
        return f"<{printable_line(self.model)}: {len(self.recording.steps)} responses>"

    @property
    def api(self) -> "RecordedConnection":
        """The form of the responses: events of a recording, or the live model's."""
        return self

    def decoder(self) -> BaseDecoder:
        """Return a new decoder, for one run."""
        return _Decoder(lambda: self._connect().api.decoder())

    def settings(self, own: Mapping[str, Any], options: ModelOptions) -> dict[str, Any]:
        """Return more parameters of a request to the live model."""
        return dict(own) if self._make_live is None else self._connect().api.settings(own, options)

    def history_item(self, item: Any) -> input_items.Item | None:
        """Convert a streamed item that completes an output item; None for all others."""
        if self._live is None or isinstance(item, e.Event):
            return None
        return self._live.api.history_item(item)

    async def ask(
        self,
        instructions: str,
        items: Sequence[input_items.Item],
        tools: Sequence[DescribedTool],
        settings: Mapping[str, Any],
        output: OutputFormat | JsonForm | None = None,
    ) -> AsyncIterator[Any]:
        """Return the next recorded response as a stream of events, after warnings of what differs
        from the recording.

        Raises:
            RecordingEnded: there is none, and no live model.
        """
        warnings = self._differences(items)
        number = self._next or 0
        self._next = number + 1
        steps = self.recording.steps
        if number < len(steps) and (steps[number].is_complete or self._make_live is None):
            return self._recorded(warnings, number)
        count = f"{len(steps)} response{'' if len(steps) == 1 else 's'} of the model"
        if self._make_live is None:
            raise RecordingEnded(
                f"{self.recording.name} has {count}, and the run asks for number {number + 1}. "
                "The tools' results may have "
                'led away from the recording; model=[nbagent.replay(…), "gpt-5-mini"] goes on '
                "with a live model"
            )
        live = self._connect()
        self.max_retries = live.max_retries
        ended = e.Status(
            message=f"{self.recording.name} ends here, after {count}: {live.model} goes on"
        )
        stream = await live.ask(instructions, items, tools, settings, output)
        return _after([*warnings, ended], stream)

    def explain(self, error: BaseException) -> e.Error:
        """Return the error as an event."""
        if self._live is not None:
            return self._live.explain(error)
        code = ENDED if isinstance(error, RecordingEnded) else None
        return e.Error(
            message=str(error) or type(error).__name__,
            code=code,
            error_type=type(error).__name__,
            fatal=True,
        )

    def _connect(self) -> Connection:
        assert self._make_live is not None
        self._live = self._live or self._make_live()
        return self._live

    async def _recorded(self, warnings: Sequence[e.Event], number: int) -> AsyncIterator[Any]:
        step = self.recording.steps[number]
        for warning in warnings:
            yield warning
        for event in step.events:
            # The run numbers its steps itself.
            event = msgspec.structs.replace(event, step=None, agent=None)
            if isinstance(event, e.StepEnd):
                event = msgspec.structs.replace(event, usage=e.Usage())  # no tokens are spent
            yield event
        for call in step.calls.values():
            if call.args is None:
                raise RecordingEnded(
                    f"{self.recording.name} hides the arguments of {call.start.name}, or was cut "
                    "in them"
                )
        if not step.is_complete:
            raise RecordingEnded(
                f"{self.recording.name} was broken off in response {number + 1} of the model"
            )

    # --- differences ---

    def _differences(self, items: Sequence[input_items.Item]) -> list[e.Event]:
        """Return warnings of what is not as recorded in the history: the prompt at the first
        request, then results.
        """
        warnings = self._begin(items) if self._next is None else []
        number = self._next or 0
        if not 0 < number <= len(self.recording.steps):
            return warnings
        outputs = {
            item.call_id: item.text
            for item in items
            if isinstance(item, input_items.FunctionCallOutput)
        }
        calls = self.recording.steps[number - 1].calls.values()
        differences = (difference(call, outputs.get(call.call_id)) for call in calls)
        return [*warnings, *(_warning(each) for each in differences if each)]

    def _begin(self, items: Sequence[input_items.Item]) -> list[e.Event]:
        """Find the response that comes next, and compare the prompt."""
        prompts = [
            at
            for at, item in enumerate(items)
            if isinstance(item, input_items.Message) and item.role == "user"
        ]
        since_prompt = items[prompts[-1] + 1 :] if prompts else items
        of_model = [
            key for key, _ in itertools.groupby(since_prompt, input_items.is_of_model) if key
        ]
        recorded = self.recording.prompts
        prompt = len(prompts) - 1 if len(prompts) <= len(recorded) else 0
        self._next = self.recording.first_step(prompt) + len(of_model)
        if not prompts or not recorded:
            return []
        was, now = recorded[prompt][0].text, input_items.text_of(items[prompts[-1]])
        if was == now or MASKED in was:
            return []
        return [_warning(f"Not as recorded: the prompt was {_short(was)}, is {_short(now)}")]


def label(recording: RecordedRun) -> str:
    """Return the name of a recording in the place of a model's."""
    return f"{recording.name} (recorded)"


class HasEvents(Protocol):
    """A run: any object with the events of one."""

    @property
    def events(self) -> list[e.Event]:
        """The events so far."""
        ...


Model: TypeAlias = str | Replay | HasEvents | Sequence[Any]
"""A model: its name, a recording, or `[recording, name]`."""


def recording_of(model: Any) -> tuple[RecordedRun | None, Any]:
    """Return the recording and the live model, or None for either, in what was given as
    `Agent(model=…)`.

    Raises:
        NbagentError: a recording cannot be read.
    """
    given, live = model, None
    if isinstance(model, (list, tuple)) and len(model) == 2 and isinstance(model[1], str):
        given, live = model
    elif not (isinstance(model, (Replay, list, tuple)) or hasattr(model, "events")):
        return None, model
    recording = recorded_run(given)
    if not recording.steps:
        raise NbagentError(f"{recording.name} has no response of a model")
    return recording, live


def difference(call: RecordedCall, now: str | None) -> str:
    """Return a line that says how the result of a call differs from the recorded one; "" if it does
    not.

    Args:
        call: as recorded.
        now: the result as the model reads it; None if there is none.
    """
    was = call.output
    if was is None or now is None or was == now or MASKED in was or _json(was) == _json(now):
        return ""
    arguments = call.ran.args if call.ran is not None and isinstance(call.ran.args, dict) else {}
    shown = ", ".join(f"{name}={_short(repr(value))}" for name, value in arguments.items())
    was, now = _around(was, now)
    return f"Not as recorded: {call.start.name}({shown}) was {was}, is {now}"


class _Decoder(EventsDecoder):
    """Decodes recorded responses, and after them those of a live model.

    Args:
        live: makes the decoder of the live model.
    """

    def __init__(self, live: Callable[[], BaseDecoder]) -> None:
        super().__init__()
        self._make_live = live
        self._live: BaseDecoder | None = None

    def feed(self, item: Any) -> list[e.Event]:
        """Return the events of one item."""
        if isinstance(item, e.Event):
            return super().feed(item)
        self._live = self._live or self._make_live()
        return self._of_live(self._live.feed(item))

    def end_step(self) -> list[e.Event]:
        """End the current response."""
        if self._live is None:
            return super().end_step()
        return self._of_live(self._live.end_step())

    def close(self, error: BaseException | None = None) -> list[e.Event]:
        """End the run."""
        if self._live is None:
            return super().close(error)
        return self._of_live(self._live.close(error))

    def _of_live(self, events: Sequence[e.Event]) -> list[e.Event]:
        """Return events with ids that the recording does not have."""
        assert self._live is not None
        self.stop_info = self._live.stop_info
        return [with_id_prefix(event, "live") for event in events]


async def _after(first: Sequence[e.Event], stream: Any) -> AsyncIterator[Any]:
    async with closing(stream):
        for event in first:
            yield event
        async for item in stream:
            yield item


def _warning(message: str) -> e.Event:
    return e.Status(message=message, level="warning")


def _json(text: str) -> Any:
    try:
        return decode_json(text)
    except msgspec.DecodeError:
        return text


def _short(text: str) -> str:
    line = " ".join(text.split())
    if len(line) <= _SHOWN_CHARS:
        return line
    return f"{line[: _SHOWN_CHARS - 1]}…"


def _around(was: str, now: str) -> tuple[str, str]:
    """Return two texts on one line each, shortened so that the first difference is seen."""
    was, now = " ".join(was.split()), " ".join(now.split())
    same = next(
        (at for at, (one, other) in enumerate(zip(was, now, strict=False)) if one != other),
        min(len(was), len(now)),
    )
    cut = max(0, same - _SHOWN_CHARS // 2) if max(len(was), len(now)) > _SHOWN_CHARS else 0
    return _short(f"{'…' if cut else ''}{was[cut:]}"), _short(f"{'…' if cut else ''}{now[cut:]}")
