"""`telemetry()`: OpenTelemetry spans of runs, by the semantic conventions for generative AI.

Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/. The names of the attributes stand here,
because the package that has them (opentelemetry-semantic-conventions) calls them all unstable.
"""

import contextlib
import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from nbagent import events as e
from nbagent.errors import MissingExtra
from nbagent.events.jsonable import json_safe

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanKind, Tracer, TracerProvider

_log = logging.getLogger("nbagent")

_ENDS_WELL = ("completed", "paused")
_ROOT = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Setting:
    tracer: "Tracer"
    content: bool


_setting: _Setting | None = None


def telemetry(
    on: bool = True, *, content: bool = False, tracer_provider: "TracerProvider | None" = None
) -> None:
    """Make OpenTelemetry spans of all runs that begin from now on: shown, started as `Run`, or
    served.

        nbagent.telemetry()
        nbagent.telemetry(False)

    A run is a span `invoke_agent`, with `chat` for each response of a model, `execute_tool` for
    each call, and `invoke_agent` for each sub-agent. They have the times of the run's events. Their
    parent is the span that is current where the run starts; in a server, the one that a request
    names in `traceparent`. What the gate hides has no span. It needs the extra `otel`; where the
    spans go is set up with OpenTelemetry's SDK.

    Args:
        on: False makes no more spans.
        content: whether spans hold prompts, answers, arguments, results and messages of errors,
            after the gate's masks.
        tracer_provider: makes the tracer; by default OpenTelemetry's global one.

    Raises:
        MissingExtra: OpenTelemetry is not installed.
    """
    global _setting
    if not on:
        _setting = None
        return
    try:
        from opentelemetry import trace
    except ImportError as error:
        raise MissingExtra("telemetry()", "otel") from error
    _setting = _Setting(
        tracer=trace.get_tracer("nbagent", tracer_provider=tracer_provider), content=content
    )


def observers(session: str | None, provider: str | None) -> "list[RunSpans]":
    """Return the observers of a run that starts: one `RunSpans`, or none if telemetry is off.

    Args:
        session: id of the conversation that the run belongs to, if it is known.
        provider: of the model, as the conventions name it, if it is known.
    """
    setting = _setting
    if setting is None:
        return []
    return [RunSpans(setting.tracer, session=session, provider=provider, content=setting.content)]


@contextlib.contextmanager
def caller(headers: Mapping[str, str]) -> Iterator[None]:
    """Make the span that a request names in its headers the parent of what starts in the block.

    A span that is current already stays: the server is instrumented by other means.
    """
    if _setting is None:
        yield
        return
    from opentelemetry import context, propagate, trace

    if trace.get_current_span().get_span_context().is_valid:
        yield
        return
    token = context.attach(propagate.extract(headers))
    try:
        yield
    finally:
        context.detach(token)


@dataclass(kw_only=True, slots=True)
class _Agent:
    """An agent at work.

    Attributes:
        span: of it.
        since: time from which its model has all for the next request.
        model: name of its model.
        step: span of the response that goes on.
        error: type of the error that ends it.
    """

    span: "Span"
    since: float
    model: str | None = None
    step: "Span | None" = None
    error: str | None = None


@dataclass(kw_only=True, slots=True)
class _Call:
    """A tool call without a result.

    Its span begins when the tool does, which is known only afterwards.
    """

    start: e.ToolStart
    since: float
    parent: "Span"
    agent: _Agent
    args: str = ""
    span: "Span | None" = None


class RunSpans:
    """Turns the events of one run into spans. It gets them in order, from one thread at a time.

    Args:
        tracer: makes the spans.
        session: id of the conversation that the run belongs to.
        provider: of the model.
        content: whether the spans hold what was said.
    """

    def __init__(
        self, tracer: "Tracer", *, session: str | None, provider: str | None, content: bool
    ) -> None:
        self._tracer = tracer
        self._session = session
        self._provider = provider
        self._content = content
        self._parent: Context | None = None
        self._agents: dict[str, _Agent] = {}
        self._calls: dict[str, _Call] = {}
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Take the span that is current where the run is started for the parent."""
        from opentelemetry import context

        self._parent = context.get_current()

    def keep(self, event: e.Event) -> None:
        """Read an event. An error in here is logged: it must not end the run."""
        try:
            with self._lock:
                self._read(event)
        except Exception:
            _log.exception("No span could be made of %s", type(event).__name__)

    def end(self) -> None:
        """Do nothing: the last event has ended all spans."""

    def _read(self, event: e.Event) -> None:  # noqa: C901 - one flat match
        if event.parent_id is None and (
            isinstance(event, e.RunStart | e.Prompt) or not self._agents
        ):
            self._open_root(event)
        agent = self._agent_of(event)
        if agent is None:
            return
        match event:
            case e.Prompt():
                self._say(agent.span, "gen_ai.input.messages", [_message("user", event.text)])
            case e.StepStart():
                self._start_step(agent, event)
            case e.StepEnd():
                self._end_step(agent, event.ts, event.usage, event.finish_reason)
            case e.AgentStart():
                self._start_agent(agent, event)
            case e.AgentEnd() if event.id in self._agents:
                self._end_agent(event.id, event)
            case e.ToolStart():
                call = None if event.attempt_of is None else self._calls.get(event.attempt_of)
                parent = agent.span if call is None else self._span_of(call)
                self._calls[event.id] = _Call(
                    start=event, since=event.ts, parent=parent, agent=agent
                )
            case e.ToolArgs() if event.id in self._calls:
                self._calls[event.id].since = event.ts
                self._calls[event.id].args = event.args_text or _json(event.args)
            case e.ToolProgress(message=None, progress=None, total=None) if event.id in self._calls:
                self._calls[event.id].since = event.ts
            case e.ToolResult(preliminary=False) if event.id in self._calls:
                self._end_call(event)
            case e.Error(fatal=True):
                agent.error = event.error_type or event.code or "error"
            case e.RunEnd(parent_id=None):
                for call_id in list(self._calls):
                    self._end_call(
                        e.ToolResult(id=call_id, status="error", ts=event.ts, error=_ended(event))
                    )
                for id in reversed(list(self._agents)):
                    self._end_agent(id, event)
            case _:
                pass

    def _agent_of(self, event: e.Event) -> _Agent | None:
        scope = event.parent_id or _ROOT
        if scope in self._calls:  # an attempt, or what a call does
            return self._calls[scope].agent
        return self._agents.get(scope) or self._agents.get(_ROOT)

    # --- agents ---

    def _open_root(self, event: e.Event) -> None:
        if isinstance(
            event,
            e.RunEnd | e.ToolStart | e.ToolArgs | e.ToolResult | e.ToolOutput | e.ToolProgress,
        ):
            return  # told after the end: a call that the reader has made again
        agent = self._agents.get(_ROOT)
        if agent is None:
            agent = self._agents[_ROOT] = _Agent(
                span=self._new("invoke_agent", self._parent, event.ts), since=event.ts
            )
        if isinstance(event, e.RunStart):
            session, agent.model = event.thread_id or self._session, event.model
            _name(agent.span, event.name or event.agent)
            _set(
                agent.span, {"gen_ai.conversation.id": session, "gen_ai.request.model": event.model}
            )
        agent.since = event.ts

    def _start_agent(self, parent: _Agent, event: e.AgentStart) -> None:
        agent = self._agents.get(event.id)
        if agent is None:
            call = self._calls.get(event.tool_id or "")
            above = parent.span if call is None else self._span_of(call)
            span = self._new("invoke_agent", self._below(above), event.ts)
            agent = self._agents[event.id] = _Agent(span=span, since=event.ts)
            _set(span, {"gen_ai.conversation.id": self._session})
        _name(agent.span, event.name)

    def _end_agent(self, id: str, event: e.RunEnd | e.AgentEnd) -> None:
        """End an agent, at its own end or with the run."""
        agent, error = self._agents.pop(id), None
        if event.status not in _ENDS_WELL:
            error = (agent.error if event.status == "failed" else None) or _ended(event).type
        self._end_step(agent, event.ts, None, None, error)
        if isinstance(event, e.AgentEnd) or id == _ROOT:
            _set(agent.span, _counts(event.usage))
            if event.output is not None:
                text = event.output if isinstance(event.output, str) else _json(event.output)
                self._say(agent.span, "gen_ai.output.messages", [_message("assistant", text)])
        _end(agent.span, event.ts, error)

    # --- responses ---

    def _start_step(self, agent: _Agent, event: e.StepStart) -> None:
        from opentelemetry.trace import SpanKind

        self._end_step(agent, event.ts, None, None)
        model = agent.model or event.model
        agent.step = self._new("chat", self._below(agent.span), agent.since, SpanKind.CLIENT)
        if model is not None:
            agent.step.update_name(f"chat {model}")
        _set(
            agent.step,
            {
                "gen_ai.request.model": model,
                "gen_ai.response.model": event.model,
                "gen_ai.request.stream": True,
                "gen_ai.response.time_to_first_chunk": max(0.0, event.ts - agent.since),
            },
        )

    def _end_step(
        self,
        agent: _Agent,
        ts: float,
        usage: e.Usage | None,
        finish_reason: str | None,
        error: str | None = None,
    ) -> None:
        step, agent.step = agent.step, None
        if step is not None:
            agent.since = ts
            reasons = None if finish_reason is None else [finish_reason]
            _set(step, {"gen_ai.response.finish_reasons": reasons, **_counts(usage)})
            _end(step, ts, error)

    # --- calls ---

    def _span_of(self, call: _Call) -> "Span":
        """Return the span of a call, begun if it has not."""
        if call.span is None:
            call.span = self._new("execute_tool", self._below(call.parent), call.since)
            call.span.update_name(f"execute_tool {call.start.name}")
            _set(
                call.span,
                {
                    "gen_ai.tool.name": call.start.name,
                    "gen_ai.tool.call.id": call.start.call_id or call.start.id,
                    "gen_ai.tool.type": "function"
                    if call.start.kind == "function"
                    else "extension",
                },
            )
        return call.span

    def _end_call(self, event: e.ToolResult) -> None:
        call = self._calls.pop(event.id)
        span = self._span_of(call)
        if self._content:
            result = None if event.content is None else _json(event.content)
            _set(
                span,
                {
                    "gen_ai.tool.call.arguments": call.args or None,
                    "gen_ai.tool.call.result": result,
                },
            )
        error = None if event.status == "ok" else (event.error and event.error.type) or event.status
        message = event.error.message if self._content and event.error is not None else None
        _end(span, event.ts, error, message)
        call.agent.since = event.ts

    # --- spans ---

    def _new(
        self, operation: str, parent: "Context | None", ts: float, kind: "SpanKind | None" = None
    ) -> "Span":
        from opentelemetry.trace import SpanKind

        span = self._tracer.start_span(
            operation, parent, kind or SpanKind.INTERNAL, start_time=_ns(ts)
        )
        provider = self._provider if operation != "execute_tool" else None
        _set(span, {"gen_ai.operation.name": operation, "gen_ai.provider.name": provider})
        return span

    def _below(self, span: "Span") -> "Context":
        from opentelemetry.trace import set_span_in_context

        return set_span_in_context(span, self._parent)

    def _say(self, span: "Span", name: str, messages: list[dict[str, Any]]) -> None:
        if self._content:
            span.set_attribute(name, _json(messages))


def _set(span: "Span", attributes: Mapping[str, Any]) -> None:
    span.set_attributes({name: value for name, value in attributes.items() if value is not None})


def _name(span: "Span", name: str | None) -> None:
    if name is not None:
        span.update_name(f"invoke_agent {name}")
        span.set_attribute("gen_ai.agent.name", name)


def _end(span: "Span", ts: float, error: str | None, message: str | None = None) -> None:
    from opentelemetry.trace import StatusCode

    if error is not None:
        span.set_attribute("error.type", error)
        span.set_status(StatusCode.ERROR, message)
    span.end(_ns(ts))


def _counts(usage: e.Usage | None) -> dict[str, int | None]:
    if usage is None:
        return {}
    return {
        "gen_ai.usage.input_tokens": usage.input,
        "gen_ai.usage.output_tokens": usage.output,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning,
    }


def _ended(event: e.RunEnd | e.AgentEnd) -> e.ErrorInfo:
    """Return the end of a run as an error, whose type is its code or its status."""
    code = event.code if isinstance(event, e.RunEnd) else None
    return e.ErrorInfo(message=f"the run ended: {event.status}", type=code or event.status)


def _message(role: str, text: str) -> dict[str, Any]:
    """Return a message in the form of the conventions."""
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _json(value: Any) -> str:
    return msgspec.json.encode(json_safe(value)).decode()


def _ns(ts: float) -> int:
    return int(ts * 1_000_000_000)
