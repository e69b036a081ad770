"""`RunSpans`: the spans of one run."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbagent import events as e
from nbagent.run.telemetry import span_data
from nbagent.run.telemetry.span_data import end_span, json_text, name_agent, set_known

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanKind, Tracer

_log = logging.getLogger("nbagent")

_ENDS_WELL = ("completed", "paused")
_ROOT = ""


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

    def _read(self, event: e.Event) -> None:
        begins = isinstance(event, (e.RunStart, e.Prompt)) or not self._agents
        if begins and event.parent_id is None:
            self._open_root(event)
        read = _READERS.get(type(event))
        agent = self._agent_of(event)
        if read is not None and agent is not None:
            read(self, agent, event)

    def _prompt(self, agent: _Agent, event: e.Prompt) -> None:
        message = span_data.message("user", event.text)
        self._say(agent.span, "gen_ai.input.messages", [message])

    def _step_ended(self, agent: _Agent, event: e.StepEnd) -> None:
        self._end_step(agent, event.ts, event.usage, event.finish_reason)

    def _agent_ended(self, outer: _Agent, event: e.AgentEnd) -> None:
        if event.id in self._agents:
            self._end_agent(event.id, event)

    def _start_call(self, agent: _Agent, event: e.ToolStart) -> None:
        parent = self._span_around(event.attempt_of, agent)
        self._calls[event.id] = _Call(start=event, since=event.ts, parent=parent, agent=agent)

    def _args(self, agent: _Agent, event: e.ToolArgs) -> None:
        call = self._calls.get(event.id)
        if call is not None:
            call.since = event.ts
            call.args = event.args_text or json_text(event.args)

    def _progress(self, agent: _Agent, event: e.ToolProgress) -> None:
        call = self._calls.get(event.id)
        has_begun = (event.message, event.progress, event.total) == (None, None, None)
        if call is not None and has_begun:
            call.since = event.ts

    def _result(self, agent: _Agent, event: e.ToolResult) -> None:
        if event.id in self._calls and not event.preliminary:
            self._end_call(event)

    def _failed(self, agent: _Agent, event: e.Error) -> None:
        if event.fatal:
            agent.error = event.error_type or event.code or "error"

    def _end_all(self, agent: _Agent, event: e.RunEnd) -> None:
        """End what is open at the end of the run, the inner agents before the outer ones."""
        if event.parent_id is not None:
            return
        for call_id in list(self._calls):
            self._end_call(
                e.ToolResult(id=call_id, status="error", ts=event.ts, error=_ended(event))
            )
        for id in reversed(list(self._agents)):
            self._end_agent(id, event)

    def _agent_of(self, event: e.Event) -> _Agent | None:
        scope = event.parent_id or _ROOT
        if scope in self._calls:  # an attempt, or what a call does
            return self._calls[scope].agent
        return self._agents.get(scope) or self._agents.get(_ROOT)

    # --- agents ---

    def _open_root(self, event: e.Event) -> None:
        if isinstance(
            event,
            (e.RunEnd, e.ToolStart, e.ToolArgs, e.ToolResult, e.ToolOutput, e.ToolProgress),
        ):
            return  # told after the end: a call that the reader has made again
        agent = self._agents.get(_ROOT)
        if agent is None:
            agent = self._agents[_ROOT] = _Agent(
                span=self._new("invoke_agent", self._parent, event.ts), since=event.ts
            )
        if isinstance(event, e.RunStart):
            session, agent.model = event.thread_id or self._session, event.model
            name_agent(agent.span, event.name or event.agent)
            set_known(
                agent.span, {"gen_ai.conversation.id": session, "gen_ai.request.model": event.model}
            )
        agent.since = event.ts

    def _start_agent(self, parent: _Agent, event: e.AgentStart) -> None:
        agent = self._agents.get(event.id)
        if agent is None:
            above = self._span_around(event.tool_id, parent)
            span = self._new("invoke_agent", self._below(above), event.ts)
            agent = self._agents[event.id] = _Agent(span=span, since=event.ts)
            set_known(span, {"gen_ai.conversation.id": self._session})
        name_agent(agent.span, event.name)

    def _end_agent(self, id: str, event: e.RunEnd | e.AgentEnd) -> None:
        """End an agent, at its own end or with the run."""
        agent, error = self._agents.pop(id), None
        if event.status == "failed":
            error = agent.error or _ended(event).type
        elif event.status not in _ENDS_WELL:
            error = _ended(event).type
        self._end_step(agent, event.ts, None, None, error)
        if isinstance(event, e.AgentEnd) or id == _ROOT:
            set_known(agent.span, span_data.counts(event.usage))
            if event.output is not None:
                text = event.output
                if not isinstance(text, str):
                    text = json_text(text)
                self._say(
                    agent.span, "gen_ai.output.messages", [span_data.message("assistant", text)]
                )
        end_span(agent.span, event.ts, error)

    # --- responses ---

    def _start_step(self, agent: _Agent, event: e.StepStart) -> None:
        from opentelemetry.trace import SpanKind

        self._end_step(agent, event.ts, None, None)
        model = agent.model or event.model
        agent.step = self._new("chat", self._below(agent.span), agent.since, SpanKind.CLIENT)
        if model is not None:
            agent.step.update_name(f"chat {model}")
        set_known(
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
            set_known(step, span_data.counts(usage))
            if finish_reason is not None:
                step.set_attribute("gen_ai.response.finish_reasons", [finish_reason])
            end_span(step, ts, error)

    # --- calls ---

    def _span_around(self, call_id: str | None, agent: _Agent) -> "Span":
        """Return the span of the call that something is in, or that of the agent if it is in
        none.
        """
        call = self._calls.get(call_id or "")
        if call is None:
            return agent.span
        return self._span_of(call)

    def _span_of(self, call: _Call) -> "Span":
        """Return the span of a call, begun if it has not."""
        if call.span is None:
            start = call.start
            call.span = self._new("execute_tool", self._below(call.parent), call.since)
            call.span.update_name(f"execute_tool {start.name}")
            call.span.set_attributes(
                {
                    "gen_ai.tool.name": start.name,
                    "gen_ai.tool.call.id": start.call_id or start.id,
                    "gen_ai.tool.type": "function" if start.kind == "function" else "extension",
                }
            )
        return call.span

    def _end_call(self, event: e.ToolResult) -> None:
        call = self._calls.pop(event.id)
        span = self._span_of(call)
        if self._content and call.args:
            span.set_attribute("gen_ai.tool.call.arguments", call.args)
        if self._content and event.content is not None:
            span.set_attribute("gen_ai.tool.call.result", json_text(event.content))
        error: str | None = None
        message: str | None = None
        if event.status != "ok":
            error = event.status
            if event.error is not None:
                error = event.error.type or error
        if self._content and event.error is not None:
            message = event.error.message
        end_span(span, event.ts, error, message)
        call.agent.since = event.ts

    # --- spans ---

    def _new(
        self, operation: str, parent: "Context | None", ts: float, kind: "SpanKind | None" = None
    ) -> "Span":
        from opentelemetry.trace import SpanKind

        span = self._tracer.start_span(
            operation, parent, kind or SpanKind.INTERNAL, start_time=span_data.nanoseconds(ts)
        )
        span.set_attribute("gen_ai.operation.name", operation)
        if self._provider is not None and operation != "execute_tool":
            span.set_attribute("gen_ai.provider.name", self._provider)
        return span

    def _below(self, span: "Span") -> "Context":
        from opentelemetry.trace import set_span_in_context

        return set_span_in_context(span, self._parent)

    def _say(self, span: "Span", name: str, messages: list[dict[str, Any]]) -> None:
        if self._content:
            span.set_attribute(name, json_text(messages))


def _ended(event: e.RunEnd | e.AgentEnd) -> e.ErrorInfo:
    """Return the end of a run as an error, whose type is its code or its status."""
    kind: str = event.status
    if isinstance(event, e.RunEnd):
        kind = event.code or kind
    return e.ErrorInfo(message=f"the run ended: {event.status}", type=kind)


_READERS: dict[type[e.Event], Callable[[RunSpans, _Agent, Any], None]] = {
    e.Prompt: RunSpans._prompt,
    e.StepStart: RunSpans._start_step,
    e.StepEnd: RunSpans._step_ended,
    e.AgentStart: RunSpans._start_agent,
    e.AgentEnd: RunSpans._agent_ended,
    e.ToolStart: RunSpans._start_call,
    e.ToolArgs: RunSpans._args,
    e.ToolProgress: RunSpans._progress,
    e.ToolResult: RunSpans._result,
    e.Error: RunSpans._failed,
    e.RunEnd: RunSpans._end_all,
}
"""Readers of the events that a span shows, by their classes."""
