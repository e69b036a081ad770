"""Rewrites for losses of approvals, agents, token counts and ends."""

from collections.abc import Callable
from typing import Any

from adapters.encoders.rewrites import (
    APPROVAL,
    Events,
    change,
    change_end,
    drop,
    limit_of,
    names_by_call,
    parse_args,
)
from msgspec.structs import replace

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.text_forms import failure_message


def pending(events: Events) -> list[ev.ApprovalRequest]:
    answered = {event.approval_id for event in events if isinstance(event, ev.ApprovalResponse)}
    return [
        event
        for event in events
        if isinstance(event, ev.ApprovalRequest) and event.approval_id not in answered
    ]


def only_pending(events: Events) -> Events:
    requests = pending(events) if events[-1].status == "paused" else []
    if events[-1].status == "paused" and not requests:
        requests = [ev.ApprovalRequest(approval_id="any", kind="input")]
    return change_end(drop(*APPROVAL)(events), *requests)


def with_call_only(events: Events) -> Events:
    dropped = {
        event.approval_id
        for event in events
        if isinstance(event, ev.ApprovalRequest) and not event.tool_id
    }
    kept = [
        event
        for event in events
        if not (isinstance(event, APPROVAL) and event.approval_id in dropped)
    ]
    paused = events[-1].status == "paused" and not pending(kept)
    return change_end(kept, status="completed") if paused else kept


def approval_links(events: Events) -> Events:
    names, tools = names_by_call(events), dict[str, str]()
    kept: Events = []
    for event in events:
        if isinstance(event, ev.ApprovalRequest):
            name = tools[event.approval_id] = names.get(event.tool_id or "", "approval")
            event = ev.ApprovalRequest(approval_id=event.approval_id, prompt=event.prompt or name)
        elif isinstance(event, ev.ApprovalResponse):
            data = {"name": tools[event.approval_id], "type": "mcp_approval_response"}
            event = ev.Custom(name="mcp_approval_response", data=data)
        kept.append(event)
    return kept


def unanswered(events: Events) -> Events:
    end = events[-1]
    if end.status not in ("completed", "paused"):
        return events
    answered = {event.id for event in events if isinstance(event, ev.ToolResult)}
    order = list(names_by_call(events))
    waiting = [
        event for event in events if isinstance(event, ev.ToolArgs) and event.id not in answered
    ]
    waiting.sort(key=lambda event: order.index(event.id))
    requests = [
        ev.ApprovalRequest(
            approval_id=e.id, tool_id=e.id, kind="input", args=parse_args(e.args_text)["args"]
        )
        for e in waiting
    ]
    if end.status == "paused" and not requests:
        requests = [ev.ApprovalRequest(approval_id="run", kind="input")]
    return change_end(events, *requests, status="paused") if requests else events


def pause_reason(events: Events) -> Events:
    requests = (
        [ev.ApprovalRequest(approval_id="run", kind="input")]
        if events[-1].status == "paused"
        else []
    )
    return change_end(drop(*APPROVAL)(events), *requests)


def agents_fail(events: Events) -> Events:
    """Rewrite every end of a sub-agent to "completed", or to an error and "failed"."""
    kept: Events = []
    open_: dict[str, ev.AgentStart] = {}
    end = events[-1]
    for event in events:
        if isinstance(event, ev.AgentStart):
            open_[event.id] = event
        if isinstance(event, ev.AgentEnd):
            del open_[event.id]
        if event is end or (isinstance(event, ev.Error) and event.fatal):
            for id_ in reversed(list(open_)):
                kept += _agent_end(ev.AgentEnd(id=id_, name=open_.pop(id_).name, status=end.status))
        kept += _agent_end(event) if isinstance(event, ev.AgentEnd) else [event]
    return kept


def _agent_end(event: ev.AgentEnd) -> Events:
    if event.status in ("completed", "paused"):
        return [replace(event, status="completed")]
    error = ev.Error(
        message=f"The sub-agent's run ended: {event.status}", code=event.status, parent_id=event.id
    )
    return [error, replace(event, status="failed")]


def agent_changes(events: Events) -> Events:
    current: str | None = None
    kept: Events = []
    for event in events:
        if isinstance(event, ev.AgentHandoff):
            before = current or event.from_
            current = event.to
            if before is None or before == event.to:
                continue
            event = ev.AgentHandoff(from_=before, to=event.to)
        kept.append(event)
    return kept


def end_status(events: Events, encoder: BaseEncoder) -> Events:
    end = events[-1]
    if end.status in {"completed", "failed", *encoder.end_statuses} or (
        encoder.limit_names and limit_of(end)
    ):
        return events
    return change_end(
        events, ev.Error(message=failure_message(end), code=end.code, fatal=True), status="failed"
    )


def implicit_end(events: Events) -> Events:
    """Derive the end from the last item: a message completes the run, and an error is a message."""
    end = events[-1]
    kept: Events = []
    requests, ends_with_text = 0, False
    error = (
        None
        if end.status in ("completed", "paused")
        else ev.Error(message=failure_message(end), fatal=True)
    )
    texts: dict[str, str] = {}
    for event in events[:-1]:
        match event:
            case ev.Error(fatal=True):
                error = event
                continue
            case ev.TextDelta():
                texts[event.id] = texts.get(event.id, "") + event.delta
            case ev.TextEnd():
                ends_with_text = bool(texts.pop(event.id, "") or event.text) or ends_with_text
            case (
                ev.ToolStart()
                | ev.ToolResult()
                | ev.ApprovalRequest()
                | ev.Custom(name="mcp_approval_response")
            ):
                ends_with_text = False
        requests += isinstance(event, ev.ApprovalRequest)
        requests -= isinstance(event, ev.Custom)
        kept.append(event)
    ends_with_text = ends_with_text or any(texts.values()) or error is not None
    if error is not None:
        kept += [
            *(ev.TextEnd(id=id_) for id_ in texts),
            ev.TextStart(id="error"),
            ev.TextEnd(id="error", text=error.message),
        ]
    status: Any = "paused" if requests else "completed" if ends_with_text else "incomplete"
    return [
        *kept,
        replace(end, status=status, code=ev.STREAM_TRUNCATED if status == "incomplete" else None),
    ]


def change_usage(events: Events, **values: Callable[[ev.Usage], Any] | None) -> Events:
    usage = events[-1].usage
    if usage is None:
        return events
    fields = {name: value(usage) if value else None for name, value in values.items()}
    return change_end(events, usage=replace(usage, **fields))


def with_totals(events: Events) -> Events:
    whole = {"input": lambda u: u.input or 0, "output": lambda u: u.output or 0}
    return change_usage(
        events,
        **whole,
        total=lambda u: (u.input or 0) + (u.output or 0) if u.total is None else u.total,
    )


def sources_in_texts(events: Events) -> Events:
    open_: set[str] = set()
    kept: Events = []
    for event in events:
        if isinstance(event, ev.TextStart) and event.kind == "text":
            open_.add(event.id)
        elif isinstance(event, ev.TextEnd):
            open_.discard(event.id)
        if open_ or not isinstance(event, ev.Source):
            kept.append(event)
    return kept


def nested_in_agents(events: Events) -> Events:
    """Remove parents that are calls.

    A call that is the parent of a sub-agent becomes the call that started it.
    """
    calls, agents = set(names_by_call(events)), set[str]()
    kept: Events = []
    for event in events:
        if isinstance(event, ev.AgentStart):
            agents.add(event.id)
            if event.parent_id in calls:
                event = replace(event, parent_id=None, tool_id=event.tool_id or event.parent_id)
        elif event.parent_id not in agents:
            event = replace(event, parent_id=None)
        if isinstance(event, ev.AgentEnd):
            agents.discard(event.id)
        kept.append(event)
    return kept


def with_codes(events: Events) -> Events:
    fatal = any(isinstance(event, ev.Error) and event.fatal for event in events)
    named = [
        replace(event, code=event.code or "server_error")
        if isinstance(event, ev.Error) and event.fatal
        else event
        for event in events
    ]
    return change_end(named, code=named[-1].code or "server_error") if fatal else named


def unique_files(events: Events) -> Events:
    return [
        replace(event, id=f"file {at}") if isinstance(event, ev.File) else event
        for at, event in enumerate(events)
    ]


def change_request(**values: Any) -> Callable[[Events], Events]:
    return change(ev.ApprovalRequest, **values)


def with_prompts(events: Events) -> Events:
    names = names_by_call(events)
    return change_request(prompt=lambda e: e.prompt or names.get(e.tool_id or ""))(events)


def sign_in(events: Events) -> Events:
    return change_request(kind=lambda e: "input" if e.kind == "auth" else e.kind)(events)
