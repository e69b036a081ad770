"""What is lost of approvals, agents, and ends."""

from collections.abc import Callable
from typing import Any

from encoders.lost_events import APPROVAL, Events, at_end, change, cut, drop, names, parse
from msgspec.structs import replace

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.wording import reason_of


def pending(events: Events) -> list[ev.ApprovalRequest]:
    answered = {event.approval_id for event in events if isinstance(event, ev.ApprovalResponse)}
    return [event for event in events if isinstance(event, ev.ApprovalRequest) and event.approval_id not in answered]


def only_pending(events: Events) -> Events:
    asked = pending(events) if events[-1].status == "paused" else []
    if events[-1].status == "paused" and not asked:
        asked = [ev.ApprovalRequest(approval_id="any", kind="input")]
    return at_end(drop(*APPROVAL)(events), *asked)


def linked(events: Events) -> Events:
    gone = {event.approval_id for event in events if isinstance(event, ev.ApprovalRequest) and not event.tool_id}
    kept = [event for event in events if not (isinstance(event, APPROVAL) and event.approval_id in gone)]
    paused = events[-1].status == "paused" and not pending(kept)
    return at_end(kept, status="completed") if paused else kept


def gist(events: Events) -> Events:
    of, about = names(events), dict[str, str]()
    kept: Events = []
    for event in events:
        if isinstance(event, ev.ApprovalRequest):
            name = about[event.approval_id] = of.get(event.tool_id or "", "approval")
            event = ev.ApprovalRequest(approval_id=event.approval_id, prompt=event.prompt or name)
        elif isinstance(event, ev.ApprovalResponse):
            data = {"name": about[event.approval_id], "type": "mcp_approval_response"}
            event = ev.Custom(name="mcp_approval_response", data=data)
        kept.append(event)
    return kept


def unanswered(events: Events) -> Events:
    end = events[-1]
    if end.status not in ("completed", "paused"):
        return events
    answered = {event.id for event in events if isinstance(event, ev.ToolResult)}
    order = list(names(events))
    waiting = [event for event in events if isinstance(event, ev.ToolArgs) and event.id not in answered]
    waiting.sort(key=lambda event: order.index(event.id))
    asked = [ev.ApprovalRequest(approval_id=e.id, tool_id=e.id, kind="input", args=parse(e.args_text)["args"]) for e in waiting]
    if end.status == "paused" and not asked:
        asked = [ev.ApprovalRequest(approval_id="run", kind="input")]
    return at_end(events, *asked, status="paused") if asked else events


def waiting(events: Events) -> Events:
    asked = [ev.ApprovalRequest(approval_id="run", kind="input")] if events[-1].status == "paused" else []
    return at_end(drop(*APPROVAL)(events), *asked)


def agents_fail(events: Events) -> Events:
    """A sub-agent completes, or it fails and an error says how."""
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
    told = ev.Error(message=f"The sub-agent's run ended: {event.status}", code=event.status, parent_id=event.id)
    return [told, replace(event, status="failed")]


def handoffs(events: Events) -> Events:
    now: str | None = None
    kept: Events = []
    for event in events:
        if isinstance(event, ev.AgentHandoff):
            before = now or event.from_
            now = event.to
            if before is None or before == event.to:
                continue
            event = ev.AgentHandoff(from_=before, to=event.to)
        kept.append(event)
    return kept


def ends(events: Events, encoder: BaseEncoder) -> Events:
    end = events[-1]
    if end.status in encoder.ends or end.status == "failed" or (encoder.cuts and cut(end)):
        return events
    return at_end(events, ev.Error(message=reason_of(end), code=end.code, fatal=True), status="failed")


def ending(events: Events) -> Events:
    """The last word decides, and an error is one."""
    end = events[-1]
    kept: Events = []
    asked, spoken = 0, False
    error = None if end.status in ("completed", "paused") else ev.Error(message=reason_of(end), fatal=True)
    texts: dict[str, str] = {}
    for event in events[:-1]:
        match event:
            case ev.Error(fatal=True):
                error = event
                continue
            case ev.TextDelta():
                texts[event.id] = texts.get(event.id, "") + event.delta
            case ev.TextEnd():
                spoken = bool(texts.pop(event.id, "") or event.text) or spoken
            case ev.ToolStart() | ev.ToolResult() | ev.ApprovalRequest() | ev.Custom(name="mcp_approval_response"):
                spoken = False
        asked += isinstance(event, ev.ApprovalRequest)
        asked -= isinstance(event, ev.Custom)
        kept.append(event)
    spoken = spoken or any(texts.values()) or error is not None
    if error is not None:
        kept += [*(ev.TextEnd(id=id_) for id_ in texts), ev.TextStart(id="error"), ev.TextEnd(id="error", text=error.message)]
    status: Any = "paused" if asked else "completed" if spoken else "incomplete"
    return [*kept, replace(end, status=status, code=ev.STREAM_TRUNCATED if status == "incomplete" else None)]


def usage(events: Events, **values: Callable[[ev.Usage], Any] | None) -> Events:
    counted = events[-1].usage
    if counted is None:
        return events
    made = {name: value(counted) if value else None for name, value in values.items()}
    return at_end(events, usage=replace(counted, **made))


def totals(events: Events) -> Events:
    whole = {"input": lambda u: u.input or 0, "output": lambda u: u.output or 0}
    return usage(events, **whole, total=lambda u: (u.input or 0) + (u.output or 0) if u.total is None else u.total)


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
    """Parents that are calls, of anything but agents, are no parents; of an agent, the call is what started it."""
    calls, agents = set(names(events)), set[str]()
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


def unknown_codes(events: Events) -> Events:
    fatal = any(isinstance(event, ev.Error) and event.fatal for event in events)
    named = [
        replace(event, code=event.code or "server_error") if isinstance(event, ev.Error) and event.fatal else event
        for event in events
    ]
    return at_end(named, code=named[-1].code or "server_error") if fatal else named


def unique_files(events: Events) -> Events:
    return [replace(event, id=f"file {at}") if isinstance(event, ev.File) else event for at, event in enumerate(events)]


def ask(**values: Any) -> Callable[[Events], Events]:
    return change(ev.ApprovalRequest, **values)


def worded(events: Events) -> Events:
    of = names(events)
    return ask(prompt=lambda e: e.prompt or of.get(e.tool_id or ""))(events)


def sign_in(events: Events) -> Events:
    return ask(kind=lambda e: "input" if e.kind == "auth" else e.kind)(events)
