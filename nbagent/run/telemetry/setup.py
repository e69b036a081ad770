"""Turns spans on, and says whose parent they have: `telemetry()` for users, `observers` for runs,
`caller` for servers.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbagent.errors import MissingExtra
from nbagent.run.telemetry.run_spans import RunSpans

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer, TracerProvider


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
